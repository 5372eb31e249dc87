#!/bin/bash
# UDP probes that ask a service, against the real servers of these services:
# nsd, Caddy (QUIC), chrony, stund, net-snmp's agent.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
. "$TREE/tests/net/lookup_lib.sh"
. "$TREE/tests/net/services_lib.sh"
needs_command
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1

# serve KIND COMMAND...: a server in the background that goes with the lab
serve() {
  lab_exec s "${@:2}" >"$LAB_SCRATCH/$1.log" 2>&1 </dev/null &
}

# begins KIND PORT: waits until a server has its UDP port; 1 where its program is missing
begins() {
  ! listens "$2" || return 0
  not_ok "$1_server" "does not listen: $(tail -n 3 "$LAB_SCRATCH/$1.log")"
  return 1
}

start_quic() {
  mkdir "$LAB_SCRATCH/caddy"
  cat >"$LAB_SCRATCH/caddy/Caddyfile" <<END
{
  admin off
  auto_https disable_redirects
  storage file_system $LAB_SCRATCH/caddy
  local_certs
  skip_install_trust
}
https://quic.test, https://$(lab_target 4), https://[$(lab_target 6)] {
  respond ok
}
END
  serve quic env HOME="$LAB_SCRATCH/caddy" caddy run --config "$LAB_SCRATCH/caddy/Caddyfile" --adapter caddyfile
}

# It sets no clock (-x) and has none to follow: the local one at stratum 8.
start_ntp() {
  mkdir -m 750 "$LAB_SCRATCH/chrony"
  cat >"$LAB_SCRATCH/chrony/conf" <<END
local stratum 8
allow all
cmdport 0
bindcmdaddress /
pidfile $LAB_SCRATCH/chrony/pid
END
  serve ntp chronyd -x -d -u root -f "$LAB_SCRATCH/chrony/conf"
}

# It wants two addresses.
start_stun() {
  lab_ip s address add 10.0.3.77/24 dev eth0
  serve stun stund -h "$(lab_target 4)" -a 10.0.3.77
}

start_snmp() { snmp_agent s >/dev/null; }

declare -A PROGRAM=([dns]=nsd [quic]=caddy [ntp]=chronyd [stun]=stund [snmp]=snmpd)
declare -A PORT=([dns]=53 [quic]=443 [ntp]=123 [stun]=3478 [snmp]=161)
declare -A ANSWER=([dns]='DNS reply, REFUSED' [quic]='QUIC version negotiation' [ntp]='NTP reply'
  [stun]='STUN response' [snmp]='SNMP report')

# figures [PLACE]: the target's figures in the JSON of OUT, of this trace
figures() {
  jq -r --argjson place "${1:-0}" '.traces[$place] | [.reached, .target_ttl, .udp_payload, (.hops[-1] | .loss_percent,
    .responders[0].ip, .responders[0].codes[0].name, .responders[0].avg_ms < 50), (.hops | length),
    ([.hops[].loss_percent] | add)] | map(tostring) | join(" ")' <<<"$OUT"
}

kinds=''
for kind in dns quic ntp stun snmp; do
  if ! command -v "${PROGRAM[$kind]}" >/dev/null; then
    skip "${kind}_server" "${PROGRAM[$kind]} is not installed"
    continue
  fi
  "start_$kind"
  begins $kind "${PORT[$kind]}" && kinds="$kinds $kind"
done

# A firewall that lets nothing but the services in, and no ICMP out: a plain
# datagram dies there, a request does not.
only_udp 53 443 123 3478 161
targets=() wanted=()
for kind in $kinds; do
  for family in 4 6; do
    [ "$kind$family" != stun6 ] || continue # an IPv4 server
    targets+=("$([ $family = 4 ] && lab_target 4 || echo "[$(lab_target 6)]"):${PORT[$kind]}")
    wanted+=("$kind $family")
  done
done
count_sent unreachable4 icmp type destination-unreachable
count_sent unreachable6 icmpv6 type destination-unreachable
for way in --http=off --unprivileged; do
  cli -n --asn off --os off --http off -j -c 2 -u "$way" "${targets[@]}"
  for ((i = 0; i < ${#wanted[@]}; i++)); do
    read -r kind family <<<"${wanted[$i]}"
    is "${kind}_v${family}_through_a_firewall$way" "$RC $(figures $i)" \
      "0 true 4 $kind 0 $(lab_target "$family") ${ANSWER[$kind]} true 4 0"
  done
done
is no_reply_is_answered_by_a_port_unreachable "$(sent unreachable4) $(sent unreachable6)" "0 0"
cli -n --asn off --os off --http off -j -c 2 -m 5 -Z 0.2 -u --udp-payload plain "${targets[@]}"
is plain_datagrams_reach_nothing "$(jq -c '[.traces[] | .reached, .udp_payload] | unique' <<<"$OUT")" '[null,false]'
for kind in $kinds; do
  [ "$kind" = quic ] || continue
  cli -n --asn off --os off --http off -j -c 2 -u --udp-payload "$kind" --paths 95 --flows 3 "$(lab_target 4)"
  # The server has a short queue for these answers: of probes of several flows at once it may drop some.
  is "${kind}_paths_through_a_firewall" "$RC $(figures | awk '{ $4 = $NF = "any"; print }')" \
    "0 true 4 $kind any $(lab_target 4) ${ANSWER[$kind]} true 4 any"
done
for f in ${FLAVOURS##* }; do
  kind=${kinds##* }
  trace "$f" --script-args "mtr-trace.packets=2,mtr-trace.protocol=udp,mtr-trace.asn=off,mtr-trace.os=off,mtr-trace.http=off,mtr-trace.udp-payload=$kind" \
    "$(lab_target 4)"
  is "${f}_${kind}_through_a_firewall" "$(show get reached) $(show get udp_payload) $(show hops loss_percent | tail -n 1)" "true $kind 4 0"
done
lab_clear s

# Where nobody listens the port unreachable still is the answer.
cli -n --asn off --os off --http off -j -c 2 -u --udp-payload dns -P 5353 "$(lab_target 4)"
is closed_port_reaches_the_target "$RC $(figures)" "0 true 4 dns 0 $(lab_target 4) port unreachable true 4 0"

# To this host itself: the capture sees both directions as one.
if [[ $kinds == *snmp* ]]; then
  snmp_agent c >/dev/null
  cli -n --asn off --os off --http off -j -c 2 -u --udp-payload snmp "$(lab_addr 4 0)"
  is own_address "$RC $(figures)" "0 true 1 snmp 0 $(lab_addr 4 0) SNMP report true 1 0"
fi

# What goes out in all: a request of the documented size for each probe, and
# nothing else to the service.
if [[ $kinds == *ntp* ]]; then
  count_sent requests udp dport 123 udp length 56
  count_sent others udp dport 123 udp length != 56
  cli -n --asn off --os off --http off -j -c 2 -u -P 123 "$(lab_target 4)"
  is ntp_sends_requests_alone "$(jq -r '.traces[0].sent' <<<"$OUT") 0" "$(sent requests) $(sent others)"
fi
