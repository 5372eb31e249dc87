#!/bin/bash
# Many targets behind Linux routers with the kernel's own limits, whose tokens
# do not go round: every table shows all hops, and those that the trace itself
# got no reply from are marked. At once as by the command, and in groups as by
# Nmap.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 3 || exit 1

COUNT=24
targets=
for ((i = 1; i <= COUNT; i++)); do
  lab_ip s address add "10.0.3.$((100 + i))/24" dev eth0
  targets="$targets 10.0.3.$((100 + i))"
done
tree_env "$TREE"

# whole: tables of which all three routers' rows have 10 of 10, and nothing is silent
whole() {
  local target hop good=0 want
  for target in $targets; do
    want=$(for hop in 1 2 3; do echo "$hop $(lab_addr 4 $hop) 0 10 10"; done)
    [ "$(show --host "$target" hops ip loss_percent sent received | head -n 3)" != "$want" ] || good=$((good + 1))
  done
  echo $good
}

# shellcheck disable=SC2086 # a list, to be split
trace deb12 --max-hostgroup 8 $targets
is nmap_every_table_is_whole "$(whole)" $COUNT
unlike nmap_no_hop_is_called_silent "$(cat "$XML")" 'not answer|no reply from hop'
at_most nmap_time "$TOOK" 60000

# shellcheck disable=SC2086 # a list, to be split
out=$("${ENV[@]}" ip netns exec "$LAB-c" timeout 100 "$TREE/scripts/mtr-trace" -n --asn off --os off \
  -w $targets </dev/null 2>&1)
is command_rows_of_routers "$(grep -cE '^[123] +10\.0\.[012]\.2 .* 0\.0% ' <<<"$out")" $((3 * COUNT))
is command_rows_without_reply "$(grep -cE '^[123] +\*' <<<"$out")" 0
# 240 replies at one a second from each router cannot all be the trace's own in this time.
like command_marks_what_is_taken_over "$out" '^[123] +10\.0\.[012]\.2 +0\.0% [a-z]*s '
like command_says_what_is_taken_over "$(tr -s '\n ' ' ' <<<"$out")" ' s: '
