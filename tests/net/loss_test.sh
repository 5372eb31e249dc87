#!/bin/bash
# Faults on the path, each known exactly: counted loss, a silent router, a
# filtered destination, routers that call the destination unreachable.
# IPv4 runs in one Nmap, IPv6 in the other.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 8 --no-rate-limit || exit 1
declare -A flavour=([4]=deb12 [6]=${FLAVOURS##* }) ttl=([4]='ip ttl' [6]='ip6 hoplimit')

run() { # FAMILY [NMAP OPTION...]
  trace "${flavour[$1]}" "-$1" "${@:2}" "$(lab_target "$1")"
}

# hops_are NAME FAMILY LINE...: hop, address, received and sent of all hops
hops_are() { is "$1" "$(show hops ip received sent)" "$(printf '%s\n' "${@:3}")"; }

# good FAMILY FROM TO [RECV]: the lines of these hops
good() {
  local hop
  for ((hop = $2; hop <= $3; hop++)); do echo "$hop $(lab_addr "$1" $hop) ${4:-10} 10"; done
}

ended() { # NAME ENDING TYPE CODE
  is "$1_ending" "$(show get reached target_ttl ending ending_type ending_code)" "false - $2 $3 $4"
  is "$1_is_nowhere_the_target" "$(grep -c '"target">true<' "$XML")" 0
}

# A route that says so.  First, because a Linux router answers for it out of the
# bucket for all its ICMP errors, whatever its rate limit is set to.
lab_unreachable 4 prohibit
# No SYNs of the web timing: they draw tokens of the same bucket.
run 4 --script-args 'mtr-trace={packets=3,http=off}'
is prohibited_v4_hops "$(show hops ip loss_percent)" "$(good 4 1 4 0 | sed 's/ 10$//')"
ended prohibited_v4 unreachable 3 13
like prohibited_v4_note "$(show notes)" \
  '^Target not reached: 10\.0\.3\.2 at hop 4 replies with communication administratively prohibited \(ICMP type 3 code 13\)\.$'
is prohibited_v4_codes "$(show codes | tail -n 1)" \
  $'4\t10.0.3.2\t3/13\tcommunication administratively prohibited'
run 6
hops_are prohibited_v6_hops 6 "$(good 6 1 4)"
ended prohibited_v6 unreachable 1 1
like prohibited_v6_note "$(show notes)" \
  '^Target not reached: fd00:0:0:103::2 at hop 4 replies with administratively prohibited \(ICMPv6 type 1 code 1\)\.$'
lab_reachable 4
lab_unreachable 4
run 6
hops_are no_route_v6_hops 6 "$(good 6 1 4)"
ended no_route_v6 unreachable 1 0
lab_reachable 4

# A filter that says so answers behind the hop's own time exceeded.
lab_rule r4 forward iifname up ip protocol icmp reject with icmp type host-unreachable
run 4
hops_are rejected_v4_hops 4 "$(good 4 1 4)" "5 $(lab_addr 4 4) 10 10"
ended rejected_v4 unreachable 3 1
like rejected_v4_note "$(show notes)" '^Target not reached: 10\.0\.3\.2 at hop 5 replies with host unreachable \(ICMP type 3 code 1\)\.$'
is rejected_v4_codes "$(show codes | tail -n 1)" $'5\t10.0.3.2\t3/1\thost unreachable'
run 4 --script-args mtr-trace.protocol=tcp
is filter_for_icmp_lets_tcp_pass "$(show get reached target_ttl)" "true 9"
lab_clear r4
lab_rule r4 forward iifname up ip protocol udp reject with icmp type port-unreachable
run 4 --script-args mtr-trace.protocol=udp
hops_are rejected_udp_hops 4 "$(good 4 1 4)" "5 $(lab_addr 4 4) 10 10"
ended rejected_udp unreachable 3 3
lab_clear r4
lab_rule r4 forward iifname up ip protocol tcp reject with tcp reset
run 4 --script-args mtr-trace.protocol=tcp
is reset_by_a_firewall_counts_as_the_target "$(show get reached target_ttl)" "true 5"
lab_clear r4

# Every fifth probe of each TTL is dropped behind router 3: two of ten.
for family in 4 6; do
  for ((left = 1; left <= 6; left++)); do
    # shellcheck disable=SC2086 # two words
    lab_drop_every 3 5 ${ttl[$family]} $left
  done
done
for f in $FLAVOURS; do
  flavour[4]=$f
  run 4
  hops_are "${f}_loss_v4_hops" 4 "$(good 4 1 3)" "$(good 4 4 9 8)"
  is "${f}_loss_v4_percent" "$(show hops loss_percent | sort -u -k 2 | xargs)" "1 0 4 20"
  is "${f}_loss_v4_target" "$(show get reached target_ttl)" "true 9"
  like "${f}_loss_v4_text" "$(show text)" '^  9 +10\.0\.8\.2 +20\.0%( \([0-9-]+\))? +10 +8 '
done
flavour[4]=deb12
run 6
hops_are loss_v6_hops 6 "$(good 6 1 3)" "$(good 6 4 9 8)"
run 4 --script-args mtr-trace.protocol=udp,mtr-trace.packets=20
is loss_of_20_udp "$(show hops received sent | cut -d' ' -f2,3 | sort | uniq -c | xargs)" "6 16 20 3 20 20"
lab_clear r3

# Loss on the way back of one router's answers is that row's alone.
lab_rule r3 forward ip saddr "$(lab_addr 4 6)" icmp type time-exceeded numgen inc mod 5 0 drop
run 4
hops_are answers_lost_hops 4 "$(good 4 1 5)" "$(good 4 6 6 8)" "$(good 4 7 9)"
lab_clear r3

lab_silent 3
for family in 4 6; do
  run $family
  hops_are silent_v${family}_hops $family "$(good $family 1 2)" "3 - 0 10" "$(good $family 4 9)"
  is silent_v${family}_flag "$(show hops silent | grep true)" "3 true"
  like silent_v${family}_row "$(show text)" '^  3 +\* +100\.0% +10 +0( +-){6}$'
  is silent_v${family}_target "$(show get reached ending target_ttl)" "true reached 9"
  at_most silent_v${family}_time "$TOOK" 6000
done
lab_clear r3

lab_filter_dest
for family in 4 6; do
  run $family
  is filtered_v${family}_hops "$(show hops ip received sent | head -n 8)" "$(good $family 1 8)"
  like filtered_v${family}_tail "$(show text)" '^  9-30  \*$'
  unlike filtered_v${family}_rows "$(show text)" '^  (9|1[0-9]|2[0-9]|30) '
  like filtered_v${family}_note "$(show notes)" '^Target not reached: nothing beyond hop 8 replies\.$'
  ended filtered_v$family silent - -
  in_time filtered_v${family}_time "$TOOK" 8000
done
run 4 --script-args mtr-trace.max-silent=2,mtr-trace.protocol=tcp
like filtered_max_silent_2_tail "$(show text)" '^  9-30  \*$'
run 4 --script-args mtr-trace.max-hops=11
is filtered_max_hops_11_tail "$(show text | grep -E '^  (9|1[0-9])' | awk '{ print $1, $2 }' | xargs)" "9 * 10 * 11 *"
run 4 --script-args mtr-trace.max-hops=8
like max_hops_8_note "$(show notes)" '^Target not reached within 8 hops\.$'
hops_are max_hops_8_hops 4 "$(good 4 1 8)"
lab_clear s
run 4 --script-args mtr-trace.first-hop=4
hops_are first_hop_4_hops 4 "$(good 4 4 9)"
is first_hop_4_head "$(show get first_hop target_ttl reached)" "4 9 true"
run 4 --script-args mtr-trace.first-hop=12
is first_hop_beyond_the_target "$(show get first_hop reached)" "12 true"
