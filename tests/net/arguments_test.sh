#!/bin/bash
# The script's arguments: bad ones give one line and send nothing, good ones
# are seen on the wire, Nmap's own options count.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 2 --no-rate-limit || exit 1
target=$(lab_target 4)

# bad NAME FLAVOUR ARGUMENTS REGEX: one ERROR line that matches, no packet.
bad() {
  local out errors
  count_sent any meta nfproto ipv4
  out=$(run_nmap "$2" c --script-args "$3" "${@:5}" "$target" 2>&1)
  errors=$(grep -c ERROR <<<"$out")
  if [ "$errors" -eq 1 ] && [ "$(sent any)" -eq 0 ] &&
    grep -Eq "mtr-trace: ERROR: $4" <<<"$out"; then
    ok "${2}_$1"
  else
    not_ok "${2}_$1" "$errors ERROR lines, $(sent any) packets, output: $(grep -v '^$' <<<"$out")"
  fi
  count_no_more
}

for f in $FLAVOURS; do
  bad packets_not_a_number "$f" mtr-trace.packets=ten \
    'mtr-trace\.packets=ten: expected a whole number from 1 to 100000$'
  bad packets_zero "$f" mtr-trace.packets=0 'mtr-trace\.packets=0: expected .* from 1 to 100000$'
  bad packets_without_a_value "$f" mtr-trace.packets 'mtr-trace\.packets: no value given: expected '
  bad timeout_not_a_time "$f" mtr-trace.timeout=5x 'mtr-trace\.timeout=5x: expected a time such as '
  bad timeout_zero "$f" mtr-trace.timeout=0 'mtr-trace\.timeout=0: expected .* from 0\.001 to 3600 s$'
  bad unknown_protocol "$f" mtr-trace.protocol=sctp \
    'mtr-trace\.protocol=sctp: expected one of icmp, udp, tcp, tcp-session$'
  bad port_with_icmp "$f" mtr-trace.port=80 'mtr-trace\.port=80: icmp has no ports, expected .*protocol=udp or tcp'
  bad source_port_with_icmp "$f" mtr-trace.source-port=80 'mtr-trace\.source-port=80: icmp has no ports'
  bad port_out_of_range "$f" mtr-trace.protocol=udp,mtr-trace.port=65536 \
    'mtr-trace\.port=65536: expected a whole number from 1 to 65535$'
  bad first_hop_above_max_hops "$f" mtr-trace.first-hop=9,mtr-trace.max-hops=8 \
    'mtr-trace\.first-hop=9: expected .* from 1 to mtr-trace\.max-hops, which is 8$'
  bad max_hops_out_of_range "$f" mtr-trace.max-hops=256 'mtr-trace\.max-hops=256: expected .* from 1 to 255$'
  bad interval_too_short "$f" mtr-trace.interval=1ms 'mtr-trace\.interval=1ms: expected auto or a time '
  bad tos_out_of_range "$f" mtr-trace.tos=256 'mtr-trace\.tos=256: expected .* from 0 to 255$'
  bad max_silent_negative "$f" mtr-trace.max-silent=-1 'mtr-trace\.max-silent=-1: expected '
  bad size_not_a_number "$f" mtr-trace.size=big 'mtr-trace\.size=big: expected a whole number of bytes '
  bad size_below_every_minimum "$f" mtr-trace.size=20 'mtr-trace\.size=20: expected .* from 28 '
  bad size_below_the_minimum_for_tcp "$f" mtr-trace.size=30,mtr-trace.protocol=tcp \
    'mtr-trace\.size.*30.*[0-9]'
  bad random_size_too_large_for_tcp "$f" mtr-trace.size=-300,mtr-trace.protocol=tcp \
    'mtr-trace\.size: size -300 is too large for tcp: at most -299 expected$'
  bad size_above_the_mtu "$f" mtr-trace.size=1501 'mtr-trace\.size.*1501.*1500'
  bad unknown_column "$f" 'mtr-trace.columns={hop,medain}' 'mtr-trace\.columns=.*medain.*nearest is median$'
  bad columns_without_braces "$f" mtr-trace.columns=hop,ip 'mtr-trace\.columns=hop: expected a list in braces'
  bad unknown_key "$f" mtr-trace.packet=5 \
    'mtr-trace\.packet: no such argument, the nearest is mtr-trace\.packets$'
  bad unknown_key_nested "$f" 'mtr-trace={max-hosp=5}' \
    'mtr-trace\.max-hosp: no such argument, the nearest is mtr-trace\.max-hops$'
  bad two_targets_one_line "$f" mtr-trace.packets=0 'mtr-trace\.packets=0: expected ' "$(lab_addr 4 1)"
done

# sends NAME MATCH ARGUMENTS [NMAP OPTION...]: all that the trace sends matches
sends() {
  count_sent any "$to"
  count_sent match "$to" "$2"
  trace deb12 --script-args "mtr-trace.packets=2,mtr-trace.os=passive,mtr-trace.http=off,$3" "${@:4}" "${to##* }"
  is "$1" "$(sent match) $(show get reached)" "$(sent any) true"
  at_least "$1_sends" "$(sent any)" 6
  count_no_more
}

