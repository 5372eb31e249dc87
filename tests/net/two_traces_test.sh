#!/bin/bash
# Two programs trace through the same routers with the kernel's own limits (one
# bucket for this host): each takes tokens that the other would have got, and
# neither calls that loss on the path.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/command.sh"
needs_command
lab_up --routers 4 || exit 1

# run NAME: one of the two, its report as JSON
run() {
  in_client timeout 120 "$TREE/scripts/mtr-trace" -j -n --asn off --os passive --http off -c 10 \
    "$(lab_target 4)" >"$LAB_SCRATCH/$1" 2>"$LAB_SCRATCH/$1.err" </dev/null
}

for wait in 0 3; do
  run "first_$wait" &
  first=$!
  sleep "$wait"
  run "second_$wait"
  status=$?
  is "second_${wait}_status" "$status" 0
  wait "$first"
  is "first_${wait}_status" "$?" 0
  for which in first second; do
    out=$(cat "$LAB_SCRATCH/${which}_$wait")
    like "${which}_${wait}_reached" "$out" '"reached":true'
    is "${which}_${wait}_false_loss" "$(grep -c '"kind":"\(branch_\)\?loss"' <<<"$out")" 0
  done
done
