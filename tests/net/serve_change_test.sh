#!/bin/bash
# The service while things change: a target that is down, another path, the
# targets file, and 1,000 slow clients; no probe is lost by them.

# shellcheck disable=SC2016,SC2034 # conditions are evaluated later, by wait_for

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 3 --no-rate-limit && lab_fork 1 2 no-rate-limit || exit 1
. "$TREE/tests/net/serve.sh"

lab_ip r1 route replace "$(lab_net 4 3)" via "$(lab_addr 4 2)" # one path
printf '%s packets=2 timeout=200ms\n' "$target" >"$S/targets"
serve -F "$S/targets" --every 1s --metrics-hops target
wait_for 'has mtr_trace_target_reached "" 1'
is hops_are_left_out_where_the_target_is_wanted \
  "$(get /metrics | sed -n 's/^mtr_trace_.*ttl="\([0-9a-z]*\)".*/\1/p' | sort -u)" target

get /metrics >"$S/up"
lab_rule s input icmp type echo-request drop
wait_for 'has mtr_trace_target_reached "" 0'
wait_for '[ "$(total lost target)" -ge 4 ] && echo yes'
is target_that_is_down_has_each_series "$(get /metrics | sed 's/ .*//' | grep target=)" \
  "$(sed 's/ .*//' "$S/up" | grep target=)"
lab_clear s
wait_for 'has mtr_trace_target_reached "" 1'
is down_and_up_again_is_no_path_change "$(value mtr_trace_path_changes_total)" 0

lab_ip r1 route replace "$(lab_net 4 3)" via "$(lab_fork_addr 4 1 1 2)"
wait_for 'has mtr_trace_path_changes_total "" 1'
like report_says_what_changed "$(get "/report/$target")" "hop 2: $(lab_fork_addr 4 1 1 2) instead of $(lab_addr 4 2)<br>Target: loss "

# ---- the file changes; many clients ----------------------------------------------

probes=$(total probes target)
printf '%s packets=2 timeout=200ms\nx y z\n%s:80 protocol=tcp packets=2 timeout=200ms\n' "$target" "$target" >"$S/new" && mv "$S/new" "$S/targets"
kill -HUP $SERVE
wait_for 'has mtr_trace_target_reached "protocol=\"tcp\"" 1 "$target:80"'
like sighup_reads_the_file_and_a_bad_line_is_a_warning "$(cat "$S/serve.err")" "warning: $S/targets:2: 'y': expected option=value"
is lines_that_cannot_be_used_are_counted "$(get /metrics | sed -n 's/^mtr_trace_targets_file_errors //p')" 1
at_least targets_that_stay_keep_their_counters "$(total probes target)" "$probes"

# Bounded by address: the flood's is 127.0.0.1, ours another one.
FROM=127.0.0.7
lost=$(total lost target) sent=$(total probes target)
lab_exec c lua5.4 "$TREE/tests/net/many_clients.lua" 9099 1000 2 >"$S/open" &
flood=$!
sleep 1
is others_are_served_while_1000_clients_are_slow "$(get /healthz)" ok
wait $flood
at_least a_client_has_no_more_connections_than_its_share 32 "$(cat "$S/open")"
wait_for '[ "$(total probes target)" -ge $((sent + 6)) ] && echo yes'
is slow_clients_lose_no_probe "$(total lost target)" "$lost"
is slow_clients_delay_no_reply "$(value mtr_trace_rtt_seconds_bucket 'ttl="target",le="0.1"')" \
  "$(value mtr_trace_rtt_seconds_bucket 'ttl="target",le="+Inf"')"
stop
is sigterm_while_it_traces_ends_it_with_0 "$RC" 0
