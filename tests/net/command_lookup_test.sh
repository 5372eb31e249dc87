#!/bin/bash
# What the command finds out beside the trace, over IPv4 and IPv6: networks
# from an IRRd, a bulk whois server, DNS and databases of our own, names, places,
# systems.  And what it does where libunbound's Lua binding is missing.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
. "$TREE/tests/net/lookup_lib.sh"
needs_command
lab_up --routers 8 --no-rate-limit --public || exit 1
dir=$LAB_SCRATCH

lookup_servers
lookup_zones
zone cymru asn.cymru.com
dns_up
use_resolver 127.0.0.1
LOCAL=(--whois-server 127.0.0.1:4301 --cymru-server 127.0.0.1:4302)

# ---- everything, in every way to show it ---------------------------------------

for family in 4 6; do
  forget irrd-4301
  forget bulk-4302
  target=$(lab_target $family)
  cli -C -c 10 "${LOCAL[@]}" --columns hop,asn,organization,os "$target"
  is "v${family}_networks" "$(columns hop asn organization | tr '|' ' ')" "$LOOKUP_ROWS"
  is "v${family}_reached" "$RC $ERR" "0 "
  is "v${family}_one_connection_to_each" "$(logged irrd-4301 connect) $(logged bulk-4302 connect)" "1 1"
  is "v${family}_routes_are_asked_once" "$(logged irrd-4301 '< !r')" 8
  unlike "v${family}_nothing_special_is_sent" "$(cat "$dir"/*-430?.log)" '192\.168|fd00'
  [ $family = 6 ] ||
    is "v${family}_systems" "$(columns os | head -n 8 | sort -u)" Linux-based
  cli -r -c 3 "${LOCAL[@]}" "$target"
  like "v${family}_report" "$OUT" '^5 +hop5\.example\.net .* AS6453/AS6461 +TWIN-A, GB / TWIN-B, GB '
  cli -r -b -c 3 "${LOCAL[@]}" "$target"
  like "v${family}_names_and_addresses" "$OUT" "^2 +$(lab_addr $family 2) +hop2\\.example\\.net "
  cli -r -n -c 3 --asn off "$target"
  unlike "v${family}_no_names" "$OUT" 'example\.net'
  like "v${family}_addresses" "$OUT" "^2 +$(lab_addr $family 2) "
  cli --classic -c 3 "${LOCAL[@]}" "$target"
  like "v${family}_classic" "$OUT" "^ 4  hop4\\.example\\.net \\([0-9a-f.:]+\\) \\[AS2915\\]  [0-9.]+ ms"
  cli -j -c 3 "${LOCAL[@]}" --record "$dir/rec" "$target"
  cp "$dir/out" "$dir/run"
  is "v${family}_json_by_name" "$(python3 - "$dir/run" <<'END'
import json, sys
hop = json.load(open(sys.argv[1]))["traces"][0]["hops"][5]["responders"][0]
print(hop["asn"], hop["organization"], hop["name"], hop["registry"])
END
  )" "7018 NEWHOLDER, US hop6.example.net arin"
  cli -j --replay "$dir/rec"
  is "v${family}_replay_knows_it_all" "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
done

# ---- names beyond ASCII: latin-1 as from RIPE, UTF-8 as from others ----------------

# The name in escapes, as this file is ASCII.
said=$(printf 'Sm\303\245l\303\244nningarna \303\230st \302\253AB\302\273')
port=4340
for charset in latin1 utf8; do
  serve $charset-irrd $port
  serve $charset-bulk $((port + 1))
  cli -C -n -c 2 --asn irr --whois-server 127.0.0.1:$port "$(lab_target 4)"
  is "${charset}_of_irr" "$(columns organization | sed -n 2p)" "$said"
  cli -w -n -c 2 --asn cymru --cymru-server 127.0.0.1:$((port + 1)) "$(lab_target 4)"
  like "${charset}_of_cymru_in_a_report" "$OUT" "^2 .* AS3301 +$said, SE  "
  cli -j -n -c 2 --asn cymru --cymru-server 127.0.0.1:$((port + 1)) "$(lab_target 4)"
  is "${charset}_of_cymru_in_json" "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1], encoding="utf-8"))["traces"][0]["hops"][1]["responders"][0]["organization"])' "$dir/out")" \
    "$said, SE"
  port=$((port + 2))
done

# ---- servers that do not behave, all at once -------------------------------------

