#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A NAT that puts nothing back, before routers that quote eight bytes, on a TUN
# device: the capture lets their errors through and each finds its trace, of
# every protocol, and with several flows.

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
. "$TREE/tests/net/command.sh"
# shellcheck source=tests/sim/tun_lib.sh
. "$(dirname "$0")/tun_lib.sh"
needs_command

tun_up >"$LAB_SCRATCH/why" 2>&1 || {
  skip tun_nat "no TUN device here: $(tail -n 1 "$LAB_SCRATCH/why")"
  exit 0
}
tun_world tun_nat || {
  not_ok tun_nat_runs "it does not"
  exit 1
}

WANT="1 10.0.1.1 0.0% 2 10.0.2.1 0.0% 3 10.0.3.1 0.0% 4 10.0.4.1 0.0% 5 10.0.5.1 0.0%"
hops() { awk '$1 ~ /^[1-5]$/ && /%/ { print $1, $2, $3 }' <<<"$OUT" | xargs; }
for protocol in icmp udp tcp; do
  cli -n --asn off --os off --http off -c 3 --protocol $protocol 10.9.0.2
  is "${protocol}_all_hops" "$(hops)" "$WANT"
  like "${protocol}_nat_is_told" "$OUT" '^NAT between hops 2 and 3: source address 203\.0\.113\.9 instead of 10\.0\.0\.1'
  if [ $protocol != tcp ]; then
    like "${protocol}_is_marked" "$OUT" '^A NAT rewrote the quotes of hops 3 to 5 and did not restore them: '
  else
    unlike tcp_has_its_identification "$OUT" '^A NAT rewrote'
  fi
done
for protocol in icmp udp; do
  cli -n --asn off --os off --http off -c 2 --flows 4 --protocol $protocol -C --columns hop,ip,loss,sent 10.9.0.2
  is "${protocol}_flows" "$(awk -F, '$0 ~ /,10\.0\.[345]\.1,/ && /,0(\.0*)?,8$/' <<<"$OUT" | wc -l)" 3
done
cli -n --asn off --os off --http off -c 1 -j -u 10.9.0.2
is json_marks "$(grep -o '"loose_quote": *true' <<<"$OUT" | wc -l)" 3
tun_end "$LAB_SCRATCH/said"
like all_was_delivered "$(cat "$LAB_SCRATCH/said")" ' failed 0 '
