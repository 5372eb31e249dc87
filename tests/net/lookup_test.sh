#!/bin/bash
# Who runs each hop: a path through other people's addresses, which exist only
# in the lab, looked up from an IRRd, a bulk whois and a DNS server of our own.
# The IRRd is proved faithful by the clients bgpq4 and whois.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lookup_lib.sh"
find_flavours
lab_up --routers 8 --no-rate-limit --public || exit 1

lookup_servers

# ---- the IRRd, as real clients see it ----------------------------------------

out=$(lab_exec c bgpq4 -h 127.0.0.1:4301 -4 -F '%n/%l\n' AS2914 2>&1)
is bgpq4_v4 "$out" "129.250.0.0/16"
out=$(lab_exec c bgpq4 -h 127.0.0.1:4301 -6 -F '%n/%l\n' AS3301 2>&1)
is bgpq4_v6 "$out" "2a00:1::/32"
out=$(lab_exec c whois -h 127.0.0.1 -p 4301 129.250.2.9 2>&1)
like whois_route "$out" '^origin: +AS2915$'
like whois_less_specific "$out" '^route: +129\.250\.0\.0/16$'
like whois_unknown "$(lab_exec c whois -h 127.0.0.1 -p 4301 5.5.5.5 2>&1)" 'No entries found'
like whois_bang "$(lab_exec c whois -h 127.0.0.1 -p 4301 '!r80.231.0.0/16,o' 2>&1)" '^AS6453 AS6461$'

# ---- the whole, in both Nmaps --------------------------------------------------

lookup_zones
dns_up

# beyond FLAVOUR: milliseconds that look-ups take beyond a run without any; the
# least of three pairs, as the machine may have other work
beyond() {
  local least=999999 with
  for _ in 1 2 3; do
    look "$1" "$LOCAL,mtr-trace.packets=10" "$(lab_target 4)"
    with=$TOOK
    look "$1" "$LOCAL,mtr-trace.packets=10,mtr-trace.asn=off,mtr-trace.names=no" "$(lab_target 4)"
    [ $((with - TOOK)) -ge "$least" ] || least=$((with - TOOK))
  done
  echo "$least"
}

LOCAL=mtr-trace.whois-server=127.0.0.1:4301,mtr-trace.cymru-server=127.0.0.1:4302

for flavour in $FLAVOURS; do
  for family in 4 6; do
    forget irrd-4301
    forget bulk-4302
    look "$flavour" "$LOCAL,mtr-trace.packets=10" -$family "$(lab_target $family)"
    name=${flavour}_v$family
    is "${name}_rows" "$(rows)" "$LOOKUP_ROWS"
    is "${name}_one_connection_to_each" "$(logged irrd-4301 connect) $(logged bulk-4302 connect)" "1 1"
    is "${name}_routes_are_asked_once" "$(logged irrd-4301 '< !r')" 8
    unlike "${name}_nothing_special_is_sent" "$(cat "$LAB_SCRATCH"/*-430?.log)" '192\.168|fd00'
    is "${name}_names" "$(show hops name | head -n 3 | tail -n 2 | xargs)" "2 hop2.example.net 3 hop3.example.net"
    is "${name}_name_of_a_private_address" "$(show hops name | head -n 1)" "1 hop1.example.net"
    is "${name}_details" "$(show hops registry country announced | sed -n '6p;8p' | xargs)" \
      "6 arin US true 8 - - false"
    like "${name}_text" "$(show text)" '^ *5 .* AS6453/AS6461 +TWIN-A, GB / TWIN-B, GB '
  done
  forget irrd-4301
  look "$flavour" "$LOCAL,mtr-trace.packets=10,mtr-trace.asn=off,mtr-trace.names=no" -6 "$(lab_target 6)"
  is "${flavour}_off_sends_nothing" "$(logged irrd-4301 .) $(rows | sed -n 2p)" "0 2 - -"
  at_most "${flavour}_lookups_hold_up_the_table_for_at_most_300_ms" "$(beyond "$flavour")" 300
done

# ---- names beyond ASCII: latin-1 as from RIPE, UTF-8 as from others ---------------

# Nmap's text is ASCII, and its XML has the bytes of UTF-8 in its own notation.
# shellcheck disable=SC1003 # a backslash
SAID='Sm\xC3\xA5l\xC3\xA4nningarna \xC3\x98st \xC2\xABAB\xC2\xBB'
port=4340
for charset in latin1 utf8; do
  serve $charset-irrd $port
  serve $charset-bulk $((port + 1))
  for flavour in $FLAVOURS; do
    look "$flavour" "mtr-trace.packets=2,mtr-trace.names=no,mtr-trace.asn=irr,mtr-trace.whois-server=127.0.0.1:$port" \
      "$(lab_target 4)"
    is "${flavour}_${charset}_of_irr" "$(rows | sed -n 2p)" "2 AS3301 $SAID"
    like "${flavour}_${charset}_of_irr_as_text" "$(show text)" '^ *2 .* AS3301 +Smalanningarna Ost <<AB>>  '
    look "$flavour" "mtr-trace.packets=2,mtr-trace.names=no,mtr-trace.asn=cymru,mtr-trace.cymru-server=127.0.0.1:$((port + 1))" \
      "$(lab_target 4)"
    is "${flavour}_${charset}_of_cymru" "$(rows | sed -n 2p)" "2 AS3301 $SAID, SE"
  done
  port=$((port + 2))
done

# ---- servers that do not behave: as IRRd and as bulk whois, to both Nmaps at once ---

# hostile NAME FLAVOUR IRR_PORT BULK_PORT: a run in the background
hostile() {
  {
    plainly "$2" "mtr-trace.names=no,mtr-trace.whois-server=127.0.0.1:$3,mtr-trace.cymru-server=127.0.0.1:$4"
    printf '%s\n' "$TOOK" "$OUT" >"$LAB_SCRATCH/$1.hostile"
  } &
  RUNS+=($!)
}