to="ip daddr $target"
sends default_size_icmp 'ip length 64' mtr-trace.protocol=icmp
sends size 'ip length 1500' mtr-trace.size=1500
sends random_sizes 'ip length 34-100' mtr-trace.size=-100
is random_sizes_are_named "$(show get size) $(show get random_size)" "100 true"
sends tos '@nh,8,8 0xb8' mtr-trace.tos=184
sends tos_hexadecimal '@nh,8,8 0x28' mtr-trace.tos=0x28
sends port 'udp dport 5353' mtr-trace.protocol=udp,mtr-trace.port=5353
sends port_default_udp 'udp dport 33434' mtr-trace.protocol=udp
sends port_default_tcp 'tcp dport 80' mtr-trace.protocol=TCP
sends source_port 'udp sport 4242' mtr-trace.protocol=udp,mtr-trace.source-port=4242
sends source_port_tcp 'tcp sport 4242' 'mtr-trace={protocol=tcp,source-port=4242,port=443}'
sends data_length 'ip length 164' mtr-trace.protocol=icmp --data-length 100
sends data_length_yields_to_size 'ip length 96' mtr-trace.size=96 --data-length 100
sends others_port_is_not_taken 'udp dport 33434' mtr-trace.protocol=udp,port=53
is full_key_wins "$(show get packets)" 2
sends short_source_port 'udp sport 4242' mtr-trace.protocol=udp,source-port=4242
trace deb12 --script-args packets=3,http=off,os=passive,http.useragent=x "$target"
is short_keys "$(show get packets)" 3
like others_key_is_hinted_at "$(run_nmap deb12 c -d --script-args packets=1,port=53 "$target" 2>&1)" \
  'port is not read, because other scripts have an argument of that name: use mtr-trace\.port'

# The list of keys that others have, against what the Nmaps' scripts document or read.
last_parts() { # FOLDER
  (cd "$1" && { grep -hoE '@args? +[A-Za-z0-9_.-]+' scripts/*.nse nselib/*.lua | awk '{ print $2 }'
    grep -hoE 'get_script_args *\([^)]*' scripts/*.nse nselib/*.lua | grep -oE "['\"][A-Za-z0-9_.-]+['\"]" | tr -d "'\""; } |
    sed 's/[.]$//; s/.*[.]//' | sort -u)
}
tree_env "$TREE"
ours=$("${ENV[@]}" lua5.4 -e 'for _, a in ipairs(require("mtrtrace.options.args").all()) do print(a.name) end' | sort)
shared=$("${ENV[@]}" lua5.4 -e 'for _, name in ipairs(require("mtrtrace.options.args").shared()) do print(name) end' | sort)
for f in $FLAVOURS; do
  data=/usr/share/nmap
  [ "$f" = deb12 ] || data=$TREE/build/debian13/usr/share/nmap
  is "${f}_keys_that_others_have" "$(last_parts "$data" | comm -12 - <(echo "$ours") | xargs)" "$(xargs <<<"$shared")"
done

trace deb12 --ttl 2 --script-args mtr-trace.packets=1,mtr-trace.http=off "$target"
is ttl_is_the_last_hop_probed "$(show get probed_hop) $(show get reached)" "2 false"
trace deb12 --ttl 2 --script-args mtr-trace.packets=1,mtr-trace.http=off,max-hops=9 "$target"
is max_hops_wins_over_ttl "$(show get reached)" true
to="ip6 daddr $(lab_target 6)"
sends size_v6 'ip6 length 160' mtr-trace.size=200 -6
sends data_length_v6 'ip6 length 144' mtr-trace.protocol=icmp -6 --data-length 100
sends traffic_class_v6 '@nh,4,8 0xb8' mtr-trace.tos=184 -6

# The pace: milliseconds that a trace of some packets takes, start-up left out.
elapsed_s() { # NMAP OPTION...
  trace deb12 "$@" "$target"
  awk -v s="$(show get elapsed_s)" 'BEGIN { printf "%d", s * 1000 }'
}
at_least interval_300ms "$(elapsed_s --script-args mtr-trace.packets=4,mtr-trace.interval=300ms)" 895
at_least timing_T2 "$(elapsed_s -T2 --script-args mtr-trace.packets=3)" 795
at_least timing_T1 "$(elapsed_s -T1 --script-args mtr-trace.packets=2)" 1045
paced=$(elapsed_s -T5 --script-args mtr-trace.packets=41)
at_least timing_T5_is_50_ms "$paced" 1995
at_most timing_T5_is_below_100_ms "$paced" 3800
at_most interval_beats_T1 "$(elapsed_s -T1 --script-args mtr-trace.packets=2,mtr-trace.interval=10ms)" 900
at_least bare_seconds_interval "$(elapsed_s --script-args mtr-trace.packets=2,mtr-trace.interval=1)" 995

trace deb12 --script-args 'mtr-trace.columns={hop,ip,best,reply_ttl}' "$target"
is columns "$(show text | sed -n 5p)" "  Hop  IP Address  Best(ms)  Reply-TTL"
trace deb12 --script-args 'mtr-trace.columns={default,median}' "$target"
like columns_default_and_more "$(show text)" '^  Hop +IP Address +Loss% .* OS Guess +Median\(ms\)$'

out=$(run_nmap deb12 c -v "$target")
is verbose_names_each_hop "$(grep -oE 'hop [0-9]+: [0-9.]+  [0-9.]+ ms' <<<"$out" | sort -u | cut -d' ' -f1-3 | xargs)" \
  "hop 1: 10.0.0.2 hop 2: 10.0.1.2 hop 3: 10.0.2.2"
unlike not_verbose_names_none "$(run_nmap deb12 c "$target")" 'hop 1:'
