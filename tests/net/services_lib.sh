# Sourced by tests: services by UDP in the lab. For start_dns behind lookup_lib.sh.
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
  dns_start s
}

# snmp_agent HOST LINE...: net-snmp's agent with these lines of configuration. It answers when its
# engine id, which is printed, is in its file.
snmp_agent() {
  local dir=$LAB_SCRATCH/snmp-$1 i id
  mkdir "$dir"
  printf '%s\n' 'agentAddress udp:161,udp6:161' "${@:2}" >"$dir/conf"
  lab_exec "$1" env SNMP_PERSISTENT_DIR="$dir" snmpd -C -c "$dir/conf" -Ln -p "$dir/pid" >/dev/null 2>&1
  for ((i = 0; i < 100; i++)); do
    id=$(sed -n 's/^oldEngineID 0x//p' "$dir/snmpd.conf" 2>/dev/null)
    [ -z "$id" ] || break
    sleep 0.1
  done
  echo "$id"
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
