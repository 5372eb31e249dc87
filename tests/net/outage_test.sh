#!/bin/bash
# A link that dies and comes back, which the router before it reports: loss for
# as long, all hops in their rows, one line on who reported what. IPv4 by the
# command, IPv6 by Nmap, side by side.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
lab_up --routers 4 --no-rate-limit || exit 1

PROBES=11 # 1.05 s apart

# Away for two of every four seconds, as long as the traces take and no longer.
flap() {
  for _ in 1 2 3; do
    sleep 2
    lab_unreachable 2
    sleep 2
    lab_reachable 2
  done
}

flap 2>"$LAB_SCRATCH/flap" &
flapping=$!
trace "${FLAVOURS##* }" -6 --script-args "mtr-trace={packets=$PROBES,interval=1.05s,asn=off,names=no}" \
  "$(lab_target 6)" &
nmap=$!
cli -c "$PROBES" -i 1.05 -n -j --asn=off "$(lab_target 4)"
wait "$nmap" "$flapping"
XML=$LAB_SCRATCH/trace.xml
is toggled_without_an_error "$(cat "$LAB_SCRATCH/flap")" ""

# fits NAME TEXT: lines of hop, address, received and sent
fits() {
  local family=$1 name=$2 hop address received sent
  is "${name}_rows" "$(wc -l <<<"$3")" 5
  while read -r hop address received sent; do
    is "${name}_hop_$hop" "$address $sent" "$(lab_addr "$family" "$hop") $PROBES"
    if [ "$hop" -eq 2 ] && [ "$family" -eq 4 ]; then # its refusals have few tokens, for all rows together
      at_least "${name}_hop_2_gets_some" "$received" 3
    elif [ "$hop" -le 2 ]; then
      is "${name}_hop_${hop}_loses_none" "$received" "$PROBES"
    else # 6 of the 12 s, give or take a probe at each of six edges
      at_least "${name}_hop_${hop}_loses_some" $((PROBES - received)) 3
      at_least "${name}_hop_${hop}_gets_some" "$received" 3
    fi
  done <<<"$3"
}

is v4_status "$RC" 0
fits 4 v4 "$(lua5.4 -e '
  local trace = require "dkjson".decode(io.read "a").traces[1]
  for _, hop in ipairs(trace.hops) do
    print(hop.hop, hop.responders[1].ip, hop.received, hop.sent)
  end' <<<"$OUT" | tr '\t' ' ')"
like v4_verdict "$OUT" "$(lab_addr 4 2) at hop 2 reported host unreachable for [0-9]+ of [0-9]+ probes, "
unlike v4_false_words "$OUT" '"kind":"(balanced_per_packet|rate_limited|silent|path_changed)"'
fits 6 v6 "$(show hops ip received sent)"
is v6_reached "$(show get reached ending)" "true reached"
like v6_verdict "$(cat "$XML")" "$(lab_addr 6 2) at hop 2 reported no route to destination for [0-9]+ of [0-9]+ probes, "
unlike v6_false_words "$(cat "$XML")" 'key="kind">(balanced_per_packet|rate_limited|silent|path_changed)<'

# A target that replies at first and then no more is no router with a rate limit: the trace ends when its bursts of
# test probes, about a second apart, have shown that.
at=$(date +%s%N)
{
  sleep 0.6
  lab_exec s nft -f - <<<'table inet gone { chain in { type filter hook input priority 0; meta l4proto icmp drop; }; }'
} &
cli -c 20 -n -j --asn=off --http=off --os=off "$(lab_target 4)"
took=$((($(date +%s%N) - at) / 1000000))
wait $!
is a_target_that_stops "$(jq -r '.traces[0] | "\(.reached) \([.hops[] | select(.sent == 20 and .received == 20)] | length)"
  ' <<<"$OUT")" "true 4"
like a_target_that_stops_is_no_rate_limit "$OUT" 'Hop 5 replied until [0-9.]+ s, and to none of [0-9]+ probes after that'
unlike a_target_that_stops_is_not_called_so "$OUT" '"kind":"rate_limited"'
at_most a_target_that_stops_is_waited_for "$took" 20000
