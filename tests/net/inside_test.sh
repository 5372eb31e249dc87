#!/bin/bash
# The engine inside each Nmap uses its own libdnet, not Nmap's: there the MTU
# of the loopback would read 196632.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 1 --no-rate-limit || exit 1
lab_ip c link set eth0 mtu 1400

for f in $FLAVOURS; do
  out=$(in_flavour "$f" c timeout 60 nmap --script "$(tree_of "$f")/tests/net/interfaces.nse" 2>&1)
  like "${f}_loopback_mtu" "$out" 'lo mtu 65536$'
  like "${f}_link_mtu" "$out" 'eth0 mtu 1400$'
  trace "$f" "$(lab_target 4)"
  is "${f}_mtu_of_the_way" "$(show get mtu)" 1400
done
