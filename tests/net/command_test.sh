#!/bin/bash
# The command mtr-trace on real routers: reports, names and networks, exit
# status, many targets.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 4 --no-rate-limit || exit 1

for family in 4 6; do
  cli -n -c 5 "$(lab_target $family)"
  is "report_v${family}_hops" "$(awk '$1 ~ /^[0-9]+$/ { print $1, $2, $3, $4, $5 }' <<<"$OUT" | xargs)" \
    "$(for hop in 1 2 3 4 5; do echo "$hop $(lab_addr $family $hop) 0.0% 5 5"; done | xargs)"
  is "report_v${family}_reached" "$RC $ERR" "0 "
done

cli -n --asn off -c 2 "$(lab_addr 4 3)" nosuch.invalid "$(lab_addr 4 2)"
is several_targets_in_their_order "$(grep ^Target <<<"$OUT" | xargs)" \
  "Target: $(lab_addr 4 3) Target: $(lab_addr 4 2)"
is unknown_host_is_not_reached $RC 1
like unknown_host_is_one_line "$ERR" '^mtr-trace: nosuch\.invalid: '
is unknown_host_is_all_that_is_said "$(wc -l <<<"$ERR")" 1
