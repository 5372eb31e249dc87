#!/bin/bash
# The OS guess over real Linux routers: what it says of them by every protocol,
# with and without rate limiting, in both Nmaps; what it sends, counted on the wire
# apart from our own count; what it costs.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/services_lib.sh"
find_flavours
other=${FLAVOURS##* } # where one Nmap is enough they take turns
lab_up --routers 4 || exit 1
t4=$(lab_target 4) t6=$(lab_target 6)
QUIET=mtr-trace.asn=off,mtr-trace.names=no,mtr-trace.http=off

free() { for ((i = 1; i <= 5; i++)); do lab_no_rate_limit "$(lab_node "$i")"; done; }

# guesses HOP...: what the table says of these hops, each once
guesses() {
  show hops os | grep -E "^($(tr ' ' '|' <<<"$*")) " | cut -d' ' -f2- | sort -u | xargs
}

# only_linux NAME: no hop is called anything but Linux-based, sure or not, or unknown
only_linux() { unlike "$1_nothing_more_specific" "$(show hops os)" '^[0-9]+ (Linux-based.+[^?]|[^Lu-].*)$'; }

# ---- rate limiting routers, which the kernel is by default --------------------------

for flavour in $FLAVOURS; do
  for protocol in icmp udp tcp; do
    name=${flavour}_rate_limited_${protocol}
    trace "$flavour" --script-args $QUIET,mtr-trace.packets=3,mtr-trace.protocol=$protocol "$t4"
    is "${name}_routers" "$(guesses 1 2 3 4)" Linux-based
    # An error tells more than echo replies alone.
    case $protocol in udp) want=Linux-based ;; *) want='Linux-based?' ;; esac
    is "${name}_target" "$(guesses 5)" "$want"
    only_linux "$name"
    is "${name}_no_loss" "$(show hops loss_percent | cut -d' ' -f2 | sort -u)" 0
  done
done
name=rate_limited_v6
trace "$other" -6 --script-args $QUIET,mtr-trace.packets=3 "$t6"
only_linux "$name"

# Port unreachables cost what time exceeded does: one is taken from the rate limit,
# once, and no counted probe goes unanswered for it.
count_sent udp_to_routers udp dport 33434 ip daddr "$(lab_addr 4 1)"
trace deb12 --script-args $QUIET,mtr-trace.packets=5,mtr-trace.os=active "$t4"
is active_rate_limited_routers "$(guesses 1 2 3 4)" Linux-based
is active_rate_limited_loss "$(show hops loss_percent received sent)" "$(for ((i = 1; i <= 5; i++)); do echo "$i 0 5 5"; done)"
is active_rate_limited_udp "$(sent udp_to_routers)" 1
like active_rate_limited_evidence "$(XML=$XML show text; cat "$XML")" 'key="unreachable_ttl">64<'
count_no_more

# ---- without rate limiting ------------------------------------------------------------

free
for flavour in $FLAVOURS; do
  for family in 4 6; do
    for mode in passive echo active; do
      name=${flavour}_${mode}_v$family
      trace "$flavour" -$family --script-args $QUIET,mtr-trace.os=$mode,mtr-trace.packets=3 "$(lab_target $family)"
      only_linux "$name"
      is "${name}_reached" "$(show get reached)" true
      [ "$family$mode" = 4passive ] || [ "$family" = 6 ] || is "${name}_routers" "$(guesses 1 2 3 4)" Linux-based
    done
  done
  for protocol in udp tcp; do
    name=${flavour}_free_${protocol}
    trace "$flavour" --script-args $QUIET,mtr-trace.packets=3,mtr-trace.protocol=$protocol "$t4"
    is "${name}_routers" "$(guesses 1 2 3 4)" Linux-based
    only_linux "$name"
  done
  trace "$flavour" --script-args $QUIET,mtr-trace.os=off "$t4"
  is "${flavour}_off_says_nothing" "$(show hops os | cut -d' ' -f2 | sort -u)" "-"
