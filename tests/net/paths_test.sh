#!/bin/bash
# Several paths through real routers: the graph, shares and identifiers beside
# the lab's truth, the bytes that balancers hash on the wire, loss on one
# branch, routers that rate limit, balancing per packet.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
find_flavours
last=${FLAVOURS##* }

graph() { net_lua graph.lua "$@" 2>&1; }

# truth FAMILY WIDTH: the links of 5 routers, where the second forks. Linux
# answers an IPv4 packet from the address towards its sender, so the router at
# which branches meet has one; over IPv6 one for each branch.
truth() {
  local k hop join
  for ((k = 0; k < $2; k++)); do
    local side=("$(lab_addr "$1" 3)" "$(lab_addr "$1" 4)")
    [ "$k" -eq 0 ] || side=("$(lab_fork_addr "$1" 1 $k 2)" "$(lab_fork_addr "$1" 2 $k 2)")
    join=${side[1]}
    [ "$1" = 6 ] || join=$(lab_addr 4 4)
    echo "2 $(lab_addr "$1" 2) ${side[0]}"
    echo "3 ${side[0]} $join"
    echo "4 $join $(lab_addr "$1" 5)"
  done
  for hop in 1 5; do echo "$hop $(lab_addr "$1" $hop) $(lab_addr "$1" $((hop + 1)))"; done
}

# graph_is NAME FILE FAMILY WIDTH: links, and with them addresses
graph_is() { is "$1" "$(graph "$2" links)" "$(truth "$3" "$4" | LC_ALL=C sort -u)"; }

# shares_are NAME FILE FAMILY WIDTH: all of a hop's near an even share
shares_are() {
  local low=$((100 / $4 / 3)) high=$((100 / $4 + 28))
  is "$1" "$(graph "$2" shares | awk -v l=$low -v h=$high '$1 == 3 && $3 > l && $3 < h' | wc -l)" "$4"
}

json() { # [OPTION...]: of the command, to JSON
  cli -n --asn off -c 3 -j "$@"
  JSON=$LAB_SCRATCH/out
}

script() { # FLAVOUR FAMILY ARGS
  trace "$1" "-$2" --script-args "mtr-trace.asn=off,mtr-trace.packets=3,$3" "$(lab_target "$2")"
}

widths() { # WIDTH
  local f family ids
  for family in 4 6; do
    json --paths 99 -u "$(lab_target $family)"
    graph_is "command_v${family}_width_$1" "$JSON" $family "$1"
    shares_are "command_v${family}_width_$1_shares" "$JSON" $family "$1"
    ids=$(graph "$JSON" ids)
    is "command_v${family}_width_$1_paths" "$(wc -l <<<"$ids")" "$1"
    f=deb12
    [ $family = 4 ] || f=$last
    script "$f" $family mtr-trace.paths=99,mtr-trace.protocol=udp
    graph_is "${f}_v${family}_width_$1" "$XML" $family "$1"
    shares_are "${f}_v${family}_width_$1_shares" "$XML" $family "$1"
    is "${f}_v${family}_width_$1_same_identifiers" "$(graph "$XML" ids)" "$ids"
  done
}

tracelb_of() { # FAMILY
  lab_exec c scamper -p 1000 -O text -c 'tracelb -P udp-sport -c 99 -q 2 -w 1 -W 15' \
    -i "$(lab_target "$1")" >"$LAB_SCRATCH/tracelb$1" 2>/dev/null </dev/null
}

# scamper waits 150 ms behind each probe, so it works beside the others.
start_tracelb() {
  local family
  tracelb=
  for family in 4 6; do
    command -v scamper >/dev/null || return
    tracelb_of $family &
    tracelb="$tracelb $!"
  done
}

# With 99 %, and where its probes are lost beside other work, scamper misses a link now and then; it finds none that we
# lack. Some runs of scamper print nothing, and are made again.
compare_tracelb() { # WIDTH
  local family try
  # shellcheck disable=SC2086 # a list
  [ -z "$tracelb" ] || wait $tracelb
  for family in 4 6; do
    if [ -n "$tracelb" ]; then
      for ((try = 0; try < 3; try++)); do
        [ -s "$LAB_SCRATCH/tracelb$family" ] || tracelb_of $family
      done
      json --paths 99 -u "$(lab_target $family)"
      is "tracelb_v${family}_width_$1_finds_no_more" "$(LC_ALL=C comm -13 \
        <(graph "$JSON" links | cut -d' ' -f2- | LC_ALL=C sort) \
        <(graph "$LAB_SCRATCH/tracelb$family" links | cut -d' ' -f2- | LC_ALL=C sort))" ""
    else
      skip "tracelb_v${family}_width_$1_finds_no_more" "scamper is not installed"
    fi
  done
}

# ---- width 2 -----------------------------------------------------------------

lab_up --routers 5 --no-rate-limit || exit 1
lab_fork 2 2 no-rate_limit || exit 1
t4=$(lab_target 4)

start_tracelb
widths 2
script "$last" 4 mtr-trace.flows=16,mtr-trace.protocol=tcp
ids=$(graph "$XML" ids)
graph_is flows_16_tcp "$XML" 4 2
is flows_16_tcp_shares_are_counted "$(graph "$XML" shares)" "$(graph "$XML" counted)"
script "$last" 4 mtr-trace.flows=16,mtr-trace.protocol=tcp
is flows_16_tcp_twice "$(graph "$XML" ids)" "$ids"
# This kernel's balancer knows no flows of ICMP: one path, whatever the checksum.
json --paths 95 "$t4"
is icmp_has_one_path "$(graph "$JSON" ids | wc -l) $(graph "$JSON" links | wc -l)" "1 5"

compare_tracelb 2

# wire PROTOCOL FAMILY: 4 flows are 4 sets of hashed bytes, each at all TTLs
wire() {
  local pcap=$LAB_SCRATCH/wire.pcap sent sets
  # A TTL of 64 is the kernel's, which resets what a SYN has opened.
  watch /dev/null "dst host $(lab_target "$2") and ((ip and ip[8] < 64) or (ip6 and ip6[7] < 64))" -s 128 -w "$pcap"
  tree_env "$TREE"
  sent=$(lab_exec c "${ENV[@]}" lua5.4 "$TREE/tests/net/flows.lua" "$(lab_target "$2")" "$1" 4 2>&1)
  watched
  sets=$(net_lua hashed.lua "$pcap" 2>&1)
  is "wire_$1_v$2_flows" "$(wc -l <<<"$sets")" 4
  is "wire_$1_v$2_all_probes" "$(awk '{ n += $2 } END { print n }' <<<"$sets")" "$sent"
  is "wire_$1_v$2_all_hops" "$(awk '$3 >= 6' <<<"$sets" | wc -l)" 4
}
for protocol in icmp udp tcp; do
  for family in 4 6; do
    wire $protocol $family
  done
done

# Loss on one branch is that branch's alone; by the luck of the draw more may be
# lost farther on, but where it begins is always possible.
busiest_branch 3 16
lab_rule "$BRANCH" forward iifname up ip ttl '<' 20 numgen random mod 4 0 drop
cli -n --asn off -c 10 --flows 16 -j -u "$t4"
JSON=$LAB_SCRATCH/out
verdicts=$(graph "$JSON" verdicts)
like loss_names_the_branch "$verdicts" "^branch_loss.3.Round-trip loss only (seems to be )?through ${BRANCH_AT//./\\.} \
\(hop 3; [0-9]+ of 16 flows\), first visible at hop (4:|[456] \(4 to [456] possible\):) "
is loss_names_no_other "$(grep -c loss <<<"$verdicts")" 1
unlike loss_not_told_of_all "$verdicts" '^cannot_tell'
lab_clear "$BRANCH"

# Each packet on the other way.
per_packet() { # FAMILY
  local net
  net=$(lab_net "$1" 5)
  lab_ip r2 "-$1" rule add fwmark 1 lookup 101 &&
    lab_ip r2 "-$1" route add "$net" via "$(lab_fork_addr "$1" 1 1 2)" table 101 &&
    lab_ip r2 "-$1" route replace "$net" via "$(lab_addr "$1" 3)"
}
per_packet 4 && per_packet 6 && lab_exec r2 nft -f - <<END
table inet mtl {
  chain before {
    type filter hook prerouting priority -150
    iifname up meta mark set numgen random mod 2
  }
}
END
for family in 4 6; do
  json --paths 95 -c 20 -u "$(lab_target $family)"
  like "per_packet_v${family}_is_told" "$(graph "$JSON" verdicts)" '^balanced_per_packet'
  like "per_packet_v${family}_in_the_graph" "$(graph "$JSON" per_packet)" '^3$'
  is "per_packet_v${family}_no_invented_link" \
    "$(comm -23 <(graph "$JSON" links) <(truth $family 2 | LC_ALL=C sort -u))" ""
done
lab_down

# ---- width 4 -----------------------------------------------------------------

lab_up --routers 5 --no-rate-limit || exit 1
lab_fork 2 4 no-rate_limit || exit 1
start_tracelb
widths 4
compare_tracelb 4
lab_down

# ---- routers that rate limit -------------------------------------------------------

lab_up --routers 5 || exit 1
lab_fork 2 2 || exit 1
twice=
for run in first second; do
  script "$last" 4 mtr-trace.flows=10,mtr-trace.protocol=udp
  is "rate_limited_no_loss_$run" "$(show hops loss_percent | awk '$2 != 0')" ""
  is "rate_limited_reached_$run" "$(show get reached target_ttl)" "true 6"
  graph_is "rate_limited_graph_$run" "$XML" 4 2
  ids=$(graph "$XML" ids)
  [ "$run" = first ] || is rate_limited_same_identifiers "$ids" "$twice"
  twice=$ids
done
