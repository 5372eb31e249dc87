#!/bin/bash
# Sixteen targets behind one path in one run of Nmap: all right, hardly slower
# than one, by one capture.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 4 --no-rate-limit || exit 1

# The server's own address and fifteen further ones of it.
targets=$(lab_target 4)
for i in {1..15}; do
  lab_ip s address add "10.0.4.$((100 + i))/24" dev eth0
  targets="$targets 10.0.4.$((100 + i))"
done

captures() { lab_exec c sed 1d /proc/net/packet | wc -l; }

# Looks while the trace runs, until it is over; prints the largest number.
watch_captures() {
  local most=0 now
  while [ -e "$LAB_SCRATCH/running" ]; do
    now=$(captures)
    [ "$now" -le "$most" ] || most=$now
    sleep 0.1
  done
  echo "$most"
}

trace deb12 "$(lab_target 4)"
one=$TOOK
for f in $FLAVOURS; do
  touch "$LAB_SCRATCH/running"
  exec 3< <(watch_captures)
  # shellcheck disable=SC2086 # a list, to be split
  trace "$f" $targets
  rm "$LAB_SCRATCH/running"
  is "${f}_one_capture" "$(cat <&3)" 1
  good=0
  for target in $targets; do
    hops=$(lab_hops 4 4),$target
    out=$(compare x host="$target" hops="$hops")
    if grep -q '^not ok' <<<"$out"; then
      not_ok "${f}_$target" "$(grep '^not ok' <<<"$out" | xargs)"
    else
      good=$((good + 1))
    fi
  done
  is "${f}_all_right" $good 16
  at_most "${f}_time" "$TOOK" $((one + 4000))
done

# Other protocols at once with a wide choice of targets: routers and the server.
# shellcheck disable=SC2046 # a list, to be split
trace deb12 --script-args mtr-trace.protocol=udp $(lab_hops 4 | tr , ' ')
for hop in 1 2 3 4 5; do
  is "udp_to_hop_$hop" "$(show --host "$(lab_addr 4 $hop)" get reached target_ttl)" "true $hop"
done
