#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An uplink of 1 Mbit/s with a queue of 50 packets on a TUN device, before the
# command: eight flows lose nothing to each other, and no hop is taken for
# rate-limiting.

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
# shellcheck source=tests/sim/tun_lib.sh
. "$(dirname "$0")/tun_lib.sh"

tun_up >"$LAB_SCRATCH/why" 2>&1 || {
  skip tun_narrow "no TUN device here: $(tail -n 1 "$LAB_SCRATCH/why")"
  exit 0
}
tun_world tun_narrow || {
  not_ok tun_narrow_runs "it does not"
  exit 1
}
tree_env "$TREE"
lab_run "${ENV[@]}" timeout 60 ip netns exec "$LAB-c" lua5.4 "$TREE/scripts/mtr-trace" --no-config \
  --flows 8 --os off --asn off --http off -n -C --columns hop,loss,sent,received,rate_limited 10.9.0.2 \
  >"$LAB_SCRATCH/narrow" 2>&1
tun_end "$LAB_SCRATCH/said"
is eight_flows_on_1_mbit_lose_nothing "$(grep -c ',0\(\.0*\)\?,80,80,' "$LAB_SCRATCH/narrow")" 7
is eight_flows_on_1_mbit_meet_no_rate_limit "$(grep -ciE ',(yes|true|1)$' "$LAB_SCRATCH/narrow")" 0
like tun_narrow_all_was_delivered "$(cat "$LAB_SCRATCH/said")" '^probes [0-9]+ answers [0-9]+ failed 0 '
