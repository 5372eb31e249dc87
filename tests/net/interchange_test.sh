#!/bin/bash
# The formats of other systems beside those systems: scamper traces the same
# paths, and sc_warts2json's objects have the keys, types and values of ours.
# RIPE Atlas has no program here: its layout is held to what it documents.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
for tool in scamper sc_warts2json jq; do
  command -v $tool >/dev/null || {
    skip interchange "$tool is not installed"
    exit 0
  }
done

lab_up --routers 4 --no-rate-limit || exit 1
t4=$(lab_target 4) t6=$(lab_target 6)
ours=$LAB_SCRATCH/out theirs=$LAB_SCRATCH/theirs

# scamper_json COMMAND TARGET: what sc_warts2json writes of a trace
scamper_json() {
  lab_exec c timeout 60 scamper -p 1000 -O warts -o "$LAB_SCRATCH/warts" -c "$1" -i "$2" </dev/null >/dev/null 2>&1
  sc_warts2json "$LAB_SCRATCH/warts" >"$theirs"
}

# in_background COMMAND TARGET: the same beside what follows; wait_for_it ends it
in_background() {
  scamper_json "$@" &
  beside=$!
}
wait_for_it() { wait "$beside"; }

# keys FILE TYPE: every key of the objects of a type in their order, and the type of each value
keys() {
  jq -rc --arg type "$2" 'select(.type == $type) | [paths(true) as $p
    | ($p | map(if type == "number" then "[]" else . end) | join(".")) as $name
    | select(getpath($p) != null) | $name + " " + (getpath($p) | type)]
    | reduce .[] as $k ([]; if index($k) then . else . + [$k] end) | .[]' "$1"
}

# What a trace says that no run repeats: times, identifications, ports.
facts() { # FILE
  jq -rc 'select(.type == "trace") | .method, .src, .dst, .stop_reason, .stop_data, .hop_count, .firsthop, .tos, .userid,
    .version, (.start.ftime | length), (.hops[] | [.addr, .probe_ttl, .probe_id, .reply_ttl, .reply_tos, .icmp_type,
    .icmp_code, .icmp_q_ttl, .icmp_q_tos, .tcp_flags, .reply_size - (.probe_size * ([.icmp_type] | inside([3, 11, 0, 129]) | if . then 1 else 0 end))])' "$1"
}

same() { # NAME SCAMPER'S-METHOD TARGET OPTION...: one trace by both
  scamper_json "trace -P $2" "$3"
  cli -n --asn off -c 1 --format scamper-json "${@:4}" "$3"
  is "$1_has_the_keys" "$(keys "$ours" trace)" "$(keys "$theirs" trace)"
  is "$1_has_the_facts" "$(facts "$ours")" "$(facts "$theirs")"
  like "$1_has_times_near_now" "$(jq -r "select(.type == \"trace\") | (now - .hops[].tx.sec | fabs) < 60" "$ours" | sort | uniq -c)" '^ *5 true$'
}

# ---- one path ---------------------------------------------------------------

same trace_icmp 'icmp-paris -w 1' "$t4"
same trace_udp 'udp-paris -w 1' "$t4" -u
same trace_tcp 'tcp -d 9 -w 1' "$t4" -T -P 9
same trace_icmp6 'icmp-paris -w 1' "$t6"
is cycles_have_the_keys "$(keys "$ours" cycle-start; keys "$ours" cycle-stop)" \
  "$(keys "$theirs" cycle-start | grep -v hostname; keys "$theirs" cycle-stop | grep -v hostname)"
# Atlas counts without the headers of IP and ICMP.
cli -n --asn off -c 2 -s 100 --format atlas "$t4"
is atlas_sizes "$(jq -c '[.size, .result[0].result[0].size, .result[4].result[0].size]' "$ours")" '[72,100,72]'
cli -n -4 --format atlas ::1
is atlas_failure "$(jq -r '.dst_name, (.result | length), (.result[0].error | type)' "$ours" | xargs)" "::1 1 string"
cli --format atla "$t4"
is unknown_format_is_refused "$RC ${ERR%% of *}" "2 mtr-trace: --format=atla: expected one"

lab_silent 3
in_background 'trace -P udp-paris -q 1 -w 1' "$t4"
cli -n --asn off -c 1 -u -Z 0.5 --format scamper-json --record "$LAB_SCRATCH/record" "$t4"
wait_for_it
is silent_hop_has_no_object "$(facts "$ours")" "$(facts "$theirs")"
cli --replay "$LAB_SCRATCH/record" --format atlas
is atlas_silent_hop "$(jq -c '.result[2]' "$ours")" '{"hop":3,"result":[{"x":"*"}]}'
lab_clear r3

