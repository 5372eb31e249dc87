#!/bin/bash
# The service on real routers: first scrape, pages, counters against rows, a
# trace for one request, a web server, and its end.

# shellcheck disable=SC2016,SC2034 # conditions are evaluated later, by wait_for

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 3 --no-rate-limit && lab_fork 1 2 no-rate-limit || exit 1
. "$TREE/tests/net/serve.sh"

# ---- first scrape, pages, rows ------------------------------------------------

# The rows that are counted, summed: of the target, and of each TTL before it.
row_sums() {
  jq -rs 'map(select(.first and (.silent | not) and (.untested | not)))
    | group_by([.protocol, if .is_target then "target" else (.ttl | tostring) end])[]
    | "\(.[0].protocol) \(if .[0].is_target then "target" else .[0].ttl end) \(map(.sent) | add) \(map(.received) | add)"' "$1" | sort
}
metric_sums() {
  sed -n 's/^mtr_trace_\(probes\|replies\)_total{.*protocol="\([a-z]*\)".*ttl="\([0-9a-z]*\)"} \(.*\)/\2 \3 \1 \4/p' "$1" |
    sort | awk '$3 == "probes" { p = $4 } $3 == "replies" { print $1, $2, p, $4 }' | sort
}

lab_ip r1 route replace "$(lab_net 4 3)" via "$(lab_addr 4 2)" # one path
lab_loss 2 20
printf '%s team=web packets=10 timeout=200ms\nbad/word\n%s protocol=udp packets=10 timeout=200ms # by UDP\n' "$target" "$target" >"$S/targets"
serve -F "$S/targets" --every 1s --rows hops --rows-to "$S/rows"
get /metrics >"$S/first"
is scraped_before_the_first_round_each_family_is_there \
  "$(for name in $(LUA_PATH_5_4="$TREE/nse/?.lua" lua5.4 -e 'local f = require "mtrtrace.service.families"
    for _, row in ipairs(f.all()) do print(f.series(row)) end'); do
    grep -q "^$name\(_count\)\?[{ ]" "$S/first" || echo "$name"
  done)" ""
is scraped_before_the_first_round_nothing_is_counted \
  "$(sed -n 's/^mtr_trace_probes_total{.*ttl="target"} //p' "$S/first" | sort -u)" 0
like bad_line_is_one_warning "$(cat "$S/serve.err")" "^mtr-trace: warning: $S/targets:2: 'bad/word': expected a host name"
wait_for 'get /readyz | grep ready'
is ready_is_200 "$(get /readyz -o /dev/null -w '%{http_code}')" 200

if command -v promtool >/dev/null; then
  is promtool_has_nothing_to_say "$(get /metrics | promtool check metrics 2>&1)" ""
  is promtool_has_nothing_to_say_of_probe "$(get "/probe?target=$target&module=tcp" | promtool check metrics 2>&1)" ""
else
  skip promtool "prometheus is not installed"
fi
like openmetrics_where_it_is_asked_for "$(get /metrics -H 'Accept: application/openmetrics-text;version=1.0.0' -i)" \
  '^Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8'
like openmetrics_has_an_end "$(get /metrics -H 'Accept: application/openmetrics-text;version=1.0.0' | tail -1)" '^# EOF$'
is gzip_is_the_same_page "$(get /metrics -H 'Accept-Encoding: gzip' | gzip -dc | grep -c '^# TYPE')" \
  "$(grep -c '^# TYPE' "$S/first")"
like report_is_a_page "$(get "/report/$target?protocol=udp")" '<title>Path to .*</title>'
like list_has_the_targets "$(get /)" "<a href=\"report/${target//./\\.}\\?protocol=udp\">"
is unknown_pages_are_404 "$(get /nothing -o /dev/null -w '%{http_code}')" 404
is unknown_modules_are_400 "$(get "/probe?target=$target&module=x" -o /dev/null -w '%{http_code}')" 400
wait_for '[ "$(get /metrics | sed -n "s/^mtr_trace_rounds_total //p")" -ge 4 ] && echo yes'
before=1 after=0
while [ "$before" != "$after" ]; do
  before=$(stat -c %s "$S/rows")
  get /metrics >"$S/page"
  after=$(stat -c %s "$S/rows")
done
head -c "$after" "$S/rows" >"$S/rows.counted" # more may have come since
is counters_are_the_sums_of_the_rows "$(metric_sums "$S/page")" "$(row_sums "$S/rows.counted")"
stop
is sigterm_ends_it_with_0 "$RC" 0
is rows_end_with_a_whole_line "$(tail -c 1 "$S/rows" | od -An -c | tr -d ' ')" '\n'
lab_clear r2

# ---- one trace for a request; a web server; options --------------------------------

serve "http://$target/" "$target" --every 1h -c 2 --rtt-buckets 1us,1s
wait_for 'get /readyz | grep ready'
like web_server_of_a_url_is_measured "$(value mtr_trace_ttfb_seconds 'phase="total"' "http://$target/")" '^0\.0*[1-9]'
is web_server_of_another_target_is_not "$(value mtr_trace_ttfb_seconds 'phase="total"')" 0
is buckets_are_those_that_were_given "$(get /metrics | sed -n 's/.*_bucket{.*le="\(.*\)".*/\1/p' | sort -u | tr '\n' ' ')" '+Inf 1.0 1e-06 '
like probe_traces_for_a_request "$(get "/probe?target=$target&module=udp4")" '^probe_success 1$'
like probe_of_a_name_that_is_not_there_fails "$(get "/probe?target=10.255.255.1&module=icmp" -H 'X-Prometheus-Scrape-Timeout-Seconds: 2')" \
  '^probe_success 0$'
is probes_are_no_targets "$(get /metrics | grep -c 10.255.255.1)" 0
cli --serve :9099
is port_that_is_taken_is_2 "$RC" 2
like port_that_is_taken_is_named "$ERR" '^mtr-trace: --serve: cannot listen on 127\.0\.0\.1 port 9099: Address already in use'
stop

# ---- names -----------------------------------------------------------------------

router=$(lab_addr 4 2)
printf '%s two.lab\n%s two.lab\n' "$target" "$router" >"$S/hosts"
serve two.lab --all-addresses --every 1h -c 1 --resolve-every 1s
wait_for 'has mtr_trace_target_reached "" 1 "two.lab ($target)"'
wait_for 'get "/report/two.lab%20($router)" | grep "Reached at hop 2"'
is every_address_of_a_name_is_a_target "$(get /metrics | sed -n 's/^mtr_trace_target_reached{target="\([^"]*\)".*/\1/p' | sort)" \
  "$(printf 'two.lab (%s)\n' "$target" "$router" | sort)"
echo "$target two.lab" >"$S/hosts"
wait_for '[ "$(get /metrics | sed -n "s/^mtr_trace_targets //p")" = 1 ] && echo yes'
like an_address_that_the_name_has_no_more_is_gone "$(get /metrics)" "^mtr_trace_target_reached\{target=\"two.lab \\($target\\)\".*\} 1"
stop
cli --serve :9099 -F "$S/nothing"
is file_that_is_not_there_is_2 "$RC" 2
