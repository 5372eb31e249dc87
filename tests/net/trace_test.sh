#!/bin/bash
# Every protocol and family over eight routers without faults, in both Nmaps:
# each hop of the XML, and the printed table, against the lab's own truth.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 8 --no-rate-limit || exit 1

declare -A size=([icmp4]=64 [udp4]=40 [tcp4]=44 [icmp6]=84 [udp6]=60 [tcp6]=64)
declare -A port=([udp]=port=33434 [tcp]=port=80)

for flavour in $FLAVOURS; do
  for family in 4 6; do
    for protocol in icmp udp tcp; do
      name=${flavour}_${protocol}_v$family
      trace "$flavour" -$family --script-args mtr-trace.protocol=$protocol "$(lab_target $family)"
      compare "$name" hops="$(lab_hops $family)" protocol=$protocol size="${size[$protocol$family]}" \
        source="$(lab_addr $family 0)" interface=eth0 mtu=1500 ${port[$protocol]:+"${port[$protocol]}"}
      in_time "${name}_time" "$TOOK" 5000
    done
  done
done

trace deb12 --script-args mtr-trace.packets=30 "$(lab_target 4)"
compare packets_30 hops="$(lab_hops 4)" packets=30
at_most packets_30_time "$TOOK" 8000

trace deb12 --script-args mtr-trace.packets=1 "$(lab_target 4)"
compare packets_1 hops="$(lab_hops 4)" packets=1
is packets_1_stdev_is_0 "$(show hops stdev_ms jitter_ms | sort -u -k2 | cut -d' ' -f2-)" "0 0"
