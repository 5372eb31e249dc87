#!/bin/bash
# ECN and DSCP against real kernels: servers that accept ECN, accurate ECN or
# neither (sysctl), and routers that rewrite the bits and the flags (nftables).

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
lab_up --routers 4 --no-rate-limit || exit 1

# said: the lines of OUT on ECN, DSCP and congestion; as many SYN-ACKs as there were are N
said() { grep -E '^(DSCP|ECN|Congestion|The target|Whether)' <<<"$OUT" | sed -E 's/[0-9]+ of [0-9]+ SYN/N of N SYN/; s/[0-9]+ as /N as /'; }

# asked NAME WANTED ARG...: a trace of the server, and what it says
asked() {
  cli -n --asn off --os off --http off -c 3 "${@:3}"
  is "$1" "$(said)" "$2"
}

v4=$(lab_target 4) v6=$(lab_target 6)
ACCEPTS='The target accepts ECN (N of N SYN-ACKs).'
NOT='The target does not accept ECN (N of N SYN-ACKs).'
CLASSIC='The target accepts ECN, but not AccECN (N of N SYN-ACKs).'
accurate() { echo "The target accepts AccECN (N of N SYN-ACKs); the SYNs arrived there: N as $1."; }

for target in "$v4" "$v6"; do
  v=v4 && [ "$target" = "$v4" ] || v=v6
  lab_sysctl s ipv4/tcp_ecn=0
  asked ${v}_sysctl_0 "$NOT" -T --ecn "$target"
  lab_sysctl s ipv4/tcp_ecn=2
  asked ${v}_sysctl_2 "$ACCEPTS" -T --ecn "$target"
done
asked classic_for_accurate "$CLASSIC" -T --accecn "$v4"
asked closed_port 'Whether the target accepts ECN is unknown: it sent no SYN-ACK.' -T -P 81 --ecn "$v4"

# The kernel makes the SYNs of a plain user, so nothing is claimed of what they offer.
cli -n --asn off --os off --http off -c 2 --unprivileged -T --ecn "$v4"
is without_rights_it_is_refused "$RC $ERR$(said)" "3 mtr-trace: ECN in a SYN needs root or CAP_NET_RAW"
cli -n --asn off --os off --http off -c 2 --unprivileged -u --ecn "$v4"
is without_rights_nothing_is_said_of_quotes "$RC $(said)" "0 "

# The word of traceroute in the same lab: its SYN offers the same.
like beside_traceroute "$(lab_exec c traceroute -n -T -O ecn,info -q 1 "$v4")" '^ *5  10\.0\.4\.2 <syn,ack,ece[,>]'
cli -n --asn off --os off --http off -r -c 1 -T --ecn --columns hop,ip "$v4"
answering() { grep -Ec '^ *[0-9]+ +[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+' <<<"$1"; }
at_least as_many_hops_as_traceroute_with_ecn_and_sack "$(answering "$OUT")" \
  "$(answering "$(lab_exec c timeout 60 traceroute -n -T -O ecn,sack -q 1 -w 1 -m 8 "$v4" 2>&1)")"

rewrite() { lab_exec "$1" nft -f - <<<"table inet mtl { chain forward { type filter hook forward priority 0; ip daddr $v4 $2; }; }"; }

# A router that clears the flags of SYNs.
rewrite r2 'tcp flags & (ecn | cwr) == (ecn | cwr) tcp flags set syn'
asked flags_cleared "ECN flags of the SYN are rewritten between hops 2 and 3: none instead of CWR and ECE.
$NOT" -T --ecn "$v4"
lab_clear r2

# What a server with accurate ECN says, written by nftables: CWR alone is "arrived as Not-ECT".
lab_exec s nft -f - <<<'table inet mtl { chain output { type filter hook output priority 0
  tcp flags & (syn | ack) == (syn | ack) tcp flags set (syn | ack | cwr); }; }'
asked accurate_by_rule "$(accurate Not-ECT)" -T --accecn "$v4"
lab_clear s

# Kernels that have the mode: accurate ECN, which also tells how the SYN arrived.
if lab_sysctl s ipv4/tcp_ecn=5 2>/dev/null; then
  asked accurate "$(accurate Not-ECT)" -T --accecn "$v4"
  asked accurate_v6 "$(accurate Not-ECT)" -T --accecn "$v6"
  asked accurate_with_ect "ECN ECT(0) is kept as far as hop 5.
$(accurate 'ECT(0)')" -T --accecn -Q 2 "$v4"
  rewrite r4 'ip ecn set not-ect'
  asked bleached_before_the_target "ECN is cleared by hop 5, or before it: Not-ECT instead of ECT(0).
$(accurate Not-ECT)" -T --accecn -Q 2 "$v4"
  lab_clear r4
  rewrite r3 'ip ecn set ce'
  asked marked_by_a_router "Congestion was marked before hop 4: probes sent with ECT(0) arrived with CE (hops 4-5).
$(accurate CE)" -T --accecn -Q 2 "$v4"
  lab_clear r3
else
  skip accurate "this kernel accepts no accurate ECN (tcp_ecn=5)"
fi

# In the IP header of other probes.
for protocol in icmp udp; do
  asked ${protocol}_kept 'ECN ECT(0) is kept as far as hop '"$([ $protocol = udp ] && echo 5 || echo 4)". --protocol $protocol --ecn "$v4"
done
rewrite r3 'ip ecn set not-ect'
asked bleached 'ECN is cleared between hops 3 and 4: Not-ECT instead of ECT(0).' -u --ecn "$v4"
lab_clear r3
rewrite r2 'ip dscp set cs1'
asked dscp_remarked 'DSCP is remarked between hops 2 and 3: 8 (CS1) instead of 46 (EF).
ECN ECT(0) is kept as far as hop 5.' -u --ecn -Q 184 "$v4"
lab_clear r2

lab_sysctl s ipv4/tcp_ecn=2
f=${FLAVOURS##* }
trace "$f" --script-args "mtr-trace.packets=2,mtr-trace.protocol=tcp,mtr-trace.ecn=yes,mtr-trace.asn=off,mtr-trace.os=off,mtr-trace.http=off" "$v4"
like "${f}_says_so" "$(show text)" 'The target accepts ECN \([0-9]+ of [0-9]+ SYN-ACKs\)\.'
is "${f}_key" "$(show get ecn)" yes
