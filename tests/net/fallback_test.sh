#!/bin/bash
# Look-ups where servers cannot be used: Team Cymru's DNS zones in place of
# bulk whois, RIPE's server as the last resort, and what a user gets who names
# no server at all: the lab's DNS server leads every name to the lab.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lookup_lib.sh"
find_flavours
lab_up --routers 8 --no-rate-limit --public || exit 1

dns_begin 127.0.0.2
zone hostile asn.cymru.com
dns_up
dns_begin 127.0.0.1
zone v4 in-addr.arpa
zone v6 ip6.arpa
zone cymru asn.cymru.com
fixed_zone ntt.net 'rr A 127.0.0.1'
fixed_zone radb.net 'whois A 127.0.0.5'
fixed_zone cymru.com 'whois A 127.0.0.3'
fixed_zone ripe.net 'whois A 127.0.0.4'
dns_up

exec 5< <(lab_exec c lua5.4 "$SERVERS/noise.lua" 127.0.0.6 2>&1)
read -r -t 10 line <&5
[ "$line" = ready ] || not_ok server_noise "$line"

# From here on all that goes to port 43 or 53 is counted.
lab_exec c nft -f - <<'END'
add table inet asked
add counter inet asked whois
add counter inet asked dns
add chain inet asked output { type filter hook output priority 10; }
add rule inet asked output tcp dport 43 tcp flags syn counter name whois
add rule inet asked output udp dport 53 counter name dns
END
asked() { # whois|dns: packets since the last call
  lab_exec c nft reset counter inet asked "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

want="1 Private Private Network
2 AS3301 ACCESS-NET, SE
3 AS2914 TRANSIT-1, US
4 AS2915 CUSTOMER, US
5 AS6453/AS6461 TWIN-A, GB / TWIN-B, GB
6 AS7018 NEWHOLDER, US
7 - -
8 - -
9 AS15133 EDGECAST, US"

# ---- nobody listens on port 43: DNS ---------------------------------------------

for flavour in $FLAVOURS; do
  for family in 4 6; do
    name=${flavour}_v$family
    look "$flavour" mtr-trace.packets=10 -$family "$(lab_target $family)"
    is "${name}_dns_rows" "$(rows)" "$want"
    is "${name}_dns_details" "$(show hops registry country announced asn_source | sed -n '6p;8p' | xargs)" \
      "6 arin US true cymru-dns asn.cymru.com 8 - - false -"
    at_most "${name}_dns_time" "$TOOK" 6000
  done
  asked dns >/dev/null
  asked whois >/dev/null
  plainly "$flavour" 'mtr-trace.asn={cymru-dns}'
  is "${flavour}_dns_alone_connects_to_nobody" "$(asked whois)" 0
  like "${flavour}_dns_alone" "$OUT" '^\| +2 .* AS3301 +ACCESS-NET, SE '
  like "${flavour}_dns_queries_are_told" "$OUT" 'look-ups of this run: cymru-dns 15 queries; names 9 queries'
  is "${flavour}_dns_is_asked_once" "$(asked dns)" 24
  plainly "$flavour" mtr-trace.asn=off,mtr-trace.names=no
  is "${flavour}_off_asks_nobody" "$(asked dns) $(asked whois)" "0 0"
  plainly "$flavour" 'mtr-trace.asn={cymru-dns},mtr-trace.names=no' --dns-servers 127.0.0.2
  is "${flavour}_hostile_dns_is_dashes" "$(grep -cE '^\|_? +[3-578] .* -  +-  +(Linux-based\??|unknown)$' <<<"$OUT")" 5
  like "${flavour}_hostile_name_is_cut" "$OUT" '^\| +6 .* AS2914 +.0;owned'
  is "${flavour}_hostile_dns_is_one_line" "$(grep -c 'cymru-dns: asn.cymru.com: ' <<<"$OUT")" 1
  unlike "${flavour}_hostile_dns_leaves_no_control_character" "$OUT" '[[:cntrl:]]'
  plainly "$flavour" 'mtr-trace.asn={cymru-dns}' --dns-servers 127.0.0.6
  is "${flavour}_noise_for_dns_is_dashes" "$(grep -cE '^\|_? +[2-9] .* -  +-  +(Linux-based\??|unknown)$' <<<"$OUT")" 8
  is "${flavour}_noise_for_dns_is_one_line" "$(grep -c 'cymru-dns: asn.cymru.com: ' <<<"$OUT")" 1
  unlike "${flavour}_noise_for_dns_leaves_no_control_character" "$OUT" '[[:cntrl:]]'
  at_most "${flavour}_noise_for_dns_time" "$TOOK" 6000
  plainly "$flavour" 'mtr-trace.asn={cymru-dns},mtr-trace.names=no' --dns-servers 127.0.0.9
  is "${flavour}_no_dns_is_dashes" "$(grep -cE '^\|_? +[2-9] .* -  +-  +(Linux-based\??|unknown)$' <<<"$OUT")" 8
  is "${flavour}_no_dns_is_one_line" "$(grep -c 'cymru-dns: asn.cymru.com: ' <<<"$OUT")" 1
  at_most "${flavour}_no_dns_time" "$TOOK" 6000
done

# ---- a firewall drops what goes to port 43 ----------------------------------------

lab_rule c output tcp dport 43 drop
for flavour in $FLAVOURS; do
  plainly "$flavour" mtr-trace.names=no
  like "${flavour}_firewall_dns_answers" "$OUT" '^\| +5 .* AS6453/AS6461 +TWIN-A, GB / TWIN-B, GB '
  at_most "${flavour}_firewall_time" "$TOOK" 6000
  is "${flavour}_firewall_is_noticed" "$(grep -c 'TCP port 43 seems to be blocked' <<<"$OUT")" 1
  # The two silences end together: a second registry may have been begun in between.
  unlike "${flavour}_firewall_last_resort_is_not_tried" "$OUT" 'ripe\.net'
done
lab_clear c

# ---- RIPE's server ------------------------------------------------------------------

serve ripe 4303 50
serve denied 4304
RIPE=mtr-trace.packets=10,mtr-trace.ripe-server=127.0.0.1

# ripe NAME: of the eight addresses four are asked for, others stay unknown
ripe() {
  at_most "$1_queries" "$(logged ripe-4303 '< -r -K -T route,route6 ')" 4
  at_most "$1_connections" "$(logged ripe-4303 connect)" 4
  is "$1_asks_nothing_twice" "$(grep -c '^<' "$LAB_SCRATCH/ripe-4303.log")" \
    "$(grep '^<' "$LAB_SCRATCH/ripe-4303.log" | sort -u | wc -l)"
  is "$1_rows" "$(show hops asn | sed -n '2,6p;8p' | xargs)" \
    "2 AS3301 3 AS2914 4 AS2915 5 AS6453/AS6461 6 - 8 -"
  is "$1_source" "$(show hops asn_source | sed -n 2p)" "2 ripe 127.0.0.1"
}

for flavour in $FLAVOURS; do
  for family in 4 6; do
    forget ripe-4303
    look "$flavour" "$RIPE:4303,mtr-trace.asn=ripe" -$family "$(lab_target $family)"
    ripe "${flavour}_v${family}_ripe_alone"
    forget ripe-4303
    look "$flavour" "$RIPE:4303,mtr-trace.cymru-server=127.0.0.1:4399" -$family "$(lab_target $family)"
    ripe "${flavour}_v${family}_ripe_behind_irr"
  done
done
plainly "${FLAVOURS##* }" "mtr-trace.asn=ripe,mtr-trace.ripe-server=127.0.0.1:4304"
is ripe_denied_is_one_line "$(grep -c '^|[_ ] *Look-ups: .*ripe: 127.0.0.1:4304: .*ERROR:201: access denied' <<<"$OUT")" 1
like ripe_denied_is_a_dash "$OUT" '^\| +2 .* -  +-  +(Linux-based\??|unknown)$'

# ---- who names no server: one IRRd and one bulk server, each by its name ------------

serve irrd 43 50 127.0.0.1
serve bulk 43 50 127.0.0.3
for flavour in $FLAVOURS; do
  forget irrd-43
  forget bulk-43
  look "$flavour" mtr-trace.packets=10 "$(lab_target 4)"
  is "${flavour}_default_rows" "$(rows | sed -n '2p;6,8p')" "2 AS3301 ACCESS-NET, SE
6 AS7018 (irr AS1239) NEWHOLDER, US
7 AS6695 (irr) Exchange Point
8 - -"
  is "${flavour}_default_sources" "$(show hops asn_source | sed -n 2p)" \
    "2 irr rr.ntt.net RIPE, cymru whois.cymru.com"
  is "${flavour}_default_one_connection_to_each" "$(logged irrd-43 connect) $(logged bulk-43 connect)" "1 1"
done
