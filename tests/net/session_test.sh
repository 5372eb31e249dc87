#!/bin/bash
# Probes inside a TCP connection, to nginx over TLS behind five real routers: a
# firewall that lets only established connections pass, loss at a router, what
# the server's application and its kernel see of it, address translators in a
# row, SACK that a router strips, resets that a router sends, and connections
# that cannot be made. Beside it traceroute and tcptraceroute.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
. "$(dirname "$0")/web.sh"
needs_command
find_flavours
lab_up --routers 5 --no-rate-limit || exit 1
web_add_addresses && web_ca && web_server || exit 1

session() { # FAMILY [OPTION...]: the command
  cli -n --asn off --os off --http off --tcp-session -P 443 "${@:2}" "$(lab_target "$1")"
}

# hops: of the report: TTL, address, loss, sent
hops() { awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $2, $3, $4 }' <<<"$OUT"; }

# whole NAME FAMILY COUNT: every hop answers and no probe counts as lost
whole() {
  local hop want
  want=$(for ((hop = 1; hop <= 6; hop++)); do echo "$hop $(lab_addr "$2" $hop) 0.0% $3"; done)
  is "$1" "$(hops)" "$want"
}

# firewall: in front of the server only connections to port 443 pass, and
# their packets only as long as the connection tracking knows them
firewall() {
  lab_exec r5 nft -f - <<END
table inet wall {
  chain pass {
    type filter hook forward priority 0; policy drop
    ct state invalid counter drop
    ct state established,related accept
    tcp dport 443 tcp flags syn ct state new accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
END
}

# count_at_server: counts what arrives there from the client
count_at_server() {
  lab_exec s nft -f - <<END
table inet seen {
  counter fins { }
  counter resets { }
  chain input {
    type filter hook input priority 0
    tcp dport 443 tcp flags & fin == fin counter name fins
    tcp dport 443 tcp flags & rst == rst counter name resets
  }
}
END
}

counted() { lab_exec s nft list counter inet seen "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
seen_no_more() { lab_exec s nft delete table inet seen; }
# Newer nginx warns at its start of a word in the lab's settings.
logged() { cat "$LAB_SCRATCH/nginx/access.log" "$LAB_SCRATCH/nginx/error.log" 2>/dev/null | grep -v '\[warn\]'; }

# ---- behind a firewall ---------------------------------------------------------

firewall
cli -n --asn off --os off --http off -c 2 "$(lab_target 4)"
like icmp_does_not_pass_the_firewall "$OUT" 'Target not reached: nothing beyond hop 5 replies'
for family in 4 6; do
  count_at_server
  session $family -c 5
  is "v${family}_status" "$RC" 0
  whole "v${family}_all_hops" $family 5
  unlike "v${family}_nothing_to_explain" "$OUT" 'TCP session|SYNs|TTL'
  is "v${family}_closed_by_one_fin" "$(counted fins) $(counted resets)" "1 0"
  seen_no_more
done
is application_sees_no_data "$(logged)" ""
count_at_server
session 4 -c 2 --reset
whole reset_all_hops 4 2
is reset_ends_the_connection "$(counted fins) $(counted resets)" "0 1"
seen_no_more

session 4 -c 2 -j --flows 3
is flows_have_a_connection_each "$(lab_exec r5 nft list table inet wall | sed -n 's/.*invalid counter packets \([0-9]*\).*/\1/p')" 0
like flows_are_in_session "$OUT" '"protocol":"tcp-session"'
like flows_count_their_connections "$OUT" '"connections":3'

# The loss of a router before the wall is that of the probes beyond it. A round has four of these,
# so each hop loses every fifth of its probes.
lab_drop_every 2 5 tcp dport 443 ip ttl '<' 60
session 4 -c 40 -i 0.02
lab_clear r2
for hop in 3 4 5 6; do
  like "loss_of_one_in_five_at_hop_$hop" "$(hops)" "^$hop [0-9.]+ (1[5-9]|2[0-5])\.[0-9]% \("
done
like no_loss_in_front "$(hops)" '^2 [0-9.]+ 0\.0% 40'

# ---- other tools ---------------------------------------------------------------

answering() { grep -Ec '^ *[0-9]+ +[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+' <<<"$1"; }

session 4 -c 2
ours=$(hops | wc -l)
if command -v traceroute >/dev/null; then
  at_least as_many_hops_as_traceroute "$ours" \
    "$(answering "$(lab_exec c timeout 60 traceroute -n -T -p 443 -O ack -w 1 -m 8 "$(lab_target 4)" 2>&1)")"
else
  skip as_many_hops_as_traceroute "traceroute is not installed"
fi
if command -v tcptraceroute >/dev/null; then
  at_least as_many_hops_as_tcptraceroute "$ours" \
    "$(answering "$(lab_exec c timeout 60 tcptraceroute -n -w 1 -m 8 "$(lab_target 4)" 443 2>/dev/null)")"
else
  skip as_many_hops_as_tcptraceroute "tcptraceroute is not installed"
fi

# ---- Nmap ----------------------------------------------------------------------

elements() { sed -n "s/.*<elem key=\"$1\">\([^<]*\)<.*/\1/p" "$XML"; }

trace "${FLAVOURS##* }" --script-args \
  'mtr-trace={protocol=tcp-session,port=443,packets=3,asn=off,os=off,http=off}' "$(lab_target 4)"
is nmap_protocol "$(elements protocol)" tcp-session
is nmap_connections "$(elements connections)" 1
is nmap_reached "$(elements reached | head -n 1)" true

# ---- address translators -------------------------------------------------------

for router in r1 r3; do
  lab_exec "$router" nft -f - <<END
table inet nat {
  chain after { type nat hook postrouting priority srcnat; oifname down masquerade fully-random; }
}
END
done
for family in 4 6; do
  session $family -c 3
  whole "two_translators_v${family}_all_hops" $family 3
  unlike "two_translators_v${family}_in_session" "$OUT" 'SYNs'
done
lab_exec r1 nft delete table inet nat
lab_exec r3 nft delete table inet nat

# This host's own translation of the address.
lab_ip c address add 10.0.0.77/24 dev eth0
lab_exec c nft -f - <<END
table inet own {
  chain after { type nat hook postrouting priority srcnat; oifname eth0 ip saddr 10.0.0.1 snat ip to 10.0.0.77; }
}
END
session 4 -c 3
whole own_translation_all_hops 4 3
unlike own_translation_in_session "$OUT" 'SYNs'
lab_exec c nft delete table inet own
lab_ip c address delete 10.0.0.77/24 dev eth0

# ---- middleboxes ---------------------------------------------------------------

if lab_exec r2 nft -f - 2>/dev/null <<END
table inet strip {
  chain pass { type filter hook forward priority -150; tcp flags syn reset tcp option sack-perm; }
}
END
then
  session 4 -c 5
  whole without_sack_all_hops 4 5
  like without_sack_is_said "$OUT" 'replies do not name their probe'
  lab_exec r2 nft delete table inet strip
else
  skip without_sack_all_hops "this nft cannot strip an option"
fi

# A router that resets what comes inside a connection with a byte in it.
lab_exec r3 nft -f - <<END
table inet box {
  chain pass { type filter hook forward priority 0; iifname up tcp dport 443 meta length 53 reject with tcp reset; }
}
END
session 4 -c 3
lab_exec r3 nft delete table inet box
like reset_on_the_way_gives_syns "$OUT" 'No TCP session \(reset.*\), so the probes are SYNs'
whole reset_on_the_way_all_hops_by_syns 4 3

# ---- no connection -------------------------------------------------------------

lab_exec r5 nft delete table inet wall
lab_rule s input tcp dport 443 meta length 53 drop
session 4 -c 3
lab_clear s
like silent_in_session_gives_syns "$OUT" 'No TCP session \(no answer in session\), so the probes are SYNs'
whole silent_in_session_all_hops 4 3

cli -n --asn off --os off --http off -c 3 --tcp-session -P 444 "$(lab_target 4)"
like closed_port_gives_syns "$OUT" 'No TCP session \(not connected: Connection refused\), so the probes are SYNs'
whole closed_port_all_hops 4 3

cli -n --asn off --tcp-session -P 443 -s 100 "$(lab_target 4)"
is size_status "$RC" 2
like size_is_refused_in_a_line "$ERR" '--size=100: probes of protocol=tcp-session have one size'
