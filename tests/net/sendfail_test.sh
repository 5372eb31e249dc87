#!/bin/bash
# Probes that do not leave this host are send errors, never loss: refused by its
# own filter, dropped by its own queue, or without an interface.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 3 --no-rate-limit || exit 1
last=${FLAVOURS##* }
t4=$(lab_target 4)

# no_loss NAME SEND-ERROR: all that was sent was answered, some was not sent, and
# that is said
no_loss() {
  is "$1_no_loss" "$(show hops received sent loss_percent | awk '$2 != $3 || $2 < 1 || $4 != 0')" ""
  at_least "$1_send_errors" "$(show sum send_errors)" 1
  is "$1_target" "$(show get reached target_ttl)" "true 4"
  like "$1_note" "$(show notes)" "^[0-9]+ probes could not be sent \\($2\\); not counted as loss\\.$"
  is "$1_duplicates" "$(show sum duplicates)" 0
}

lab_rule c output icmp type echo-request numgen inc mod 3 0 drop
trace deb12 "$t4"
no_loss own_filter 'Operation not permitted'
lab_clear c
lab_rule c output icmpv6 type echo-request numgen inc mod 3 0 drop
trace "$last" -6 "$(lab_target 6)"
no_loss own_filter_v6 'Operation not permitted'
lab_clear c

# All of them: there is an end, and not one hop is blamed.
lab_rule c output icmp type echo-request drop
trace "$last" "$t4"
is nothing_leaves_ends "$(show get reached ending)" "false silent"
is nothing_leaves_no_loss "$(show sum sent) $(show sum total_sent) $(show hops loss_percent | cut -d' ' -f2 | sort -u)" "0 0 -"
at_most nothing_leaves_time "$TOOK" 10000
lab_clear c

# Behind the socket, at the interface: where the kernel tells, and where only
# the capture can.
if lab_exec c nft -f - 2>/dev/null <<'END'; then
add table netdev mtl
add chain netdev mtl out { type filter hook egress device eth0 priority 0; }
add rule netdev mtl out icmp type echo-request numgen inc mod 3 0 drop
END
  trace deb12 "$t4"
  no_loss behind_the_socket 'No buffer space available'
  lab_exec c nft delete table netdev mtl
else
  skip behind_the_socket "no egress hook in this kernel"
fi

if lab_exec c tc qdisc add dev eth0 root tbf rate 256kbit burst 100 limit 300 2>/dev/null; then
  for family in 4 6; do
    trace deb12 -$family "$(lab_target $family)"
    no_loss full_queue_v$family 'No buffer space available'
  done
  lab_exec c tc qdisc del dev eth0 root
  lab_exec c tc qdisc add dev eth0 root handle 1: tbf rate 256kbit burst 100 limit 2000 &&
    lab_exec c tc qdisc add dev eth0 parent 1:1 pfifo_head_drop limit 4
  trace "$last" "$t4"
  no_loss queue_that_drops_in_silence 'dropped on this host before it reached the wire'
  lab_exec c tc qdisc del dev eth0 root
else
  skip full_queue "no tbf in this kernel"
fi

# down_after COUNT: the interface goes down in the middle, behind so many probes;
# a run of this length finds each hop's pace first, with some 24 probes a hop.
down_after() {
  count_sent any ip daddr "$t4"
  { until_sent any "$1" && lab_ip c link set eth0 down; } &
  trace deb12 --script-args mtr-trace.packets=50 "$t4"
  wait
  count_no_more
}

# back_up: with the routes that went away
back_up() { lab_ip c link set eth0 up && lab_routes 0 4 | lab_ip c -batch -; }

for when in before:50 in:180; do
  name=down_${when%:*}_the_sample
  down_after "${when#*:}"
  is "${name}_path" "$(show hops ip | xargs)" "1 10.0.0.2 2 10.0.1.2 3 10.0.2.2 4 10.0.3.2"
  like "${name}_note" "$(show notes)" '^[0-9]+ probes could not be sent \(.*\); not counted as loss\.$'
  unlike "${name}_is_no_loss" "$(show text)" '(Round-trip loss|not answer)|[1-9][.0-9]*%'
  at_most "${name}_time" "$TOOK" 20000
  [ "$name" = down_in_the_sample ] || back_up
done
is down_in_the_sample_no_loss "$(show hops loss_percent | cut -d' ' -f2 | sort -u)" 0
is down_in_the_sample_adds_up "$(show hops sent received | awk '$2 != $3 || $2 < 5 || $2 >= 50')" ""
trace deb12 "$t4"
like down_from_the_start "$(show text)" '^ERROR: no route to '
