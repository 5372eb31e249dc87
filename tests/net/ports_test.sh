#!/bin/bash
# Who drops a port: nftables firewalls on real routers that drop, reject and
# reset SYNs to ports; Nmap's own scan finds these filtered, and the script says
# at which hop.  The command does the same by a list.
# shellcheck disable=SC2030,SC2031 # runs in the background have a folder of their own

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
lab_up --routers 5 --no-rate-limit || exit 1

nft_of() { lab_exec "$1" nft -f -; }

# At router 3 one port is dropped, one rejected, one answered in the server's name; at the server one
# is dropped by its own firewall.
nft_of r3 <<END
table inet mtl {
  chain forward {
    type filter hook forward priority 0
    tcp dport 25 drop
    udp dport 53 drop
    iifname up meta nfproto ipv4 tcp dport 22 reject with icmp type admin-prohibited
    iifname up meta nfproto ipv6 tcp dport 22 reject with icmpv6 type admin-prohibited
    iifname up tcp dport 110 reject with tcp reset
  }
}
END
nft_of s <<END
table inet mtl {
  chain input {
    type filter hook input priority 0
    tcp dport 8080 drop
    udp dport 123 drop
  }
}
END

declare -A hop3=([4]="$(lab_addr 4 3)" [6]="$(lab_addr 6 3)") code=([4]="ICMP 3/13" [6]="ICMPv6 1/1")
prohibited() { if [ "$1" = 4 ]; then echo communication administratively prohibited; else echo administratively prohibited; fi; }

# ---- inside Nmap, all at once: they wait for most of their time -----------------

# scan NAME FLAVOUR FAMILY PORTS ARGS: Nmap's scan with the script, in the background
scan() {
  in_flavour "$2" c timeout 90 nmap -n -Pn -"$3" -p "$4" --max-retries 1 --script "$(tree_of "$2")/nse/mtr-trace.nse" \
    --script-args "mtr-trace={packets=3,asn=off,http=off,os=off,names=no,$5}" -oX - "$(lab_target "$3")" \
    >"$LAB_SCRATCH/$1.xml" 2>"$LAB_SCRATCH/$1.err" &
}
# shellcheck disable=SC2034 # used by show
scanned() { XML=$LAB_SCRATCH/$1.xml; }

# ask NAME FAMILY ARG...: the command, in the background, with files of its own
ask() {
  (
    to=$LAB_SCRATCH/$1 LAB_SCRATCH=$LAB_SCRATCH/$1.files
    mkdir "$LAB_SCRATCH"
    cli -n --asn off --os off --http off -c 3 "${@:3}" "$(lab_target "$2")"
    printf '%s\n' "$RC$ERR" "$OUT" >"$to"
  ) &
}

last=${FLAVOURS##* }
for flavour in $FLAVOURS; do
  for family in 4 6; do scan "${flavour}_v$family" "$flavour" $family 22,25,443 ports=filtered; done
done
scan none "$last" 4 443 ports=filtered
scan listed "$last" 4 25 'ports={U:53,T:25,443},max-ports=2'
# This host's own firewall: no probe leaves, and nothing is said of the path.
lab_rule c output tcp dport 26 drop
ask own 4 --ports 26
for family in 4 6; do ask v$family $family --port-compare 22,25,110,443,8080,U:53,123; done
ask json 4 -j --ports 25,443 --record "$LAB_SCRATCH/run"
ask xml 4 -x --ports 25
wait

for flavour in $FLAVOURS; do
  for family in 4 6; do
    name=${flavour}_v$family
    scanned "$name"
    type=3
    [ $family = 4 ] || type=1
    is "${name}_filtered" "$(show ports protocol port state outcome hop ip icmp_type | sort | xargs)" \
      "tcp 22 filtered rejected 3 ${hop3[$family]} $type tcp 25 filtered dropped 3 ${hop3[$family]} -"
    like "${name}_dropped" "$(show text)" \
      "^  tcp/25 is dropped beyond hop 3 \\(${hop3[$family]}, Private\\): 0 of [0-9]+ probes beyond it were answered, while hop 4 replies to ICMP"
    like "${name}_rejected" "$(show text)" \
      "^  tcp/22 is rejected at hop 3 \\(${hop3[$family]}, Private\\): $(prohibited $family) \\(${code[$family]}\\)"
    like "${name}_gets_through" "$(show text)" '; ICMP reaches the target at hop 6\.$'
  done
done
scanned none
like none_filtered "$(show text)" "^  Nmap's port scan found no filtered port to trace\\.$"
scanned listed
is listed "$(show ports protocol port outcome hop | xargs)" "udp 53 dropped 3 tcp 25 dropped 3"
like listed_beyond_the_most "$(show text)" '^  1 more port is not traced: at most 2 are \(max-ports\)\.$'
trace "$last" --script-args 'mtr-trace.ports={22,nosuch}' "$(lab_target 4)"
like bad_list "$(show text)" '^ERROR: mtr-trace\.ports=.*: expected filtered, or a list of 1 to 1000 ports'

like own_firewall "$(cat "$LAB_SCRATCH/own")" '^tcp/26 could not be sent \('

# ---- the command ------------------------------------------------------------------

for family in 4 6; do
  OUT=$(cat "$LAB_SCRATCH/v$family")
  name=command_v$family where="hop 3 \\(${hop3[$family]}, Private\\)"
  before="hop 5 \\($(lab_addr $family 5), Private\\), the last hop before the target"
  is "${name}_status" "$(head -n 1 <<<"$OUT")" 0
  like "${name}_dropped" "$OUT" "^tcp/25 and udp/53 are dropped beyond $where: 0 of [0-9]+ probes beyond it were answered, while hop 4 replies to ICMP, tcp/443"
  like "${name}_rejected" "$OUT" "^tcp/22 is rejected at $where: $(prohibited $family)"
  like "${name}_reset" "$OUT" "^tcp/110 is answered before the target, at or just beyond $where: a RST in the target's name comes from TTL 4 on and over 3 hops, the target's reply to ICMP from TTL 6 on and over 6 hops"
  like "${name}_target_s_own" "$OUT" "^tcp/8080 is dropped beyond $before: 0 of"
  like "${name}_udp" "$OUT" "^udp/123 passes $before, and gets no reply \\(0 of [0-9]+ probes\\): open or filtered there"
  like "${name}_gets_through" "$OUT" '; ICMP and tcp/443 reach the target at hop 6\.$'
done

# Documents and recordings have the same.
lua5.4 -e 'for _, p in ipairs(require "dkjson".decode(io.read "a").traces[1].ports) do
  print(p.protocol, p.port, p.outcome, p.hop or "-", p.target_ttl or "-", p.flows, p.flows_reached) end' \
  < <(tail -n +2 "$LAB_SCRATCH/json") >"$LAB_SCRATCH/list"
is json "$(xargs <"$LAB_SCRATCH/list")" "tcp 25 dropped 3 - 3 0 tcp 443 reached - 6 3 3"
cli -n --replay "$LAB_SCRATCH/run"
like replayed "$OUT" '^tcp/25 is dropped beyond hop 3 .*; ICMP and tcp/443 reach the target at hop 6\.$'
like xml "$(tr -d '\n' <"$LAB_SCRATCH/xml")" '<ports> *<port> *<protocol>tcp</protocol> *<port>25</port> *<outcome>dropped</outcome>'
cli --ports filtered "$(lab_target 4)"
like only_nmap_knows_filtered_ports "$RC $ERR" '^2 mtr-trace: --ports=filtered: ports are scanned by Nmap only'
