#!/bin/bash
# A resolver that cannot be reached, behind routers with the kernel's own
# limits: each query takes a token of the first one, and still no hop shows
# loss that is not there. No question is sent when nobody waits for its answer
# any more, and none at all once the resolver is known to be silent.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 4 --public || exit 1
use_resolver 10.255.255.53
queries=$LAB_SCRATCH/queries

# most KIND: how often a name was asked for at most
most() { sed -n "s/.* $1? \([^ ]*\).*/\1/p" "$queries" | sort | uniq -c | awk '$1 > most { most = $1 } END { print most }'; }

# silent NAME FAMILY SERVERS: a run. libunbound may find that all servers are dead before it has
# asked each of them for each network.
silent() {
  watch "$queries" "udp port 53" -n -l -tt
  cli -C --columns hop,loss,sent,received -c 10 "$(lab_target "$2")"
  watched
  is "$1_no_loss" "$(columns hop loss_percent sent received)" "$(printf '%d|0|10|10\n' 1 2 3 4 5)"
  is "$1_each_server_is_asked_for_a_name_once" "$(most PTR)" "$3"
  at_most "$1_for_a_network_twice" "$(most TXT)" $((2 * $3))
  at_most "$1_for_an_address_once" "$(most A)" "$3"
  at_most "$1_then_nothing_is_asked" \
    "$(awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%d", 1000 * (last - first) }' "$queries")" $((4000 + 2000 * $3))
}

silent v4 4 1
silent v6 6 1

# One question for each of two servers; the domain is not tried for names that have one.
printf 'nameserver 10.255.255.54\nsearch a.example b.example\n' >>"$LAB_SCRATCH/resolv.conf"
silent two_servers 4 2
unlike two_servers_no_domain "$(cat "$queries")" 'example'
