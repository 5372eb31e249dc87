#!/bin/bash
# The first reply of a gateway to a request for its hardware address is lost:
# the kernel holds the probes and asks again after a second.  They were sent
# later, and are neither send errors nor lost.  A gateway that is not there is
# named as what it is.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 2 --no-rate-limit || exit 1

# unanswered FAMILY COUNT: from now on router 1 loses so many of its replies about itself
unanswered() {
  if [ "$1" = 4 ]; then
    lab_exec r1 nft -f - <<END
table arp mtl {
  chain out { type filter hook output priority 0; arp operation reply numgen inc mod 1000000 < $2 counter drop; }
}
END
  else
    lab_rule r1 output icmpv6 type nd-neighbor-advert numgen inc mod 1000000 "<" "$2" counter drop
  fi && lab_ip c neigh flush dev eth0
}
answered() { lab_exec r1 nft flush ruleset; }

for family in 4 6; do
  for protocol in icmp udp tcp; do
    unanswered $family 1 || {
      skip "neighbour_v$family" "no nftables for this here"
      continue
    }
    cli -n --asn off --os off --http off -c 5 --protocol $protocol "$(lab_target $family)"
    is "first_reply_lost_${protocol}_v$family" \
      "$RC $(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $3, $4, $5, ($6 < 100 ? "short" : $6) }' <<<"$OUT" | xargs)" \
      "0 1 0.0% 5 5 short 2 0.0% 5 5 short 3 0.0% 5 5 short"
    unlike "first_reply_lost_${protocol}_v${family}_says_nothing_untrue" "$OUT" 'could not be sent|did not see'
    answered
  done
done
unanswered 4 1 && trace "$last" --script-args mtr-trace.packets=5,mtr-trace.asn=off,mtr-trace.http=off "$(lab_target 4)"
is first_reply_lost_in_nmap "$(show hops sent received loss_percent | xargs) $(show notes)" "1 5 5 0 2 5 5 0 3 5 5 0 "
answered

unanswered 4 999999
cli -n --asn off --os off --http off -c 2 -m 3 "$(lab_target 4)"
like no_neighbour_is_named "$OUT" 'could not be sent \(No route to host\)'
unlike no_neighbour_is_no_loss "$OUT" '100\.0%'
answered
