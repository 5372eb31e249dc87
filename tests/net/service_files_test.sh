#!/bin/bash
# The files of scripts/service by the programs that read them: promtool, systemd,
# a parser of Dockerfiles. Rules and dashboard name no metric that is not there.

cd "$(dirname "$0")/../.." || exit 1
ok() { echo "ok $*"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else echo "not ok $1 - got '$(head -c 600 <<<"$2")', wanted '$3'"; fi; }
has() { # NAME TOOL
  command -v "$2" >/dev/null && return
  echo "skip $1 - $2 is not installed"
  return 1
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
service=scripts/service

# names FILE: metrics that a file of expressions names
names() { grep -ohE '\b(mtr_trace|process)_[a-z_]+' "$1" | sort -u; }
# What the service has: families with what their type puts behind them.
LUA_PATH="nse/?.lua;;" lua5.4 -e 'local f = require "mtrtrace.service.families"
  for _, row in ipairs(f.all()) do
    local name = f.series(row)
    print(name)
    for _, suffix in ipairs { "_bucket", "_sum", "_count" } do print(name .. suffix) end
  end' | sort >"$dir/metrics"

# Every expression of the dashboard, its variables filled in.
# shellcheck disable=SC2016 # variables of Grafana
jq -r '.. | .expr? // empty' $service/grafana.json |
  sed 's/\$__rate_interval/5m/g; s/\$\(job\|instance\|target\)/x/g' >"$dir/expressions"
is dashboard_has_expressions "$(($(wc -l <"$dir/expressions") > 30))" 1
is dashboard_has_no_unknown_variable "$(grep -c '\$' "$dir/expressions")" 0
is dashboard_names_metrics_that_are_there "$(names "$dir/expressions" | comm -23 - "$dir/metrics" | xargs)" ""
is dashboard_panels_do_not_lie_on_each_other "$(jq '[.panels[].gridPos | range(.x; .x + .w) as $x | range(.y; .y + .h) as $y | [$x, $y]]
  | length - (unique | length)' $service/grafana.json)" 0
sed '/target:mtr_trace/d; s/{{.*//; s/"mtr_trace[^"]*//' $service/prometheus-rules.yml >"$dir/rules"
is rules_name_metrics_that_are_there "$(names "$dir/rules" | comm -23 - "$dir/metrics" | xargs)" ""
is every_metric_but_these_is_shown "$(grep -v '_\(bucket\|sum\|count\)$' "$dir/metrics" | while read -r name; do
  grep -rqE "$name(_bucket)?\b" $service/grafana.json $service/prometheus-rules.yml || echo "$name"; done | xargs)" \
  "mtr_trace_build_info mtr_trace_hop_rate_limited mtr_trace_hop_responders mtr_trace_replies_total process_start_time_seconds"

if has promtool promtool; then
  is scrape_example_is_read "$(promtool check config $service/prometheus.yml 2>&1 | grep -iE 'fail|error')" ""
  is rules_are_read "$(promtool check rules $service/prometheus-rules.yml 2>&1 | grep -c 'SUCCESS: 7 rules found')" 1
  is rules_do_what_they_say "$(promtool test rules $service/prometheus-rules.test.yml 2>&1 | grep -cE '^ *SUCCESS')" 1
  jq -Rs '{groups: [{name: "x", rules: (split("\n") | map(select(. != "")) | to_entries | map({record: "x:\(.key)", expr: .value}))}]}' \
    "$dir/expressions" >"$dir/dashboard.yml"
  is dashboard_is_read "$(promtool check rules "$dir/dashboard.yml" 2>&1 | grep -c "SUCCESS: $(wc -l <"$dir/expressions") rules found")" 1
  echo 'sum(' >>"$dir/expressions"
  jq -Rs '{groups: [{name: "x", rules: (split("\n") | map(select(. != "")) | to_entries | map({record: "x:\(.key)", expr: .value}))}]}' \
    "$dir/expressions" >"$dir/broken.yml"
  is a_broken_expression_is_not "$(promtool check rules "$dir/broken.yml" >/dev/null 2>&1 && echo read)" ""
fi

if has systemd systemd-analyze; then
  level=$(systemd-analyze security --offline=true $service/mtr-trace.service 2>/dev/null |
    sed -n 's/.*exposure level for mtr-trace.service: \([0-9.]*\).*/\1/p')
  is unit_is_exposed_below_3 "$(awk -v l="${level:-10}" 'BEGIN { print l < 3 }')" 1
  # The command of the unit is put in place for the check, its manual not.
  sed "s|/usr/local/bin/mtr-trace|$(command -v true)|; /^Documentation/d" $service/mtr-trace.service >"$dir/mtr-trace.service"
  is unit_is_read "$(systemd-analyze verify "$dir/mtr-trace.service" 2>&1)" ""
fi
words=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' $service/mtr-trace.service | sed -n 's/^ExecStart=[^ ]* //p')
# shellcheck disable=SC2086 # words
is unit_has_options_that_are_there "$(LUA_PATH="nse/?.lua;;" lua5.4 -e 'local parse, argparse = require "mtrtrace.cli.parse", require "argparse"
  local found, err = parse.words(argparse, arg)
  print(found and (select(2, require "mtrtrace.cli.options".check(found)) or "good") or err)' - $words 2>&1)" good

if tests/readers/install; then
  node tests/readers/dockerfile.mjs build/readers $service/Dockerfile >"$dir/docker"
  is dockerfile_is_read "$(grep ^error "$dir/docker")" ""
  mapfile -t names < <(sed -n 's/^package //p' "$dir/docker" | sort -u)
  is dockerfile_names_packages_that_are_there "$(apt-get -qq -s install --no-install-recommends "${names[@]}" 2>&1 >/dev/null)" ""
  is dockerfile_installs_something "$(($(grep -c ^package "$dir/docker") > 15))" 1
else
  echo "not ok readers_are_installed - see tests/readers/install"
fi
make -n install-command install-for-5.4 DESTDIR="$dir/out" PREFIX=/usr LUAS=lua5.4 BOOTSTRAP=true >"$dir/make" 2>&1
is dockerfile_makes_targets_that_are_there "$?" 0
