#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# IPv6 answers with extension headers in front of ICMPv6 and TCP, from
# simulated routers on a TUN device: the capture lets them through, whatever
# the chain.  No kernel sends such answers by itself.

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
. "$TREE/tests/net/command.sh"
# shellcheck source=tests/sim/tun_lib.sh
. "$(dirname "$0")/tun_lib.sh"
needs_command

tun_up >"$LAB_SCRATCH/why" 2>&1 || {
  skip tun "no TUN device here: $(tail -n 1 "$LAB_SCRATCH/why")"
  exit 0
}

WANT=
for hop in 1 2 3 4 5 6 7 8; do WANT+="$hop 2001:db8:$hop::1 "; done
WANT+="9 2001:db8:ffff::2"

# chain NAME PROTOCOL NUMBER...: a trace whose answers have these headers
chain() {
  export TUN_EXTENSIONS=${*:3}
  tun_world tun6 || {
    not_ok "$1_runs" "it does not"
    return
  }
  cli -n --asn off --os off --http off -c 2 --protocol "$2" 2001:db8:ffff::2
  is "$1_all_hops" "$(awk '$1 ~ /^[0-9]+$/ && $3 ~ /%/ { print $1, $2 }' <<<"$OUT" | xargs)" "$WANT"
  tun_end "$LAB_SCRATCH/said"
  like "$1_all_was_delivered" "$(cat "$LAB_SCRATCH/said")" ' failed 0 '
}
chain hop_by_hop icmp 0
chain fragment_with_offset_0 udp 44
chain routing_and_authentication tcp 43 51
chain as_many_as_are_read icmp 60 60 60 60 60 60 60 60
chain one_of_each udp 0 60 43 44 60 51
