#!/bin/bash
# The host's own routing: rules by source address, mark, port and type of
# service, and equal-cost paths by ports.  Probes leave as `ip route get` says
# that an application's packets with the same values do.  The client has two
# routers, r1 behind eth0 and rf1 behind fork1.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 3 --no-rate-limit || exit 1
lab_fork 0 2 no-rate_limit || exit 1
declare -A first=() second=() own=() direct=()
for family in 4 6; do
  first[$family]=$(lab_addr $family 1) second[$family]=$(lab_fork_addr $family 1 1 2)
  own[$family]=$(lab_fork_addr $family 1 1 1) direct[$family]=$(lab_addr $family 0)
  net=$(lab_fork_net $family 1 1)$([ $family = 4 ] && echo .0/24 || echo :/64)
  lab_ip r2 -$family route add "$net" via "$(lab_fork_addr $family 2 1 1)"
  lab_ip r3 -$family route add "$net" via "$(lab_link_addr $family 2 1)"
done
lab_sysctl c ipv4/conf/{all,eth0,fork1}/rp_filter=0

# chosen FAMILY ipproto PROTOCOL sport PORT dport PORT: source, ports and next hop of an
# application's packet, as the kernel names them
chosen() {
  lab_ip c "-$1" route get "$(lab_target "$1")" "${@:2}" |
    sed -n "s/.* via \([^ ]*\) .*src \([^ ]*\).*/\2 $5 $7 \1/p"
}

# ---- equal-cost paths ------------------------------------------------------------

# follows FAMILY PROTOCOL: each of 16 flows takes the path of an application's packets, and both
# paths are found
follows() {
  local out sport dport want='' name=ecmp_$2_v$1
  tree_env "$TREE"
  out=$(lab_exec c "${ENV[@]}" timeout 30 lua5.4 "$TREE/tests/net/first_hops.lua" "$(lab_target "$1")" "$2" 16 2>&1)
  while read -r _ sport dport _; do
    want+="$(chosen "$1" ipproto "$2" sport "$sport" dport "$dport")"$'\n'
  done <<<"$out"
  is "$name" "$(tr '\t' ' ' <<<"$out")" "${want%$'\n'}"
  is "${name}_both" "$(awk '{ print $4 }' <<<"$out" | sort -u | xargs)" \
    "$(printf '%s\n' "${first[$1]}" "${second[$1]}" | sort | xargs)"
}
for family in 4 6; do
  for protocol in udp tcp; do
    follows $family $protocol
  done
  # Each uplink has an address of its own, and the flows over it have that.
  cli -n --asn off --os off --http off -j -c 2 --paths 95 -u "$(lab_target $family)"
  is "ecmp_paths_v$family" "$RC $(grep -o '"reached":true' <<<"$OUT" | head -n 1)" '0 "reached":true'
  for hop in "${first[$family]}" "${second[$family]}"; do
    like "ecmp_paths_v${family}_finds_$hop" "$OUT" "\"ip\":\"$hop\""
  done
done

# An application that is bound to the printed port takes the printed path.
for ns in r1 rf1; do
  lab_exec $ns nft -f - <<END
