#!/bin/bash
# The service on real routers: first scrape, counters against rows, a target
# that is down, a changed path, a targets file that changes, slow clients and
# many of them while it measures, and its end.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
LUA_CPATH_5_4="$TREE/build/lua5.4/?.so" lua5.4 -e 'require "mtrtrace.httpd"' 2>/dev/null || {
  skip serve_test.sh "built without libmicrohttpd"
  exit 0
}
lab_up --routers 3 --no-rate-limit && lab_fork 1 2 no-rate-limit || exit 1
target=$(lab_target 4)
S=$LAB_SCRATCH

# serve ARG...: starts the service in the client; its id in SERVE
serve() {
  tree_env "$TREE"
  "${ENV[@]}" ip netns exec "$LAB-c" "$TREE/scripts/mtr-trace" --serve :9099 -n --asn off "$@" \
    2>"$S/serve.err" >"$S/serve.out" </dev/null &
  SERVE=$!
  wait_for 'get /healthz'
}

# get PATH [CURL OPTION...]
get() { lab_exec c curl -s -m 20 "${@:2}" "http://127.0.0.1:9099$1"; }

# wait_for COMMAND [TENTHS]: until it succeeds and says something; its end is an error
wait_for() {
  local i
  for ((i = 0; i < ${2:-150}; i++)); do
    [ -n "$(eval "$1")" ] && return 0
    sleep 0.1
  done
  not_ok "wait_for_$1" "nothing; $(tail -n 3 "$S/serve.err")"
  return 1
}

# value NAME [LABELS]: of the series, its labels matched as text
value() { get /metrics | grep -F -- "$1{target=\"${3:-$target}\"" | grep -F -- "${2:-}" | head -1 | sed 's/.* //'; }
total() { value "mtr_trace_$1_total" "ttl=\"$2\""; }

# has NAME LABELS VALUE: prints something where the series has this value
has() { [ "$(value "$1" "$2")" != "$3" ] || echo yes; }

# stop: ends the service by SIGTERM; its status in RC
stop() {
  kill -TERM $SERVE
  wait $SERVE
  RC=$?
}

# ---- first scrape, rows -----------------------------------------------------

printf '%s team=web packets=20\nbad/word\n%s protocol=udp packets=3 # by UDP\n' "$target" "$target" >"$S/targets"
serve -F "$S/targets" --every 2s -c 5 --rows hops --rows-to "$S/rows"
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
stop
is sigterm_ends_it_with_0 "$RC" 0
tail -c 1 "$S/rows" | od -An -c | grep -q '\\n' && ok rows_end_with_a_whole_line || not_ok rows_end_with_a_whole_line
