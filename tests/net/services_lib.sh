# Sourced by tests behind lookup_lib.sh: services by UDP on the lab's target.
# shellcheck shell=bash

# listens PORT: waits until a server has this UDP port; 1 if none comes
listens() {
  local i
  for ((i = 0; i < 100; i++)); do
    ! lab_exec s ss -Hlun "sport = :$1" | grep -q . || return 0
    sleep 0.1
  done
  return 1
}

# A DNS server that knows www.example, over IPv4 and IPv6.
start_dns() {
  dns_begin 0.0.0.0
  printf '  ip-address: ::0\n' >"$LAB_SCRATCH/more"
  sed -i "/ip-address/r $LAB_SCRATCH/more" "$DNS_DIR/conf"
  zone example example 'www A 192.0.2.1'
  lab_exec s nsd -c "$DNS_DIR/conf"
}

# only_udp PORT...: a firewall that lets nothing but these in, and no ICMP out
only_udp() {
  local ports="$*"
  lab_exec s nft -f - <<END
table inet mtl {
  chain input {
    type filter hook input priority filter; policy drop
    iif lo accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    udp dport { ${ports// /, } } accept
  }
}
END
}