done
trace "$other" --script-args $QUIET,mtr-trace.os=active "$t4"
is active_target "$(guesses 5)" Linux-based
like active_counts_each_kind "$(cat "$XML")" 'key="reset_ttl">64<'

# ---- what is sent, by tcpdump ------------------------------------------------------

# direct ADDRESS: probes of a TTL no trace reaches, to this address
direct() { net_lua direct.lua "$LAB_SCRATCH/sent" "$1"; }

lab_ip s address add 10.0.4.77/24 dev eth0
lab_ip s address add 10.0.4.78/24 dev eth0
for mode in passive echo active; do
  # Of segments and datagrams the last may be left unsent where the run ends first.
  case $mode in passive) want='0 0 0' ;; echo) want='3 0 0' ;; active) want='3 [23] [23]' ;; esac
  watch "$LAB_SCRATCH/sent" 'ip or ip6' -n -v
  trace deb12 --script-args $QUIET,mtr-trace.packets=3,mtr-trace.os=$mode "$t4" 10.0.4.77 10.0.4.78
  watched
  sent=$(for hop in 1 2 3 4 5; do direct "$(lab_addr 4 $hop)"; done)
  for hop in 1 2 3 4 5; do
    like "${mode}_sends_hop_${hop}_of_three_targets" "$(sed -n ${hop}p <<<"$sent")" "^$want\$"
  done
done
watch "$LAB_SCRATCH/sent" 'ip or ip6' -n -v
trace "$other" -6 --script-args $QUIET,mtr-trace.packets=3,mtr-trace.os=active "$t6"
watched
for hop in 1 4 5; do like "active_sends_hop_${hop}_v6" "$(direct "$(lab_addr 6 $hop)")" "^$want\$"; done

# ---- hops that ignore what is sent to them -------------------------------------------

lab_rule r2 input icmp type echo-request drop
lab_rule r3 input meta l4proto '{ icmp, tcp, udp }' drop
for mode in echo active; do
  case $mode in echo) flavour=$other ;; active) flavour=deb12 ;; esac
  trace "$flavour" --script-args $QUIET,mtr-trace.packets=3,mtr-trace.os=$mode "$t4"
  is "${mode}_others_are_told" "$(guesses 1 4)" Linux-based
  only_linux "${mode}_of_silent"
  is "${mode}_of_silent_loss" "$(show hops loss_percent | cut -d' ' -f2 | sort -u)" 0
done
is silent_hop_is_unknown "$(guesses 3)" unknown
at_most silent_active_time "$TOOK" 6000

# ---- what it costs --------------------------------------------------------------------

# cost MOST: what the default takes longer than no guess at all, in ms: the
# shortest of five runs each, in turns, of more where other work of the machine
# still shows, up to 15
cost() {
  local least_off=999999 least=999999 run
  for ((run = 0; run < 5 || run < 15 && least - least_off > $1; run++)); do
    trace deb12 --script-args $QUIET,mtr-trace.os=off "$t4"
    [ "$TOOK" -ge "$least_off" ] || least_off=$TOOK
    trace deb12 --script-args $QUIET "$t4"
    [ "$TOOK" -ge "$least" ] || least=$TOOK
  done
  echo "# off $least_off ms, default $least ms" >&2
  echo $((least - least_off))
}
at_most default_costs_no_half_second_where_hops_ignore_it "$(cost 500)" 500
lab_clear r2
lab_clear r3
at_most default_costs_no_half_second "$(cost 500)" 500

# ---- link layer, SNMP ------------------------------------------------------------------

