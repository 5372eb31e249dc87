#!/bin/bash
# Real routers with the kernel's own limits (a burst, then one ICMP error a
# second): no hop shows loss that is not there, and it takes bounded time. The
# first router has fewer tokens than the others: the resolver is out of reach.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 8 || exit 1
last=${FLAVOURS##* }
t4=$(lab_target 4) t6=$(lab_target 6)

# honest NAME FAMILY PACKETS SECONDS: every hop of the path, all counted, no loss
honest() {
  local hop want
  want=$(for ((hop = 1; hop <= 9; hop++)); do echo "$hop $(lab_addr "$2" $hop) 0 $3 $3"; done)
  is "$1_no_loss" "$(show hops ip loss_percent sent received)" "$want"
  is "$1_reached" "$(show get reached target_ttl)" "true 9"
  at_most "$1_time" "$TOOK" $(($4 * 1000))
}

trace deb12 "$t4"
honest full_buckets 4 10 24
trace "$last" "$t4"
honest empty_buckets 4 10 24
trace deb12 --script-args mtr-trace.packets=5 "$t4"
honest packets_5 4 5 19
trace "$last" -6 "$t6"
honest v6 6 10 24

# The destination rate-limits its port unreachables like a router, and there is
# nothing behind it to compare with.
trace deb12 --script-args mtr-trace.protocol=udp "$t4"
honest udp 4 10 24

# Two targets through the same routers.
lab_ip s address add 10.0.8.77/24 dev eth0
trace deb12 "$t4" 10.0.8.77
both=$XML
honest two_targets 4 10 24
is two_targets_second "$(XML=$both show --host 10.0.8.77 hops loss_percent sent received | tail -n 1)" "9 0 10 10"