# suffered NAME ROW LINE: what came of it; one line of the log says what is wrong, and one under the table
suffered() {
  OUT=$(sed 1d "$LAB_SCRATCH/$1.hostile")
  like "$1_the_other_answers" "$OUT" "^\\| +2 .* AS3301 +$2 "
  in_time "$1_time" "$(sed -n 1p "$LAB_SCRATCH/$1.hostile")" 6000
  is "$1_one_line" "$(grep "$3: " <<<"$OUT" | grep -vc 'Look-ups: ')" 1
  is "$1_one_note" "$(grep -c "Look-ups: .*$3: " <<<"$OUT")" 1
  unlike "$1_no_control_character" "$OUT" '[[:cntrl:]]'
}

port=4310
for kind in silent endless cut wrong unended binary escapes big slow; do
  serve $kind $port
  RUNS=()
  for flavour in $FLAVOURS; do
    hostile "${flavour}_irr_$kind" "$flavour" $port 4302
    hostile "${flavour}_bulk_$kind" "$flavour" 4301 $port
  done
  wait "${RUNS[@]}"
  for flavour in $FLAVOURS; do
    suffered "${flavour}_irr_$kind" 'ACCESS-NET, SE' "irr: 127.0.0.1:$port"
    suffered "${flavour}_bulk_$kind" 'Access Networks AB' "cymru: 127.0.0.1:$port"
  done
  port=$((port + 1))
done

for flavour in $FLAVOURS; do
  plainly "$flavour" mtr-trace.whois-server=127.0.0.1:4399,mtr-trace.cymru-server=127.0.0.1:4398
  like "${flavour}_refused_is_a_dash" "$OUT" '^\| +2 .* -  +-  +Linux-based$'
  at_most "${flavour}_refused_costs_nothing" "$TOOK" 4000
  is "${flavour}_refused_is_two_lines" \
    "$(grep -E '(irr|cymru): 127.0.0.1:439.: cannot connect: refused' <<<"$OUT" | grep -vc 'Look-ups: ')" 2
  like "${flavour}_number_of_queries_is_told" "$OUT" 'look-ups of this run: irr [0-9]+ queries'
done
plainly "${FLAVOURS##* }" mtr-trace.whois-server=irrd.invalid,mtr-trace.cymru-server=127.0.0.1:4302
like unknown_server_name_is_one_line "$OUT" 'irr: irrd.invalid:43: name not found'

# ---- databases, made by MaxMind's own writer -------------------------------------

if ! perl "$SERVERS/mmdb.pl" "$LAB_SCRATCH"; then
  not_ok database "cannot be written"
fi

# A plain library path, where a module may be missing.
bare() { # FLAVOUR NMAP_OPTION...
  local flavour=$1 so
  so=$(scratch_of "$flavour")
  in_flavour "$flavour" c env LUA_CPATH_5_3="$so/lua5.3/?.so" LUA_CPATH_5_4="$so/lua5.4/?.so" \
    timeout 60 nmap -n -sn -Pn --script "$(tree_of "$flavour")/nse/mtr-trace.nse" "${@:2}" 2>&1
}
for lua in "$TREE"/build/lua*; do
  mkdir -p "$LAB_SCRATCH/${lua##*/}/mtrtrace"
  cp "$lua/mtrtrace/core.so" "$LAB_SCRATCH/${lua##*/}/mtrtrace/"
done

for flavour in $FLAVOURS; do
  forget irrd-4301
  files=$(scratch_of "$flavour")
  DB=mtr-trace.names=no,mtr-trace.packets=2,mtr-trace.whois-server=127.0.0.1:4301
  DB=$DB,mtr-trace.asn-db=$files/asn.mmdb,mtr-trace.geo-db=$files/city.mmdb
  rm -f "$LAB_SCRATCH/path.json"
  trace "$flavour" --script-args "$DB,mtr-trace.geo-out=$files/path.json" "$(lab_target 4)"
  is "${flavour}_database_rows" "$(rows | sed -n '2,3p' | xargs)" "2 AS3301 From[2J File 3 - -"
  is "${flavour}_database_source" "$(show hops asn_source prefix | sed -n 2p)" "2 db asn.mmdb 62.20.0.0/16"
  is "${flavour}_database_asks_nobody" "$(logged irrd-4301 .)" 0
  is "${flavour}_database_places" \
    "$(show hops geo_country geo_region geo_city latitude longitude | sed -n '2p;9p' | xargs)" \
    "2 SE Stockholm Solna 59.36 18 9 US California Los Angeles 34.05 -118.24"
  is "${flavour}_map_is_json" "$(perl -MJSON::PP -0777 -ne 'print scalar @{decode_json($_)->{features}}' \
    "$LAB_SCRATCH/path.json")" 3
  trace "$flavour" -6 --script-args "$DB" "$(lab_target 6)"
  is "${flavour}_database_rows_v6" "$(rows | sed -n '2,3p' | xargs)" "2 AS3301 From File 3 - -"
  like "${flavour}_database_that_is_none" \
    "$(run_nmap "$flavour" c --script-args mtr-trace.asn-db=/etc/passwd "$(lab_target 4)" 2>&1)" \
    'ERROR: mtr-trace.asn-db: /etc/passwd: .*invalid metadata'
  like "${flavour}_library_that_is_missing" \
    "$(bare "$flavour" --script-args mtr-trace.asn-db=/etc/passwd "$(lab_target 4)")" \
    'ERROR: mtr-trace.asn-db: mtrtrace.mmdb is not installed: install libmaxminddb'
done