kinds=(silent endless cut wrong unended binary escapes big slow)
runs=()
for i in "${!kinds[@]}"; do
  serve "${kinds[i]}" $((4310 + i))
done
for i in "${!kinds[@]}"; do
  bad=127.0.0.1:$((4310 + i)) file=$dir/bad-${kinds[i]}
  in_client timeout 60 "$TREE/scripts/mtr-trace" -r -n -c 3 --debug --whois-server "$bad" --cymru-server "$bad" \
    "$(lab_target 4)" >"$file" 2>"$file.err" &
  runs+=($!)
done
wait "${runs[@]}"
for i in "${!kinds[@]}"; do
  file=$dir/bad-${kinds[i]}
  like "${kinds[i]}_is_a_dash" "$(cat "$file")" '^2 .* -  +-  +Linux-based$'
  for source in irr cymru; do
    is "${kinds[i]}_${source}_one_line" "$(grep -c "$source: 127.0.0.1:$((4310 + i)): " "$file.err")" 1
  done
  unlike "${kinds[i]}_no_control_character" "$(cat "$file" "$file.err")" '[[:cntrl:]]'
done

# ---- servers of the user's with an error, which is said ---------------------------

serve refusing-irrd 4321
serve refusing-bulk 4322
cli -r -n -c 3 --asn irr --whois-server 127.0.0.1:4321 "$(lab_target 4)"
like error_is_said "$OUT" '^Look-ups: irr: 127\.0\.0\.1:4321: refused: No such thing\.$'
like error_leaves_out_one_address "$OUT" '^3 .* -  +-  +Linux-based$'
like error_leaves_out_no_other "$OUT" '^5 .* AS6453/AS6461 '
cli -r -n -c 3 --asn cymru --cymru-server 127.0.0.1:4322 "$(lab_target 4)"
like bulk_error_is_said "$OUT" '^Look-ups: cymru: 127\.0\.0\.1:4322: refused: Error: no ASN or IP match on line 3\.'
like bulk_error_leaves_out_no_other "$OUT" '^5 .* AS6453/AS6461 '
cli -r -n -c 3 --asn irr --whois-server 127.0.0.1:4399 "$(lab_target 4)"
like refused_connection_is_said "$OUT" '^Look-ups: irr: 127\.0\.0\.1:4399: cannot connect: connection refused\.$'

# ---- names of zones that are dead -----------------------------------------------

