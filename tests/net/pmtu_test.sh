#!/bin/bash
# A real drop of the MTU on the way, told and filtered, in both families: found
# by the script and by the command, again and again.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
find_flavours
lab_up --routers 5 --no-rate-limit || exit 1

# reduction LINK MTU: both ends of the link between router LINK and the next one
reduction() {
  lab_ip "r$1" link set dev down mtu "$2" && lab_ip "r$(($1 + 1))" link set dev up mtu "$2"
}

# filter ROUTER: it says no more that a packet is too big
filter() {
  lab_rule "r$1" output icmp type destination-unreachable icmp code frag-needed drop
  lab_rule "r$1" output icmpv6 type packet-too-big drop
}

pmtu() { # FLAVOUR FAMILY [ARGUMENTS]: leaves the line in LINE
  trace "$1" "-$2" --script-args "mtr-trace.pmtu=yes,mtr-trace.os=off${3:+,$3}" "$(lab_target "$2")"
  LINE=$(show text | grep -o 'Path MTU.*')
}

for f in $FLAVOURS; do
  for v in 4 6; do
    pmtu "$f" $v
    is "${f}_v${v}_nothing_shrinks" "$LINE" "Path MTU 1500: that of this host's link."
  done
done

reduction 3 1400
for f in $FLAVOURS; do
  for v in 4 6; do
    for run in first second; do
      pmtu "$f" $v
      is "${f}_v${v}_told_$run" "$LINE" \
        "Path MTU 1400: reduced beyond hop 3 ($(lab_addr $v 3) sent Packet Too Big)."
    done
    is "${f}_v${v}_told_loses_nothing" "$(show hops loss_percent | cut -d' ' -f2 | sort -u)" 0
  done
done
for protocol in udp tcp; do
  for v in 4 6; do
    pmtu deb12 $v mtr-trace.protocol=$protocol
    is "${protocol}_v${v}_told" "$LINE" \
      "Path MTU 1400: reduced beyond hop 3 ($(lab_addr $v 3) sent Packet Too Big)."
  done
done

filter 3
vanish='PMTU black hole: no router reports it, packets of 1401 bytes get no reply'
for f in $FLAVOURS; do
  for v in 4 6; do
    for run in first second; do
      pmtu "$f" $v
      is "${f}_v${v}_filtered_$run" "$LINE" "Path MTU 1400: reduced beyond hop 3 ($vanish)."
    done
    is "${f}_v${v}_filtered_loses_nothing" "$(show hops loss_percent | cut -d' ' -f2 | sort -u)" 0
  done
done
pmtu deb12 4 mtr-trace.protocol=tcp
is tcp_v4_filtered "$LINE" "Path MTU 1400: reduced beyond hop 3 ($vanish)."

# A hop that never answers leaves a range.
lab_rule r4 output icmp type time-exceeded drop
pmtu deb12 4
is silent_hop_leaves_a_range "$LINE" "Path MTU 1400: reduced between hops 3 and 5 ($vanish)."
lab_clear r4

# One that tells, and behind it one that does not.
reduction 2 1450
pmtu deb12 4
is two_reductions "$LINE" \
  "Path MTU 1400: reduced beyond hop 2 (to 1450, 10.0.1.2 sent Packet Too Big), then beyond hop 3 (to 1400, $vanish)."

# The target is silent: the last hop that answers stands in for it.
lab_clear r3
lab_rule s input icmp type echo-request drop
pmtu deb12 4
is silent_target "$LINE" "Path MTU 1400 as far as hop 5, as the target does not reply: reduced beyond hop 2\
 (to 1450, 10.0.1.2 sent Packet Too Big), then beyond hop 3 (to 1400, 10.0.2.2 sent Packet Too Big)."
lab_clear s

needs_command
for v in 4 6; do
  cli -r -n --asn off --pmtu "$(lab_target $v)"
  like "command_v$v" "$OUT" "^ *Path MTU 1400: .*then beyond hop 3 \\(to 1400, $(lab_addr $v 3) sent Packet Too Big\\)"
done
cli -j -n --asn off --pmtu "$(lab_target 4)"
is command_json "$(lua5.4 -e 'local t = require("dkjson").decode(io.read "a").traces[1].pmtu
  print(t.mtu, t.exact, t.link_mtu, t.probed, #t.reductions, t.reductions[2].ttl, t.reductions[2].method)' <<<"$OUT" | xargs)" \
  "1400 true 1500 target 2 3 packet too big"