# ---- several paths -----------------------------------------------------------

lab_fork 1 2 no-rate_limit || exit 1

# links FILE: from each address to the next. links[n] are the addresses n hops
# behind a node; scamper puts what branches and meets again into one link of
# several hops, where we have a node for each branch.
links() {
  jq -r 'select(.type == "tracelb") | .nodes[] | [[.addr]] + [.links // [] | .[] | map(.addr)] | . as $levels
    | range(1; length) as $n | $levels[$n - 1][] as $from | $levels[$n][] | $from + " " + .' "$1" | LC_ALL=C sort -u
}

in_background 'tracelb -P udp-sport -c 99 -q 2 -w 1 -W 15' "$t4"

# What documents of Atlas may hold, each with its type.
# shellcheck disable=SC2016 # for jq
atlas='def is($kind): type == $kind;
  def reply: if .x then . == {"x": "*"} else
    (.from | is("string")) and (.ttl | is("number")) and (.size | is("number"))
    and (if .late then .rtt == null else .rtt | is("number") end)
    and (.flags == null or (.flags | test("^[SRA]+$")))
    and (keys - ["from", "ttl", "size", "rtt", "late", "flags", "err", "mtu", "ittl", "itos", "icmpext"] == []) end;
  .fw == 5080 and .type == "traceroute" and (.msm_id | is("number")) and (.prb_id | is("number"))
  and (.timestamp | is("number")) and .endtime >= .timestamp and .af == (if .dst_addr | test(":") then 6 else 4 end)
  and (.proto | test("^(ICMP|UDP|TCP)$")) and .paris_id > 0 and .paris_id < 65 and (.size | is("number"))
  and ([.result[] | (.hop | is("number")) and (.result | length) == 2 and all(.result[]; reply)] | all)'
for how in icmp udp tcp; do
  for target in "$t4" "$t6"; do
    cli -n --asn off -c 2 --flows 2 --protocol $how -P 9 --format atlas "$target"
    name=atlas_${how}_${target##*[.:]}_$([[ $target = *:* ]] && echo 6 || echo 4)
    is "${name}_has_the_layout" "$(jq "$atlas" "$ours" | xargs)" "true true"
    is "${name}_has_the_path" "$(jq -r '.result | last | [.hop, .result[0].from, .result[0].err, .result[0].flags] | @csv' "$ours" | sort -u)" \
      "5,\"$target\",,$([ $how = tcp ] && echo '"RA"')"
  done
done

cli -n --asn off -c 1 -u --paths 99 --format scamper-json --record "$LAB_SCRATCH/record" "$t4"
wait_for_it
# Theirs gives no limit of probes as a number that we have.
is tracelb_has_the_keys "$(keys "$ours" tracelb)" "$(keys "$theirs" tracelb | grep -v probec_max)"
# With 99 % theirs misses a link now and then.
is tracelb_lacks_no_link_of_theirs "$(LC_ALL=C comm -13 <(links "$ours") <(links "$theirs"))" ""
is tracelb_has_the_question "$(jq -c 'select(.type == "tracelb") | [.confidence, .method]' "$ours" "$theirs" | sort -u)" '[99,"udp-sport"]'
is tracelb_counts_nodes_and_links "$(jq -c 'select(.type == "tracelb") | [.nodec, .linkc]' "$ours")" '[6,6]'
is tracelb_says_nothing_of_a_limit "$(jq 'select(.type == "tracelb") | .probec_max' "$ours")" null
is tracelb_probes_are_of_their_link "$(jq -c 'select(.type == "tracelb") | [.nodes[].links[][] | .probes[] | .replyc == (.replies | length)]
  | unique' "$ours")" '[true]'
before=$OUT
cli --replay "$LAB_SCRATCH/record" --format scamper-json
is tracelb_of_a_recording_is_the_same "$OUT" "$before"

# A silent router stands as "*" between its neighbours, as in scamper's.
lab_silent 3
cli -n --asn off -c 1 -u -Z 0.5 --paths 95 --format scamper-json "$t4"
beside=$(lab_fork_addr 4 1 1 2)
is tracelb_with_a_silent_router "$(links "$ours" | xargs)" "$(printf '%s\n' "* 10.0.3.2" "10.0.0.2 10.0.1.2" "10.0.0.2 $beside" \
  "10.0.1.2 *" "10.0.3.2 $t4" "$beside *" | LC_ALL=C sort | xargs -d '\n')"
