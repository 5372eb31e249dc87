#!/bin/bash
# The tracing host's own NAT, by nftables: a source translation, with and
# without other ports, and packets that a mark sends over another uplink.  The
# capture sees what leaves, which is not what was sent.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 3 --no-rate-limit || exit 1
lab_fork 0 2 no-rate_limit || exit 1
declare -A second=()
for family in 4 6; do
  second[$family]=$(lab_fork_addr $family 1 1 2)
  net=$(lab_fork_net $family 1 1)$([ $family = 4 ] && echo .0/24 || echo :/64)
  lab_ip r2 -$family route add "$net" via "$(lab_fork_addr $family 2 1 1)"
  lab_ip r3 -$family route add "$net" via "$(lab_link_addr $family 2 1)"
  lab_ip c -$family route replace "$(lab_net $family 3)" via "$(lab_addr $family 1)"
  lab_ip c -$family route add default via "${second[$family]}" table 100
done
lab_sysctl c ipv4/conf/{all,eth0,fork1}/rp_filter=0

# The address that source translations give: beside the client's own.
lab_ip c address add 10.0.0.77/24 dev eth0
lab_ip c address add fd00:0:0:100::77/64 dev eth0 nodad

# whole NAME FAMILY HOP1: every hop is answered with times, nothing is lost, the target is reached
whole() {
  is "$1" "$RC $(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $3, ($6 ~ /^[0-9.]+$/ ? "timed" : $6) }
    $1 == 1 { print $2 }' <<<"$OUT" | xargs)" "0 1 0.0% timed $3 2 0.0% timed 3 0.0% timed 4 0.0% timed"
  unlike "$1_says_nothing_untrue" "$OUT" 'could not be sent|did not see|not reached'
}

PORT=30000 # connection tracking remembers flows longer than a case takes

# traced NAME UPLINK [ARG...]: all protocols and families, by the first or the second uplink
traced() {
  local protocol family hop1 port
  PORT=$((PORT + 100))
  for protocol in icmp udp tcp; do
    for family in 4 6; do
      hop1=$(lab_addr $family 1)
      [ "$2" = 1 ] || hop1=${second[$family]}
      port=(--source-port "$PORT")
      [ $protocol != icmp ] || port=()
      cli -n --asn off -c 3 --protocol $protocol "${port[@]}" "${@:3}" -a "$(lab_addr $family 0)" "$(lab_target $family)"
      whole "$1_${protocol}_v$family" $family "$hop1"
      [ -z "$NAMED" ] || like "$1_${protocol}_v${family}_is_named" "$OUT" "^NAT .*before hop 1: $NAMED"
    done
  done
}

nft_c() { lab_exec c nft -f -; }

nft_c <<END
table inet mtl {
  chain after {
    type nat hook postrouting priority srcnat
    oifname eth0 ip saddr 10.0.0.1 snat ip to 10.0.0.77
    oifname eth0 ip6 saddr fd00:0:0:100::1 snat ip6 to fd00:0:0:100::77
  }
}
END
NAMED='source address (10\.0\.0\.77|fd00:0:0:100::77) instead of '
traced other_address 1
lab_clear c

nft_c <<END
table inet mtl {
  chain after {
    type nat hook postrouting priority srcnat
    oifname eth0 meta l4proto { tcp, udp } masquerade to :40000-60000 fully-random
  }
}
END
NAMED=
traced other_port 1
cli -n --asn off -c 3 -u --source-port 31001 -a 10.0.0.1 "$(lab_target 4)"
like other_port_is_named "$OUT" '^NAT before hop 1: source port [45][0-9]{4} instead of 31001\.$'
lab_clear c

# A mark that output gives sends all over the second uplink, which translates.
nft_c <<END
table inet mtl {
  chain reroute {
    type route hook output priority mangle
    ip daddr 10.0.3.2 meta mark set 9
    ip6 daddr fd00:0:0:103::2 meta mark set 9
  }
  chain after {
    type nat hook postrouting priority srcnat
    oifname fork1 masquerade
  }
}
END
lab_ip c rule add fwmark 9 lookup 100
lab_ip c -6 rule add fwmark 9 lookup 100
NAMED='source address (10\.61\.1\.1|fd00:0:61:1::1) instead of '
traced other_uplink 2
cli -n --asn off -c 2 --flows 6 --tcp --source-port 32000 -a 10.0.0.1 "$(lab_target 4)"
is other_uplink_flows "$(awk '$1 == 4 { print $2, $3 }' <<<"$OUT")" "10.0.3.2 0.0%"
cli -n --asn off -c 2 --paths 95 --tcp --source-port 33000 -a 10.0.0.1 "$(lab_target 4)"
is other_uplink_paths "$RC $(awk '$1 == 4 { print $2, $3 }' <<<"$OUT")" "0 10.0.3.2 0.0%"
cli -n --asn off -c 2 --pmtu --tcp --source-port 34500 -a 10.0.0.1 "$(lab_target 4)"
like other_uplink_path_mtu "$OUT" '^Path MTU 1500'
trace "$last" --script-args mtr-trace.packets=3,mtr-trace.protocol=tcp,mtr-trace.source-port=35000,mtr-trace.asn=off "$(lab_target 4)"
is other_uplink_in_nmap "$(show get reached) $(show hops ip loss_percent | head -n 1)" "true 1 ${second[4]} 0"
lab_clear c
