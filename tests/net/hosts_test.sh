#!/bin/bash
# Targets near and far: this host, the same link, link-local with a zone, no
# route; Nmap's choice of interface and source; its other ways to find a host.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 2 --no-rate-limit || exit 1
last=${FLAVOURS##* }
t4=$(lab_target 4) t6=$(lab_target 6)

# one_hop NAME FLAVOUR ADDRESS NMAP-OPTION...: the target is the only hop
one_hop() {
  trace "$2" "${@:4}"
  is "$1" "$(show hops ip sent received duplicates send_errors loss_percent) $(show get reached ending target_ttl)" \
    "1 $3 10 10 0 0 0 true reached 1"
  is "$1_table" "$(show text | tail -n 1 | awk '{ print $1, $2, $3, $4, $5 }')" "1 $3 0.0% 10 10"
}

one_hop loopback deb12 127.0.0.1 127.0.0.1
one_hop named_loopback deb12 127.0.0.1 localhost
like name_is_shown "$(show text)" '^  Target: localhost \(127\.0\.0\.1\)$'
one_hop own_address "$last" "$(lab_addr 4 0)" "$(lab_addr 4 0)"
one_hop loopback_v6 "$last" ::1 -6 ::1
one_hop own_address_v6 deb12 "$(lab_addr 6 0)" -6 "$(lab_addr 6 0)"
one_hop loopback_udp deb12 127.0.0.1 127.0.0.1 --script-args mtr-trace.protocol=udp
one_hop same_link deb12 "$(lab_addr 4 1)" "$(lab_addr 4 1)"
one_hop same_link_tcp_closed_port deb12 "$(lab_addr 4 1)" "$(lab_addr 4 1)" --script-args mtr-trace.protocol=tcp
one_hop same_link_v6 "$last" "$(lab_addr 6 1)" -6 "$(lab_addr 6 1)"

local_address=$(lab_link_local r1 up)
for f in $FLAVOURS; do
  one_hop "${f}_link_local_with_zone" "$f" "$local_address" -6 "$local_address%eth0"
  one_hop "${f}_link_local_with_e" "$f" "$local_address" -6 -e eth0 "$local_address"
done

# ---- -e, -S, and without -sn -Pn ----------------------------------------------

trace deb12 -e eth0 "$t4"
compare with_e hops="$(lab_hops 4)" interface=eth0
lab_ip c address add 10.0.0.77/24 dev eth0
lab_ip c address add fd00:0:0:100::77/64 dev eth0 nodad
trace "$last" -e eth0 -S 10.0.0.77 "$t4"
compare with_S hops="$(lab_hops 4)" source=10.0.0.77
trace deb12 -6 -e eth0 -S fd00:0:0:100::77 "$t6"
compare with_S_v6 hops="$(lab_hops 6)" source=fd00:0:0:100::77
trace deb12 -e eth0 -S 10.0.0.99 "$t4"
like foreign_source_is_refused "$(show text)" '^ERROR: source address 10\.0\.0\.99 is not usable here: '

for options in '-n' '-n -sn' '-n -Pn -p 80' '-n -sS -p 80' '-n -sT -p 80 --reason' '-n -sn --traceroute'; do
  # shellcheck disable=SC2086 # a list, to be split
  in_flavour "$last" c timeout 60 nmap $options --script "$(tree_of "$last")/nse/mtr-trace.nse" \
    -oX - "$t4" >"$XML" 2>"$XML.err"
  is "with_nmap${options// /_}" "$(show hops ip received | xargs) $(show get reached)" \
    "1 10.0.0.2 10 2 10.0.1.2 10 3 $t4 10 true"
done

# ---- no way there -----------------------------------------------------------------

lab_ip c route del default
lab_ip c -6 route del default
count_sent any meta l4proto '{ icmp, udp, tcp }'
for f in $FLAVOURS; do
  trace "$f" 192.0.2.1
  is "${f}_no_route" "$(show text)" "ERROR: no route to 192.0.2.1: Network is unreachable"
done
trace deb12 -6 2001:db8::1
like no_route_v6 "$(show text)" '^ERROR: no route to 2001:db8::1: '
trace deb12 192.0.2.1 "$(lab_addr 4 1)"
is no_route_to_one_of_two "$(show --host 192.0.2.1 text); $(show --host "$(lab_addr 4 1)" get reached)" \
  "ERROR: no route to 192.0.2.1: Network is unreachable; true"
