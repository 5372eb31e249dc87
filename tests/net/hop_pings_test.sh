#!/bin/bash
# The hops' own pings beside a trace (--direct, mtr-trace.direct): routers that
# rate-limit their errors reply to each, one that drops pings to itself has none.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 3 --no-rate-limit || exit 1
for family in icmp icmpv6; do lab_rule r2 input $family type echo-request drop; done
count_sent pings meta l4proto '{ icmp, ipv6-icmp }' ip ttl 64

WANT="1 0.0% 10 2 - 10 3 0.0% 10 4 0.0% 10"
for family in 4 6; do
  cli -n --asn off --os off --http off -c 2 --columns hop,ip,direct_loss,direct_sent,direct_rtt "$(lab_target $family)"
  is "command_v$family" "$(awk '$1 ~ /^[0-9]+$/ { print $1, $3, $4 }' <<<"$OUT" | xargs)" "$WANT"
  is "command_v${family}_times" "$(awk '$1 ~ /^[134]$/ && $5 ~ /^[0-9]+\.[0-9]+$/' <<<"$OUT" | wc -l)" 3
  like "command_v${family}_says_what_it_is" "$OUT" '^Direct figures are of 10 echo requests to each address itself, after the trace: they are not loss on the path\. 1 of 4 replied to none\.$'
done
is each_address_is_pinged_ten_times "$(sent pings)" 40
cli -n --asn off --os off --http off -c 2 --direct "$(lab_target 4)"
like columns_come_with_the_option "$OUT" '^Hop .*  Direct-RTT\(ms\)  Direct-Loss%'
is the_trace_s_loss_is_its_own "$(awk '$1 == 2 { print $3 }' <<<"$OUT")" 0.0%
trace "$last" --script-args mtr-trace.packets=2,mtr-trace.asn=off,mtr-trace.direct=yes "$(lab_target 4)"
is nmap "$(show hops direct_loss_percent direct_sent | xargs)" "1 0 10 2 - 10 3 0 10 4 0 10"
like nmap_has_the_columns "$(show text)" '^  Hop .*  Direct-RTT\(ms\)  Direct-Loss%'
trace "$last" --script-args mtr-trace.packets=2,mtr-trace.asn=off "$(lab_target 4)"
is nobody_is_pinged_unasked "$(show hops direct_sent | xargs)" "1 - 2 - 3 - 4 -"