# The first router gets hardware addresses of its own: a vendor's, a virtual router's.
mac() { # ADDRESS
  lab_ip r1 link set dev up address "$1"
  lab_ip c neigh flush dev eth0
}
vendor=$(sed -n 's/^00000C \(.*\)/\1/p' /usr/share/nmap/nmap-mac-prefixes)
mac 00:00:0c:12:34:56
trace deb12 --script-args $QUIET,mtr-trace.packets=2 "$t4"
like mac_of_the_first_hop "$(cat "$XML")" "key=\"mac_vendor\">$vendor<"
is mac_of_others_is_not_claimed "$(grep -c 'key="mac_vendor"' "$XML")" 1
mac 00:00:5e:00:01:07
trace "$other" --script-args $QUIET,mtr-trace.packets=2 "$t4"
like mac_of_a_virtual_router "$(cat "$XML")" 'key="virtual_router">VRRP<'
unlike mac_of_a_virtual_router_names_no_vendor "$(cat "$XML")" 'mac_vendor'
mac 02:00:00:00:00:01
trace deb12 --script-args $QUIET,mtr-trace.packets=2 "$t4"
like mac_that_somebody_chose "$(cat "$XML")" 'key="local_mac">true<'

count_sent snmp udp dport 161
trace "$other" --script-args $QUIET,mtr-trace.packets=2 "$t4"
is snmp_is_off_by_default "$(sent snmp)" 0
for f in $FLAVOURS; do
  count_no_more
  count_sent snmp udp dport 161
  trace "$f" --script-args $QUIET,mtr-trace.packets=2,mtr-trace.snmp=yes "$t4" 10.0.4.77
  is "${f}_snmp_is_one_request_for_each_address" "$(sent snmp)" 6
done

# A real agent: net-snmp's, which makes an engine id at random, and one that is
# told to take a hardware address.
lab_ip r3 link set dev down address 00:00:0c:12:34:57
id=$(snmp_agent r2)
snmp_agent r3 'engineIDType 3' 'engineIDNic down' >/dev/null
for f in $FLAVOURS; do
  for family in 4 6; do
    trace "$f" -$family -v --script-args $QUIET,mtr-trace.packets=2,mtr-trace.snmp=yes "$(lab_target $family)"
    name=${f}_v${family}_real_agent
    is "${name}_engine_id" "$(sed -n 's/.*key="snmp_engine_id">\([^<]*\)<.*/\1/p' "$XML" | xargs)" \
      "$id 80001f880300000c123457"
    like "${name}_is_software" "$(show text)" \
      "^ *OS of hop 2, .*; SNMP agent net-snmp, which is software only[;.]"
    like "${name}_of_a_chassis" "$(show text)" "^ *OS of hop 3, .*software only, engine of $vendor"
  done
  is "${f}_real_agent_on_ipv6_tells_by_the_chassis_alone" "$(guesses 2) $(guesses 3)" "unknown Cisco"
done

# ---- Nmap's own detection of the target ------------------------------------------------

# A database of one system, the lab's, as Nmap hands scripts only what fits in every test.
mkdir "$LAB_SCRATCH/db"
{
  sed -n '/^MatchPoints/,/^$/p' /usr/share/nmap/nmap-os-db
  printf '%s\n' 'Fingerprint Lab Linux' 'Class Linux | Linux | 6.X | general purpose' 'T5(R=Y%T=3B-45)' 'IE(DFI=N%CD=S)'
} >"$LAB_SCRATCH/db/nmap-os-db"
for f in $FLAVOURS; do
  XML=$LAB_SCRATCH/trace.xml
  in_flavour "$f" c timeout 60 nmap -n -Pn -p 80,81 -O --datadir "$(scratch_of "$f")/db" -v -oX - \
    --script "$(tree_of "$f")/nse/mtr-trace.nse" --script-args $QUIET,mtr-trace.packets=2 "$t4" >"$XML" 2>"$XML.err"
  is "${f}_nmaps_own_detection_leads_for_the_target_alone" "$(guesses 5) $(guesses 1)" "Lab Linux Linux-based"
  like "${f}_nmaps_own_detection_is_the_reason" "$(show text)" '^ *OS of hop 5, .*; Nmap.s OS detection'
done
