#!/bin/bash
# What the command tells of hops by their own answers: systems, label stacks;
# how it sends: marks; and a run that is ended before its time.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 4 --no-rate-limit || exit 1
dir=$LAB_SCRATCH t4=$(lab_target 4) t6=$(lab_target 6)
QUIET=(-n --asn off -c 3)

# last_column: that of the hops' rows, which is the OS guess
last_column() { grep -E '^[0-9]' <<<"$OUT" | awk '{ print $NF }' | xargs; }

# ---- systems --------------------------------------------------------------------

# Echo requests with a TTL that no trace reaches are direct ones.
count_sent direct ip ttl '> 60' icmp type echo-request
for mode in passive echo active; do
  cli -r "${QUIET[@]}" --os $mode "$t4"
  is "os_${mode}_reached" "$RC $ERR" "0 "
  case $mode in
    passive) is os_passive_sends_nothing "$(sent direct)" 0 ;;
    echo) is os_echo_sends_three_to_each "$(sent direct)" 15 ;;
    active) is os_active_sends_echo_too "$(sent direct)" 30 ;;
  esac
  [ $mode = passive ] ||
    is "os_${mode}_routers" "$(last_column | cut -d' ' -f1-4)" "$(echo Linux-based{,,,})"
done
cli -r "${QUIET[@]}" "$t4"
is os_is_echo_by_default "$(sent direct) $(last_column | cut -d' ' -f4)" "45 Linux-based"
cli -r "${QUIET[@]}" --os off "$t4"
is os_off_says_nothing "$(sent direct) $(last_column)" "45 - - - - -"
cli -r "${QUIET[@]}" "$t6"
unlike os_v6_is_no_more_than_evidence "$OUT" '^[0-9].*(Windows|Cisco|Junos|BSD)'
cli -j "${QUIET[@]}" "$t4"
is os_in_json "$(python3 - "$dir/out" <<'END'
import json, sys
for hop in json.load(open(sys.argv[1]))["traces"][0]["hops"][:4]:
    r = hop["responders"][0]
    print(r["os"], r["os_guess"]["confidence"], r["os_guess"]["evidence"]["probes_sent"]["echo"])
END
)" "$(for _ in 1 2 3 4; do echo Linux-based high 3; done)"
cli -r "${QUIET[@]}" --record "$dir/rec" "$t4"
cp "$dir/out" "$dir/run"
cli -r --replay "$dir/rec" -n
is os_is_in_a_recording "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
count_no_more

# A first hop with a vendor's address: Nmap's file of prefixes is read.
if [ -e /usr/share/nmap/nmap-mac-prefixes ]; then
  lab_ip r1 link set dev up address 00:00:0c:12:34:56
  lab_ip c neigh flush dev eth0
  cli -x "${QUIET[@]}" "$t4"
  like os_mac_vendor "$OUT" "mac_vendor.*$(sed -n 's/^00000C //p' /usr/share/nmap/nmap-mac-prefixes)"
else
  skip os_mac_vendor "Nmap's nmap-mac-prefixes is not installed"
fi

count_sent snmp udp dport 161
cli -r "${QUIET[@]}" "$t4"
is snmp_is_off_by_default "$(sent snmp)" 0
cli -r "${QUIET[@]}" --snmp "$t4" "$(lab_addr 4 3)"
is snmp_is_one_request_for_each_address "$RC $(sent snmp)" "0 5"
cli -r "${QUIET[@]}" --snmp --os off "$t4"
is snmp_without_a_guess "$RC $ERR" \
  "2 mtr-trace: --snmp=yes: expected --os other than off with it (see mtr-trace --help)"
count_no_more

# ---- the web server --------------------------------------------------------------

cli -r "${QUIET[@]}" "$t4"
like web_server "$OUT" '^TTFB: [0-9.]+ ms  \(http, HTTP/1\.1 200; '
count_sent web tcp dport '{ 80, 443 }'
cli -r "${QUIET[@]}" --http off "$t4"
cli -C "${QUIET[@]}" "$t4"
cli --classic "${QUIET[@]}" "$t4"
is web_server_is_left_alone "$RC $(sent web)" "0 0"
count_no_more

# ---- labels -----------------------------------------------------------------------

cli -e -r "${QUIET[@]}" "$t4"
like labels_have_a_column "$OUT" '^Hop .* MPLS'
cli -e -r "${QUIET[@]}" -o LS "$t4"
is labels_go_with_any_order "$(grep ^Hop <<<"$OUT" | awk '{ print $(NF - 1), $NF }')" "Sent MPLS"
cli -e -r "${QUIET[@]}" --columns hop,ip "$t4"
is labels_go_with_any_columns "$(grep ^Hop <<<"$OUT" | awk '{ print $NF }')" MPLS