table inet count {
  counter app { }
  chain forward { type filter hook forward priority 10; iifname up udp dport 7777 counter name app; }
}
END
done
app() { # FAMILY PORT
  tree_env "$TREE"
  lab_exec c "${ENV[@]}" lua5.4 -e '
    local uv = require "luv"
    local udp = uv.new_udp()
    assert(udp:bind(arg[1], tonumber(arg[2])))
    assert(udp:connect(arg[3], 7777))
    assert(udp:try_send("application", nil, nil))' - "$([ "$1" = 4 ] && echo 0.0.0.0 || echo ::)" "$2" "$(lab_target "$1")"
}
passed() { lab_exec "$1" nft list counter inet count app | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
for family in 4 6; do
  for port in 28672 28673 28674 28675; do
    cli -n --asn off --os off -u -P 7777 --source-port $port -c 1 -m 1 "$(lab_target $family)"
    hop1=$(awk '$1 == 1 { print $2 }' <<<"$OUT")
    [ "$hop1" = "${first[$family]}" ] && by=r1 || by=rf1
    before=$(passed "$by")
    app $family $port
    is application_with_port_${port}_v${family}_takes_the_printed_path "$(($(passed "$by") - before))" 1
  done
done

# ---- rules -----------------------------------------------------------------------

for family in 4 6; do
  net=$(lab_net $family 3)
  lab_ip c -$family route replace "$net" via "${first[$family]}"
  lab_ip c -$family route add default via "${second[$family]}" table 100
done

# leaves NAME FAMILY WANTED ARG...: hop 1 is WANTED, everything is answered, for each protocol
leaves() {
  local name=$1 family=$2 wanted=$3 protocol
  for protocol in icmp udp tcp; do
    cli -n --asn off -c 2 --protocol $protocol "${@:4}" "$(lab_target "$family")"
    is "${name}_${protocol}_v$family" "$(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $3 } $1 == 1 { print $2 }' <<<"$OUT" | xargs)" \
      "1 0.0% $wanted 2 0.0% 3 0.0% 4 0.0%"
  done
}
for family in 4 6; do
  leaves no_rule $family "${first[$family]}"
  lab_ip c -$family rule add from "${own[$family]}" lookup 100
  leaves source_rule $family "${second[$family]}" -a "${own[$family]}"
  leaves other_source $family "${first[$family]}" -a "${direct[$family]}"
  trace "$last" -$family -S "${own[$family]}" -e fork1 "$(lab_target $family)"
  is source_and_interface_in_nmap_v$family "$(show get reached) $(show hops ip loss_percent | head -n 1)" \
    "true 1 ${second[$family]} 0"
  lab_ip c -$family rule del from "${own[$family]}" lookup 100
  lab_ip c -$family rule add fwmark 7 lookup 100
  leaves mark $family "${second[$family]}" -M 7
  leaves other_mark $family "${first[$family]}" -M 8
  lab_ip c -$family rule del fwmark 7 lookup 100
  lab_ip c -$family rule add ipproto udp dport 33434 lookup 100
  leaves_one=$(cli -n --asn off -c 2 -u "$(lab_target $family)"; awk '$1 == 1 { print $2, $3 }' <<<"$OUT")
  is port_rule_v$family "$leaves_one" "${second[$family]} 0.0%"
  cli -n --asn off -c 2 -u -P 33435 "$(lab_target $family)"
  is port_rule_other_port_v$family "$(awk '$1 == 1 { print $2, $3 }' <<<"$OUT")" "${first[$family]} 0.0%"
  lab_ip c -$family rule del ipproto udp dport 33434 lookup 100
  lab_ip c -$family rule add tos 0x10 lookup 100
  leaves tos $family "${second[$family]}" -Q 16
  lab_ip c -$family rule del tos 0x10 lookup 100
done

# ---- what is sent beside the trace -------------------------------------------------

# The path MTU and the systems of the hops are asked for over the same uplink.
for family in 4 6; do
  lab_ip c -$family rule add fwmark 7 lookup 100
  lab_ip c -$family rule add from "${own[$family]}" lookup 100
  lab_ip c -$family rule add tos 0x10 lookup 100
done
lab_exec r1 nft -f - <<END
table inet other {
  counter wrong { }
  chain before {
    type filter hook prerouting priority 10
    iifname up meta l4proto { icmp, tcp, udp } counter name wrong
    iifname up ip6 daddr != fe80::/10 ip6 hoplimit != 255 meta l4proto { ipv6-icmp, tcp, udp } counter name wrong
  }
}
END
wrong() { lab_exec r1 nft reset counter inet other wrong | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
# beside NAME FAMILY ARG...: nothing leaves by the first uplink
beside() {
  wrong >/dev/null
  cli -n --asn off --http off -c 2 --pmtu --os active "${@:3}" "$(lab_target "$2")"
  is "$1_v$2" "$RC $(wrong) $(grep -c '^Path MTU 1500: ' <<<"$OUT")" "0 0 1"
}
for family in 4 6; do
  beside beside_mark $family -M 7
  beside beside_source $family -a "${own[$family]}"
  beside beside_source_and_interface $family -a "${own[$family]}" -I fork1
  beside beside_tos $family -Q 16
done
