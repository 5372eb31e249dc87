# shellcheck shell=bash
# Servers for the look-up tests and the benchmark, in the client's namespace
# of a public lab; to be sourced after lib.sh.  They end with the lab.

SERVERS=$TREE/tests/net/servers

# serve KIND PORT [DELAY_MS [ADDRESS]]: a server next to the client; returns
# when it listens.  It logs into $LAB_SCRATCH/KIND-PORT.log.
serve() {
  local name=$LAB_SCRATCH/$1-$2 line
  : >"$name.log"
  exec 4< <(lab_exec c lua5.4 "$SERVERS/serve.lua" "$1" "$2" "$name.log" "${@:3}" 2>&1)
  read -r -t 10 line <&4
  [ "$line" = ready ] || not_ok "server_$1_$2" "$line"
}

# lookup_servers: the IRRd on port 4301 and the bulk whois on 4302 that most
# look-up tests ask
lookup_servers() {
  serve irrd 4301 50
  serve bulk 4302 50
}

logged() { grep -c -- "$2" "$LAB_SCRATCH/$1.log"; } # KIND-PORT REGEX
forget() { : >"$LAB_SCRATCH/$1.log"; }

# zone KIND NAME: a zone about the path's addresses, for dns
zone() {
  local list
  list=$(lab_hops 4),$(lab_hops 6)
  # shellcheck disable=SC2086 # a list, to be split
  lua5.4 "$SERVERS/zones.lua" "$1" ${list//,/ } >"$DNS_DIR/$1" || not_ok "zone_$1" "cannot be written"
  printf 'zone:\n  name: %s\n  zonefile: %s\n' "$2" "$1" >>"$DNS_DIR/conf"
}

# fixed_zone NAME RECORD...: a zone with these records
fixed_zone() {
  local name=$1
  shift
  # shellcheck disable=SC2016 # a zone file's own variable
  printf '$TTL 60\n@ SOA ns.test. root.test. 1 60 60 60 60\n@ NS ns.test.\n' >"$DNS_DIR/$name"
  printf '%s\n' "$@" >>"$DNS_DIR/$name"
  printf 'zone:\n  name: %s\n  zonefile: %s\n' "$name" "$name" >>"$DNS_DIR/conf"
}

# dns_begin ADDRESS: the configuration of a DNS server, which zones follow
dns_begin() {
  DNS_DIR=$LAB_SCRATCH/nsd-$1
  mkdir "$DNS_DIR"
  cat >"$DNS_DIR/conf" <<END
server:
  ip-address: $1
  username: ""
  chroot: ""
  zonesdir: "$DNS_DIR"
  pidfile: "$DNS_DIR/pid"
  xfrdfile: ""
  zonelistfile: "$DNS_DIR/list"
  xfrdir: "$DNS_DIR"
  logfile: "$DNS_DIR/log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
END
}

# dns_start NODE: the DNS server of the last dns_begin there. It binds its port before it has read
# its zones, so it is asked until it answers.
dns_start() {
  local i address
  address=$(sed -n 's/^ *ip-address: \([0-9.]*\)$/\1/p' "$DNS_DIR/conf")
  lab_exec "$1" nsd -c "$DNS_DIR/conf"
  for ((i = 0; i < 50; i++)); do
    # shellcheck disable=SC2016 # for the shell inside
    [ "$(lab_exec "$1" bash -c 'exec 3<>/dev/udp/$1/53
      printf "\0\1\0\0\0\1\0\0\0\0\0\0\0\0\2\0\1" >&3
      timeout 1 dd bs=512 count=1 <&3 2>/dev/null | wc -c' - "${address/0.0.0.0/127.0.0.1}")" -eq 0 ] || return 0
    sleep 0.1
  done
  not_ok nsd "does not answer"
}

# lookup_zones: begins the configuration of a DNS server on 127.0.0.1 that knows
# the path's names; dns_up starts it
lookup_zones() {
  dns_begin 127.0.0.1
  zone v4 in-addr.arpa
  zone v6 ip6.arpa
}

dns_up() { dns_start c; }

# look FLAVOUR ARGUMENTS [NMAP OPTION...]: a trace, its XML in $XML
look() {
  trace "$1" --dns-servers 127.0.0.1 -d1 --script-args "$2" "${@:3}"
}

# plainly FLAVOUR ARGUMENTS [OPTION...]: what Nmap prints with -d1, in OUT; TOOK is
# how many milliseconds it gives for its scripts, without its own start
# shellcheck disable=SC2034 # used by the tests
plainly() {
  OUT=$(run_nmap "$1" c --dns-servers 127.0.0.1 -d1 --script-args "mtr-trace.packets=3,$2" "${@:3}" \
    "$(lab_target 4)" 2>&1)
  TOOK=$(sed -n 's/^Completed NSE at .*, \([0-9]*\)[.]\([0-9][0-9]\)s elapsed.*/\1\20/p' <<<"$OUT" |
    sort -n | tail -n 1)
  TOOK=${TOOK:-999999}
}

# rows: one line a hop, its ASN, organization
rows() { show hops asn organization; }

# What IRR and BGP together say of the path, as rows prints it.
# shellcheck disable=SC2034 # used by the tests
LOOKUP_ROWS="1 Private Private Network
2 AS3301 ACCESS-NET, SE
3 AS2914 TRANSIT-1, US
4 AS2915 CUSTOMER, US
5 AS6453/AS6461 TWIN-A, GB / TWIN-B, GB
6 AS7018 (irr AS1239) NEWHOLDER, US
7 AS6695 (irr) Exchange Point
8 - -
9 AS15133 EDGECAST, US"
