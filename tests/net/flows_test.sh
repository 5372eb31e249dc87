#!/bin/bash
# Recordings and the classic view of several flows: a replay prints what the
# run printed, in every format, also of a run that was interrupted.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 4 --no-rate-limit || exit 1
lab_fork 1 3 no-rate_limit || exit 1
dir=$LAB_SCRATCH
t4=$(lab_target 4)

# replayed NAME ARG...: a run by each format, and its recording
replayed() {
  local name=$1 format
  shift
  for format in report json csv xml markdown dot mermaid classic; do
    cli -n --asn off --$format --record "$dir/rec" --html "$dir/run.html" "$@"
    cp "$dir/out" "$dir/run"
    is "${name}_$format" "$RC $ERR" "0 "
    cli -n --asn off --$format --replay "$dir/rec" --html "$dir/again.html"
    is "${name}_${format}_replayed" "$RC $ERR$(cmp "$dir/run" "$dir/out" 2>&1)" "0 "
    is "${name}_${format}_page_replayed" "$(cmp "$dir/run.html" "$dir/again.html" 2>&1)" ""
  done
  cli -n --asn off --ndjson --record "$dir/rec" "$@"
  is "${name}_record_is_the_event_stream" "$(cmp "$dir/rec" "$dir/out" 2>&1)" ""
  cli --ndjson --replay "$dir/rec"
  is "${name}_stream_replayed" "$RC $ERR$(cmp "$dir/rec" "$dir/out" 2>&1)" "0 "
}
replayed paths_v6 --paths 95 --pmtu -u -6 -c 2 "$(lab_target 6)"
replayed flows_v4 --flows 5 --tcp -c 2 "$t4"

cli -n --asn off --ndjson --flows 5 -u -c 2 "$t4"
is events_have_their_flow "$(grep -E '^\{"kind":"(sent|reply|done)"' <<<"$OUT" |
  grep -o '"flow":[0-9]*' | sort -u | grep -o '[0-9]*' | xargs)" "0 1 2 3 4"
is events_are_in_the_order_of_time "$(grep -o '"time":"[^"]*"' <<<"$OUT" | sort -c 2>&1)" ""
is flows_are_told_at_the_start "$(grep -o '"source_port":[0-9]*' <<<"$(grep '"kind":"start"' <<<"$OUT")" |
  sort -u | wc -l)" 5

# A branch that loses is named in the replay too.
busiest_branch 2 12
lab_rule "$BRANCH" forward iifname up ip ttl '<' 20 numgen random mod 4 0 drop
cli -n --asn off -c 10 --flows 12 -u --record "$dir/rec" "$t4"
cp "$dir/out" "$dir/run"
like loss_names_the_branch "$OUT" "^Round-trip loss only (seems to be )?through ${BRANCH_AT//./\\.} "
cli -n --asn off --replay "$dir/rec"
is loss_replayed "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
lab_clear "$BRANCH"

# Stopped in the middle: the figures are those of the events that were told.
for more in --flows=6 --paths=95; do
  in_client timeout -s INT 1.5 "$TREE/scripts/mtr-trace" -n --asn off -u -c 1000 "$more" \
    --record "$dir/rec" "$t4" >"$dir/run" 2>"$dir/err" </dev/null
  cli -n --asn off --replay "$dir/rec"
  is "interrupted_${more//[^a-z]/}_replayed" "$(cmp "$dir/run" "$dir/out" 2>&1)" ""
done

# ---- the classic view ----------------------------------------------------------

# TTL, address and number of times of each line
lines() { awk 'NR > 1 { ttl = /^ *[0-9]+ / ? $1 : "-"; at = ttl == "-" ? 1 : 2
  print ttl, $at, gsub(" ms", "") }' <<<"$OUT"; }
cli -n --asn off --classic --flows 12 -u "$t4"
like classic_title "$(head -n 1 <<<"$OUT")" ', 40 byte packets, 12 flows$'
is classic_times_of_every_flow "$(lines | awk '{ if ($1 != "-") hop = $1; n[hop] += $3 }
  END { for (h = 1; h <= 5; h++) print h, n[h] }' | xargs)" "1 12 2 12 3 12 4 12 5 12"
is classic_addresses_of_the_fork "$(lines | awk '$1 != "-" { hop = $1 } hop == 2 { print $2 }' | sort | xargs)" \
  "$(printf '%s\n' "$(lab_addr 4 2)" "$(lab_fork_addr 4 1 1 2)" "$(lab_fork_addr 4 1 2 2)" | sort | xargs)"
cli -n --asn off --classic "$t4"
is classic_of_one_flow_has_three_times "$(lines | awk '{ print $1, $3 }' | xargs)" "1 3 2 3 3 3 4 3 5 3"
