#!/bin/bash
# Targets that are no host, source addresses, and sizes: what this host says
# before it sends anything, and what it does not hold against a probe.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }
lab_up --routers 1 --no-rate-limit || exit 1

# refused NAME TARGET REGEX: by the command and by Nmap, in one line each
refused() {
  cli -n --asn off -c 1 "$2"
  like "$1" "$ERR" "$3"
  is "$1_is_one_line" "$(grep -c . <<<"$ERR")$OUT" 1
}
refused mapped_multicast ::ffff:224.0.0.5 'is a multicast address: .* of one host expected$'
refused mapped_broadcast_of_the_link ::ffff:10.0.0.255 'is the broadcast address of eth0: .* of one host expected$'
refused multicast 224.0.0.5 'is a multicast address: .* of one host expected$'
refused multicast_v6 ff0e::5 'is a multicast address: .* of one host expected$'
refused broadcast 255.255.255.255 'is the broadcast address: .* of one host expected$'
refused broadcast_of_the_link 10.0.0.255 'is the broadcast address of eth0: .* of one host expected$'
refused unspecified 0.0.0.0 'is the unspecified address: .* of one host expected$'
refused unspecified_v6 :: 'is the unspecified address: .* of one host expected$'
refused empty '' 'expected a host name'
for flavour in $FLAVOURS; do
  for row in '224.0.0.5 a multicast address' '255.255.255.255 the broadcast address' '0.0.0.0 the unspecified address' \
    'ff0e::5 a multicast address'; do
    family=4
    [[ $row != *::* ]] || family=6
    trace "$flavour" -$family "${row%% *}"
    like "${flavour}_refuses_${row%% *}" "$(show text)" "^ERROR: target ${row%% *} is ${row#* }: "
  done
done
trace "$last" 10.0.0.255
like broadcast_in_nmap "$(show text)" '^ERROR: 10\.0\.0\.255 is the broadcast address of eth0: '

# An IPv4-mapped address is its IPv4 address, and that is said.
mapped=::ffff:$(lab_target 4)
says="^$mapped is an IPv4-mapped address: it is traced by IPv4, as $(lab_target 4)\.\$"
for protocol in icmp udp tcp; do
  cli -n --asn off -c 2 --protocol $protocol "$mapped"
  is "mapped_$protocol" "$RC $(awk '$1 == 2 { print $2, $3 }' <<<"$OUT")" "0 $(lab_target 4) 0.0%"
  like "mapped_${protocol}_is_said" "$OUT" "$says"
done
cli -n --asn off -c 2 -4 -a "::ffff:$(lab_addr 4 0)" -j "$mapped"
is mapped_in_json "$RC $(grep -Eo '"(ipv4_mapped|source|target)": *[^,]*' <<<"$OUT" | head -n 3 | xargs)" \
  "0 target:$(lab_target 4) ipv4_mapped:true source:$(lab_addr 4 0)"
cli -n --asn off --record "$LAB_SCRATCH/run" -c 1 "$mapped"
cli -n --replay "$LAB_SCRATCH/run"
like mapped_replayed "$OUT" "$says"
cli -n -6 "$mapped"
like mapped_is_not_ipv6 "$ERR" 'not an IPv6 address$'
for flavour in $FLAVOURS; do
  trace "$flavour" -6 --script-args mtr-trace.packets=2,mtr-trace.asn=off "$mapped"
  is "${flavour}_mapped" "$(show get target) $(show get reached) $(show hops ip loss_percent | tail -n 1)" "$(lab_target 4) true 2 $(lab_target 4) 0"
  like "${flavour}_mapped_is_said" "$(show text)" "  ${says#^}"
done

# The source address chooses among the target's addresses.
printf '127.0.0.1 localhost\n%s both.test\n%s both.test\n' "$(lab_target 6)" "$(lab_target 4)" >"$LAB_SCRATCH/hosts"
both() {
  in_flavour deb12 c timeout 60 "$TREE/scripts/mtr-trace" -n --asn off --os off --http off -c 1 "$@" both.test 2>&1
}
for family in 4 6; do
  like "source_of_v${family}_chooses_the_target_s" "$(both -a "$(lab_addr $family 0)")" "^2 +$(lab_target $family) "
done

# Every address of a name: each once, in the order of the names; a name that is not found stays one.
lab_exec s ip address add 10.0.1.77/24 dev eth0
echo '10.0.1.77 both.test' >>"$LAB_SCRATCH/hosts"
# traced NAME WANTED ARG...: status, then target and name, and whether it was reached, of each trace
traced() {
  in_flavour deb12 c timeout 60 "$TREE/scripts/mtr-trace" -n --asn off --os off --http off -c 1 -j \
    --all-addresses "${@:3}" >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err"
  is "$1" "$? $(lua5.4 -e 'for _, t in ipairs(require "dkjson".decode(io.read "a").traces) do
    print(t.name, t.target or "-", t.reached) end' <"$LAB_SCRATCH/out" | xargs)" "$2"
}
v4=$(lab_target 4) v6=$(lab_target 6)
traced all_addresses_v4 "0 both.test $v4 true both.test 10.0.1.77 true" -4 both.test
traced all_addresses_v6 "0 both.test $v6 true" -6 both.test
traced all_addresses_of_the_family_of_the_source "0 both.test $v6 true" -a "$(lab_addr 6 0)" both.test
traced all_addresses_of_several_names "1 both.test $v4 true both.test 10.0.1.77 true nosuch.invalid - nil $v4 $v4 true" \
  -4 both.test nosuch.invalid "$v4"
OUT=$(in_flavour deb12 c timeout 60 "$TREE/scripts/mtr-trace" -n --asn off --os off --http off -c 1 -T --all-addresses both.test:81)
is all_addresses_of_a_port "$? $(grep '^Target' <<<"$OUT" | sort | xargs)" \
  "0 $(printf 'Target: both.test:81 (%s)\n' "$v4" 10.0.1.77 "$v6" | sort | xargs)"
rm "$LAB_SCRATCH/hosts"

# A size is held to the link's MTU, not to what the kernel has learnt of the path.
for end in c:eth0 r1:up; do lab_ip "${end%:*}" link set dev "${end#*:}" mtu 9000; done
lab_ip r1 link set dev down mtu 1400
lab_ip s link set dev eth0 mtu 1400
for family in 4 6; do
  target=$(lab_target $family)
  cli -n --asn off --os off --http off -c 1 --pmtu "$target"
  like "path_mtu_is_found_v$family" "$OUT" '^Path MTU 1400: '
  [ $family = 4 ] || like path_mtu_is_learnt_v6 "$(lab_ip c -6 route get "$target")" 'mtu 1400'
  cli -n --asn off --os off --http off -c 1 -m 2 -s 5000 "$target"
  is "size_beyond_the_path_mtu_is_sent_v$family" "$(awk '$1 == 1 { print $2 }' <<<"$OUT") $ERR" "$(lab_addr $family 1) "
  cli -n --asn off -c 1 -s 9001 "$target"
  like "size_beyond_the_link_s_mtu_is_refused_v$family" "$ERR" 'size 9001 is more than the MTU of the link to .*, 9000$'
done
cli -n --asn off --os off --http off -c 1 --pmtu 127.0.0.1
like loopback_path_mtu "$OUT" '^Path MTU 65535: '
cli -n --asn off --os off --http off -c 1 -s 65535 127.0.0.1
is loopback_longest_packet "$RC $(awk '$1 == 1 { print $2, $3 }' <<<"$OUT")" "0 127.0.0.1 0.0%"