# lost ADDRESS: nobody answers for its name; by the first bytes of the question
lost() {
  local label hex=
  for label in $(tac -s . <<<"$1." | tr '.\n' '  '); do
    hex=$hex$(printf '%02x' ${#label})$(printf %s "$label" | od -An -tx1 | tr -d ' ')
  done
  hex=${hex:0:12}
  lab_rule c input udp dport 53 @th,160,48 "0x$hex" drop
}

for hop in 2 3 4 5 6; do lost "$(lab_addr 4 $hop)"; done
began=$SECONDS
cli -C -c 3 --asn off --columns hop,name "$(lab_target 4)"
is dead_zones_hold_up_no_other "$(columns hop name | tr '|' ' ' | xargs)" \
  "1 - 2 - 3 - 4 - 5 - 6 - 7 hop7.example.net 8 hop8.example.net 9 hop9.example.net"
is dead_zones_status "$RC $ERR" "0 "
at_most dead_zones_hold_up_no_prompt $((SECONDS - began)) 6
lab_clear c

# ---- DNS in place of whois ------------------------------------------------------

# As the route registry knows more than BGP, hop 7 is unknown here.
bgp="1 Private Private Network
2 AS3301 ACCESS-NET, SE
3 AS2914 TRANSIT-1, US
4 AS2915 CUSTOMER, US
5 AS6453/AS6461 TWIN-A, GB / TWIN-B, GB
6 AS7018 NEWHOLDER, US
7 - -
8 - -
9 AS15133 EDGECAST, US"
dns=(-C -n -c 5 --asn cymru-dns --columns 'hop,asn,organization')
if lua5.4 -e 'require "lunbound"' 2>/dev/null; then
  for family in 4 6; do
    cli "${dns[@]}" "$(lab_target $family)"
    is "v${family}_dns" "$(columns hop asn organization | tr '|' ' ')" "$bgp"
    is "v${family}_dns_reached" "$RC $ERR" "0 "
  done
  use_resolver 127.0.0.9
  began=$SECONDS
  cli "${dns[@]}" "$(lab_target 4)"
  is dns_that_is_silent "$RC $(columns hop asn | sed -n 2p)" "0 2|-"
  at_most dns_that_is_silent_time $((SECONDS - began)) 6
  use_resolver 127.0.0.1
else
  skip command_dns "lua-unbound is not installed"
fi

# Without the binding: one line, whatever the number of targets; Nmap has it.
mkdir "$dir/hide"
cat >"$dir/hide/no.lua" <<'END'
local search = package.searchpath
function package.searchpath(name, ...)
  if name ~= "lunbound" then
    return search(name, ...)
  end
end
END
COMMAND_ENV=(LUA_INIT="@$dir/hide/no.lua")
cli "${dns[@]}" "$(lab_target 4)" "$(lab_target 6)"
is no_dns_status "$RC" 2
is no_dns_is_one_line "$ERR" \
  "mtr-trace: --asn: DNS look-ups of networks need Nmap or the Lua module lunbound (Debian: lua-unbound)"
cli "${dns[@]}" --asn cymru --cymru-server 127.0.0.1:4399 "$(lab_target 4)"
is no_dns_and_no_whois "$RC $ERR $(columns hop asn | sed -n 2p)" "0  2|-"
COMMAND_ENV=()

# ---- databases ---------------------------------------------------------------------

perl "$SERVERS/mmdb.pl" "$dir" || not_ok database "cannot be written"
forget irrd-4301
DB=(-n --asn-db "$dir/asn.mmdb" --geo-db "$dir/city.mmdb" --whois-server 127.0.0.1:4301)
for family in 4 6; do
  cli -C -c 2 "${DB[@]}" --columns hop,asn,organization,geo_city "$(lab_target $family)"
  like "v${family}_database" "$(columns hop asn organization)" '^2\|AS3301\|From.*File$'
done
for layout in ipinfo flat; do
  cli -C -n -c 2 --asn-db "$dir/$layout.mmdb" --columns hop,asn,organization "$(lab_target 4)"
  like "database_of_${layout}" "$(columns hop asn organization)" '^2\|AS3301\|(Link.*ping N.*t|Flat Networks)$'
done
cli -C -n -c 2 --asn off --geo-db "$dir/ipinfo-city.mmdb" --columns hop,geo_city,latitude "$(lab_target 4)"
like places_of_ipinfo "$(columns hop geo_city latitude)" '^2\|Link.*ping\|58\.41$'
for wrong in "--asn-db $dir/colours.mmdb" "--geo-db $dir/colours.mmdb" "--asn-db $dir/city.mmdb"; do
  # shellcheck disable=SC2086 # words
  cli -n $wrong "$(lab_target 4)"
  is "database_without_the_fields ${wrong//$dir/DIR}" "$RC $(wc -l <<<"$ERR")" "2 1"
  like "fields_are_named ${wrong//$dir/DIR}" "$ERR" 'none of the fields .*, but (as_domain, colour|city\.names\.en, )'
done
is database_asks_nobody "$(logged irrd-4301 .)" 0
cli -r -c 2 "${DB[@]}" --geo-out "$dir/path.json" "$(lab_target 4)"
cli -r -c 2 "${DB[@]}" --geo-out "$dir/path.json" "$(lab_target 4)" nosuch.invalid "$(lab_addr 4 2)"
is map "$(python3 - "$dir/path.json" <<'END'
import json, sys
doc = json.load(open(sys.argv[1]))
print(doc["type"], *(f["geometry"]["type"] for f in doc["features"]))
END
)" "FeatureCollection Point Point LineString Point"
is map_is_no_report "$(grep -c ^Target: <<<"$OUT")" 2
for wrong in "--geo-out $dir/x" "--asn-db /etc/passwd" "--geo-db /nosuch" "--geo-db $dir/city.mmdb --geo-out /nosuch/x"; do
  # shellcheck disable=SC2086 # words
  cli -n $wrong "$(lab_target 4)" "$(lab_target 6)"
  is "one_line_and_status_2 ${wrong//$dir/DIR}" "$RC $(wc -l <<<"$ERR") $OUT" "2 1 "
  like "says_which ${wrong//$dir/DIR}" "$ERR" '^mtr-trace: (--asn-db|--geo-db|--geo-out|/nosuch/x)'
done
