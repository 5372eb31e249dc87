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
refused mapped ::ffff:10.0.1.2 'is an IPv4-mapped address: .* of one host expected$'
refused multicast 224.0.0.5 'is a multicast address: .* of one host expected$'
refused multicast_v6 ff0e::5 'is a multicast address: .* of one host expected$'
refused broadcast 255.255.255.255 'is the broadcast address: .* of one host expected$'
refused broadcast_of_the_link 10.0.0.255 'is the broadcast address of eth0: .* of one host expected$'
refused unspecified 0.0.0.0 'is the unspecified address: .* of one host expected$'
refused unspecified_v6 :: 'is the unspecified address: .* of one host expected$'
refused empty '' 'expected a host name'
trace "$last" 10.0.0.255
like broadcast_in_nmap "$(show text)" '^ERROR: 10\.0\.0\.255 is the broadcast address of eth0: '

# The source address chooses among the target's addresses.
printf '127.0.0.1 localhost\n%s both.test\n%s both.test\n' "$(lab_target 6)" "$(lab_target 4)" >"$LAB_SCRATCH/hosts"
both() {
  in_flavour deb12 c timeout 60 "$TREE/scripts/mtr-trace" -n --asn off --os off --http off -c 1 "$@" both.test 2>&1
}
for family in 4 6; do
  like "source_of_v${family}_chooses_the_target_s" "$(both -a "$(lab_addr $family 0)")" "^2 +$(lab_target $family) "
done
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
