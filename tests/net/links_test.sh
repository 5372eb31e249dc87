#!/bin/bash
# What the links may do to a capture: answers that come in on another interface
# than the probes left by, packets that pass two interfaces of this host, and
# answers that come too late.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
declare -A flavour=([4]=deb12 [6]=${FLAVOURS##* })

run() { # FAMILY [NMAP OPTION...]
  trace "${flavour[$1]}" "-$1" "${@:2}" "$(lab_target "$1")"
}

# A slow link beyond router 1, and a timeout shorter than it takes: late answers.
lab_exec r1 tc qdisc add dev down root tbf rate 40kbit burst 200 limit 20000
run 4 --script-args mtr-trace.timeout=10ms,mtr-trace.packets=3
is late_is_not_loss "$(show hops ip received loss_percent | xargs)" "1 10.0.0.2 3 0 2 10.0.1.2 3 0 3 10.0.2.2 3 0 4 10.0.3.2 3 0"
# Of 9 counted probes; those of bursts are waited for as long as replies take.
at_least late_is_counted "$(show sum late)" 4
lab_exec r1 tc qdisc del dev down root

# A second link to router 1, by which all answers come.
ip link add name eth1 netns "$LAB-c" type veth peer name up2 netns "$LAB-r1"
lab_ip c address add 10.0.200.1/24 dev eth1
lab_ip r1 address add 10.0.200.2/24 dev up2
lab_ip c address add fd00:0:0:1c8::1/64 dev eth1 nodad
lab_ip r1 address add fd00:0:0:1c8::2/64 dev up2 nodad
lab_ip c link set eth1 up
lab_ip r1 link set up2 up
lab_sysctl c ipv4/conf/{all,eth0,eth1}/rp_filter=0
lab_ip r1 route add "$(lab_addr 4 0)/32" via 10.0.200.1 dev up2 src 10.0.0.2
lab_ip r1 -6 route add "$(lab_addr 6 0)/128" via fd00:0:0:1c8::1 dev up2 src fd00:0:0:100::2
for family in 4 6; do
  before=$(lab_exec c cat /sys/class/net/eth1/statistics/rx_packets)
  run $family
  compare other_interface_v$family hops="$(lab_hops $family)" interface=eth0 source="$(lab_addr $family 0)"
  at_least other_interface_v${family}_was_used \
    $(($(lab_exec c cat /sys/class/net/eth1/statistics/rx_packets) - before)) 40
done
run 4 -e eth0 --script-args mtr-trace.protocol=udp
compare other_interface_with_e hops="$(lab_hops 4)" interface=eth0 protocol=udp
lab_ip r1 route del "$(lab_addr 4 0)/32"
lab_ip r1 -6 route del "$(lab_addr 6 0)/128"

# A bridge on top of the interface: each packet is captured twice.
lab_bridge_client
for family in 4 6; do
  for protocol in icmp udp tcp; do
    run $family --script-args mtr-trace.protocol=$protocol
    compare bridge_${protocol}_v$family hops="$(lab_hops $family)" interface=br0 protocol=$protocol
  done
done
