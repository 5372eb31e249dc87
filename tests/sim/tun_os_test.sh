#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Routers of several makers, simulated on a TUN device, before real Nmaps and
# the command: what each is taken for, label stacks and interface names.  No
# kernel sends such errors, and few can send labels at all.

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"
. "$TREE/tests/net/command.sh"
# shellcheck source=tests/sim/tun_lib.sh
. "$(dirname "$0")/tun_lib.sh"
find_flavours
needs_command

tun_up >"$LAB_SCRATCH/why" 2>&1 || {
  skip tun "no TUN device here: $(tail -n 1 "$LAB_SCRATCH/why")"
  exit 0
}

# told: systems, label stacks and interface names, a line a hop, parted by bars
told() { python3 -c '
import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print(row["hop"], row["os"], row["mpls"] or "-", row["interfaces"] or "-", sep="|")' "$LAB_SCRATCH/out"; }

QUIET=mtr-trace.packets=3,mtr-trace.http=off,mtr-trace.asn=off,mtr-trace.names=no
# shellcheck disable=SC2034 # named by family below
WANT4='1|Linux-based|-|-
2|Junos|299776 tc0 ttl1|-
3|Cisco IOS/XE or Huawei VRP?|-|-
4|Cisco IOS XR|-|-
5|Allied Telesis AlliedWare?|-|-
6|unknown|16 tc3 ttl254 / 17 tc0 ttl1|-
7|Huawei VRP?|-|incoming XGigabitEthernet0/0/1
8|Windows?|-|-'
# shellcheck disable=SC2034
WANT6='1|unknown|-|-
2|Juniper?|299776 tc0 ttl1|incoming xe-0/0/1.0
3|unknown|16 tc3 ttl254 / 17 tc0 ttl1|-
4|Huawei VRP?|-|incoming XGigabitEthernet0/0/1
5|unknown|-|-'

for family in 4 6; do
  world=tun_os$family want=WANT$family
  target=$(sed -n 's/^ *target = "\(.*\)",/\1/p' "$TREE/tests/sim/worlds/$world.lua")
  tun_world $world || {
    not_ok ${world}_runs "it does not"
    continue
  }
  for protocol in icmp udp; do
    cli -C -n -c 3 --asn off --http off --protocol $protocol --columns hop,os,mpls,interfaces "$target"
    is "${world}_command_$protocol" "$(told)" "${!want}"
    for flavour in $FLAVOURS; do
      trace "$flavour" "-$family" -v --script-args "$QUIET,mtr-trace.protocol=$protocol" "$target"
      is "${world}_${flavour}_$protocol" "$(show hops os)" "$(cut -d'|' -f1,2 <<<"${!want}" | tr '|' ' ')"
    done
  done
  tun_end "$LAB_SCRATCH/said"
done