sed '/"kind":"facts"/s/"kind":"time-exceeded"/"extensions":{"mpls":[{"label":24001,"tc":0,"bottom":true,"ttl":1}]},&/g' \
  "$dir/rec" >"$dir/labels"
cli -e -r -n -o L --replay "$dir/labels"
like labels "$OUT" "^2 +$(lab_addr 4 2) .*24001 tc0 ttl1"

# ---- marks ------------------------------------------------------------------------

for protocol in icmp udp tcp; do
  for family in 4 6; do
    count_sent marked meta mark 0x2a
    cli -r "${QUIET[@]}" --protocol $protocol -M 42 "$(lab_target $family)"
    is "mark_${protocol}_v${family}_reached" "$RC $ERR" "0 "
    at_least "mark_${protocol}_v${family}" "$(sent marked)" 30
    count_no_more
  done
done
count_sent unmarked meta mark '!=' 0x2a icmp type echo-request
cli -r "${QUIET[@]}" -M 0x2a "$t4"
is mark_is_on_each_echo_request "$(sent unmarked)" 0
count_no_more
count_sent any meta mark '!=' 0 icmp type echo-request
cli -r "${QUIET[@]}" "$t4"
is mark_is_none_by_default "$(sent any)" 0
count_no_more
# A rule of routing by marks decides on the way out and its source.
lab_ip c route add prohibit default table 77
lab_ip c rule add fwmark 7 table 77
cli -r "${QUIET[@]}" -M 7 "$t4"
like mark_is_asked_of_the_kernel "$RC $ERR" "^1 mtr-trace: $t4: no route to $t4: "
lab_ip c rule del fwmark 7

# ---- ended before its time -----------------------------------------------------------

# interrupted NAME ARG...: what is shown and the status where SIGINT comes
interrupted() {
  local name=$1 pid try
  in_client "$TREE/scripts/mtr-trace" "${@:2}" >"$dir/out" 2>"$dir/err" </dev/null &
  pid=$!
  for ((try = 0; try < 100; try++)); do
    child=$(ip netns pids "$LAB-c" | xargs -r ps -o pid=,args= -p | awk '/scripts\/mtr-trace/ { print $1; exit }')
    [ -z "$child" ] || break
    sleep 0.1
  done
  sleep 2
  began=${EPOCHREALTIME/[.,]/}
  kill -INT "$child"
  wait $pid
  RC=$?
  TOOK=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
  OUT=$(cat "$dir/out") ERR=$(cat "$dir/err")
  is "${name}_status" "$RC $ERR" "1 "
  at_most "${name}_ends_at_once" "$TOOK" 3000
}
long=(-n --asn off -c 1000)
interrupted interrupted_report -r "${long[@]}" "$t4"
is interrupted_report_shows_what_is_known "$(awk '/^[0-9]/ { print $1, $2 }' <<<"$OUT" | xargs)" \
  "$(for hop in 1 2 3 4 5; do echo $hop "$(lab_addr 4 $hop)"; done | xargs)"
like interrupted_report_says_so "$OUT" '^Interrupted after [0-9.]+ s, before the trace was done: '
interrupted interrupted_json -j "${long[@]}" "$t4" "$(lab_addr 4 2)"
is interrupted_json_says_what_is_known "$(jq -c '.traces[] | [(.hops | length), .reached, .stopped]' <<<"$OUT" | xargs)" \
  '[5,true,interrupt] [2,true,interrupt]'
interrupted interrupted_beyond_the_target -j "${long[@]}" -m 2 "$t4"
is interrupted_before_the_target_is_not_reached "$(jq -c '.traces[] | [.reached, .stopped]' <<<"$OUT")" '[false,"interrupt"]'
interrupted interrupted_record -r --record "$dir/rec" "${long[@]}" "$t4"
cp "$dir/out" "$dir/run"
cli -r -n --replay "$dir/rec"
is interrupted_record_has_the_status_of_its_run "$RC" 1
is interrupted_record_is_whole "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
interrupted interrupted_ndjson --ndjson "${long[@]}" "$t4"
like interrupted_ndjson_ends "$(tail -n 1 <<<"$OUT")" '"kind":"end"'
interrupted interrupted_classic --classic "${long[@]}" "$t4"
like interrupted_classic_shows_what_is_known "$OUT" "^ 1  $(lab_addr 4 1)  [0-9.]+ ms"
