#!/bin/bash
# Translation and type of service, rewritten by real nftables at router 3, of
# five. What a kernel with connection tracking rewrites it puts back in quotes,
# checksums included: a masquerade cannot be seen from here, and a DNAT only by
# the target's address that all errors from it on get. What is rewritten without
# state is quoted as it arrived.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 5 --no-rate-limit || exit 1


run() { # FAMILY [OPTION...]: the command
  cli -n --asn off -c 3 "${@:2}" "$(lab_target "$1")"
}

# whole NAME FAMILY: every hop answers and no probe counts as lost
whole() {
  local hop want
  want=$(for ((hop = 1; hop <= 6; hop++)); do echo "$hop $(lab_addr "$2" $hop) 0.0% 3 3"; done)
  is "$1_all_hops" "$(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $2, $3, $4, $5 }' <<<"$OUT")" "$want"
}

# says NAME WHAT: the only NAT told
says() {
  is "$1" "$(grep '^NAT' <<<"$OUT")" "NAT between hops 3 and 4: $2."
}

no_nat() { unlike "$1" "$OUT" '^NAT'; }

nft_r3() { lab_exec r3 nft -f -; }

# ---- with state ----------------------------------------------------------------

nft_r3 <<END
table inet mtl {
  chain after {
    type nat hook postrouting priority srcnat
    oifname down masquerade fully-random
  }
}
END
for protocol in icmp udp tcp; do
  for family in 4 6; do
    run $family --protocol $protocol
    whole "masquerade_${protocol}_v$family" $family
    no_nat "masquerade_${protocol}_v${family}_is_not_seen"
  done
done
lab_clear r3

# Flows of their own, which the table of the masquerade does not know.
lab_exec s ip address add 10.0.5.77/24 dev eth0
nft_r3 <<END
table inet mtl {
  chain before {
    type nat hook prerouting priority dstnat
    ip daddr 10.0.5.2 udp dport 33499 dnat ip to 10.0.5.77:5000
  }
}
END
run 4 -u -P 33499
is dnat_hides_no_hop "$(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $2, $3 }' <<<"$OUT")" "$(
  printf '%s\n' '1 10.0.0.2 0.0%' '2 10.0.1.2 0.0%' {3..6}' 10.0.5.2 0.0%')"
is dnat_is_named "$(grep '^NAT' <<<"$OUT")" \
  "NAT is likely at hop 3: time exceeded comes from the target's address 10.0.5.2 at hops 3 to 5."
unlike dnat_is_no_tunnel "$OUT" 'MPLS'
lab_clear r3

# ---- without ---------------------------------------------------------------------

rewrite() { lab_rule r3 forward iifname up "$@"; }

# Ports, and what comes back from the rewritten port.
declare -A port=([udp]=33434 [tcp]=80)
for protocol in udp tcp; do
  rewrite $protocol dport "${port[$protocol]}" $protocol dport set 5001
  lab_rule r3 forward iifname down $protocol sport 5001 $protocol sport set "${port[$protocol]}"
  for family in 4 6; do
    run $family --protocol $protocol
    whole "target_port_${protocol}_v$family" $family
    says "target_port_${protocol}_v${family}_is_told" "target port 5001 instead of ${port[$protocol]}"
  done
  lab_clear r3
  rewrite $protocol sport 28672 $protocol sport set 5001
  lab_rule r3 forward iifname down $protocol dport 5001 $protocol dport set 28672
  for family in 4 6; do
    run $family --protocol $protocol
    whole "source_port_${protocol}_v$family" $family
    says "source_port_${protocol}_v${family}_is_told" "source port 5001 instead of 28672"
  done
  lab_clear r3
done

# Answers go to the rewritten address; the router puts it back outside the quote.
for node in 4 5; do
  lab_ip r$node route add 10.9.9.9 via "$(lab_link_addr 4 $((node - 1)) 1)"
  lab_ip r$node -6 route add 2001:db8:99::9 via "$(lab_link_addr 6 $((node - 1)) 1)"
done
rewrite ip saddr set 10.9.9.9
rewrite ip6 saddr "$(lab_link_addr 6 0 1)" ip6 saddr set 2001:db8:99::9
nft_r3 <<END
table inet mtl {
  chain before {
    type filter hook prerouting priority -300
    iifname down ip daddr 10.9.9.9 ip daddr set 10.0.0.1
    iifname down ip6 daddr 2001:db8:99::9 ip6 daddr set $(lab_link_addr 6 0 1)
  }
}
END
for protocol in icmp udp tcp; do
  run 4 --protocol $protocol
  whole "source_address_$protocol" 4
  says "source_address_${protocol}_is_told" "source address 10.9.9.9 instead of 10.0.0.1"
  run 6 --protocol $protocol
  whole "source_address_v6_$protocol" 6
  says "source_address_v6_${protocol}_is_told" \
    "source address 2001:db8:99::9 instead of $(lab_link_addr 6 0 1)"
done
trace "$last" --script-args mtr-trace.packets=3,mtr-trace.asn=off "$(lab_target 4)"
like "${last}_source_address_is_told" "$(show text)" \
  '^  NAT between hops 3 and 4: source address 10\.9\.9\.9 instead of 10\.0\.0\.1\.$'
lab_clear r3

rewrite ip protocol icmp icmp type echo-request icmp id set 4242
rewrite icmpv6 type echo-request icmpv6 id set 4242
for family in 4 6; do
  run $family
  like identifier_v${family}_is_told "$OUT" '^NAT between hops 3 and 4: ICMP identifier 4242 instead of [0-9]+\.$'
  whole identifier_v$family $family
done
lab_clear r3

# ---- type of service ---------------------------------------------------------------

tos() { is "$1" "$(grep -E '^(DSCP|ECN|Congestion)' <<<"$OUT")" "$2"; }

rewrite ip dscp set cs1
rewrite ip6 dscp set cs1
for family in 4 6; do
  run $family -Q 184
  tos "dscp_v$family" "DSCP is remarked between hops 3 and 4: 8 (CS1) instead of 46 (EF)."
done
lab_clear r3

rewrite ip dscp set cs0
rewrite ip6 dscp set cs0
for family in 4 6; do
  run $family -u -Q 186
  like "bleached_v$family" "$OUT" '^DSCP is .* between hops 3 and 4: 0 .*instead of 46 \(EF\)\.$'
  like "bleached_v${family}_leaves_ecn" "$OUT" '^ECN ECT\(0\) is kept as far as hop 6\.$'
done
lab_clear r3

rewrite ip ecn set not-ect
rewrite ip6 ecn set not-ect
for family in 4 6; do
  run $family -Q 2
  tos "ecn_v$family" "ECN is cleared between hops 3 and 4: Not-ECT instead of ECT(0)."
done
lab_clear r3

rewrite ip ecn set ce
run 4 -Q 2
like congestion "$OUT" '^Congestion was marked before hop 4: probes sent with ECT\(0\) arrived with CE '
unlike congestion_is_no_bleaching "$OUT" '^(ECN|DSCP)'
lab_clear r3
run 4 -Q 186
unlike nothing_rewritten_is_spoken_of "$OUT" '^(ECN|DSCP) .*(cleared|remarked|instead)|^(Congestion|NAT)'
