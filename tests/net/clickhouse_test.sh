#!/bin/bash
# The tables and queries for ClickHouse take the rows of real runs, and a day of
# made ones whose answers are known, on one server and over two shards. Without
# a network but loopback.

TREE=$(cd "$(dirname "$0")/../.." && pwd)
ok() { echo "ok $*"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else echo "not ok $1 - got $(head -c 400 <<<"$2" | tr '\n' '/'), want $3"; fi; }

if ! PATH=$PATH:/usr/sbin command -v clickhouse-server >/dev/null || ! command -v clickhouse-client >/dev/null; then
  echo "skip clickhouse - clickhouse-server is not installed"
  exit 0
elif [ "$(id -u)" -ne 0 ] || ! unshare -n true 2>/dev/null; then
  echo "skip clickhouse - no network namespaces here"
  exit 0
fi

# A namespace of its own has a loopback with all ports free.
if [ "$1" != inside ]; then
  exec unshare -n "$0" inside
fi
ip link set lo up
# shellcheck source=scripts/service/loopback
. "$TREE/scripts/service/loopback"
dir=$(mktemp -d)
ch_trap "$dir"

ch_start 2 "$dir" >"$dir/start" 2>&1
is servers_answer_and_tables_are_made "$? $(cat "$dir/start")" "0 "
[ -n "$(ch 0 --query 'SELECT 1' 2>/dev/null)" ] || exit 1

# Every column of a table is a key of the rows: another one would stay empty.
# shellcheck disable=SC2016 # for Lua
columns() { LUA_PATH="$TREE/nse/?.lua;;" lua5.4 -e '
  for _, column in ipairs(require "mtrtrace.rows.columns".of(arg[1])) do print(column[1]) end' - "$1" | sort; }
for kind in runs hops probes; do
  is "columns_of_${kind}_are_keys" "$(comm -23 <(ch 0 --query "DESCRIBE mtr.$kind" | cut -f 1 | sort) <(columns $kind) | xargs)" day
done

made() { LUA_PATH="$TREE/nse/?.lua;;" lua5.4 "$TREE/tests/readers/made_rows.lua" "$1"; }
is runs_are_taken "$(made runs | ch_insert 0 runs_all 2>&1)" ""
is hops_are_taken "$(made hops | ch_insert 1 hops_all 2>&1)" ""

# shards TABLE: how many rows both have, and whether each has some
shards() {
  local a b
  a=$(ch 0 --query "SELECT count() FROM mtr.$1") b=$(ch 1 --query "SELECT count() FROM mtr.$1")
  echo $((a + b)) $((a > 0 && b > 0))
}
is runs_are_on_both_shards "$(shards runs)" "2400 1"
is hops_are_on_both_shards "$(shards hops)" "12000 1"
is hops_are_where_their_run_is "$(for n in 0 1; do ch $n --query "SELECT count() FROM mtr.hops WHERE run_id NOT IN (SELECT run_id FROM mtr.runs)"; done | xargs)" "0 0"

# query NAME: what one of the queries answers, from all shards, asked of either
query() { ch_query $((RANDOM % 2)) "$1" _all 2>&1; }
T=$'\t'
is paths_by_hour "$(query paths_by_hour | wc -l) $(query paths_by_hour | grep -c "${T}2${T}120\$")" "20 5"
is what_changed_is_first "$(query what_changed | head -n 1 | cut -f 1-3)" "t10${T}v1${T}2"
is what_changed_has_its_times "$(query what_changed | head -n 1 | cut -f 4-6 | xargs)" \
  "$(TZ=UTC date -d @$((1795788000 + 3600)) '+%F %T') $(TZ=UTC date -d @$((1795788000 + 119 * 60)) '+%F %T') 60"
is loss_by_link "$(query loss_by_link)" "10.0.2.1${T}10.0.3.9${T}600${T}5${T}2"
is rate_limited "$(query rate_limited)" "10.0.2.1${T}64502${T}2400"
is worst_paths "$(query worst_paths | head -n 1)" "t10${T}v1${T}100${T}120"
is ecmp "$(query ecmp | head -n 3 | xargs)" "t1 4 2 t10 3 2 t10 4 2"
is return_path "$(query return_path)" "10.0.1.1${T}v2${T}2"
is mtu "$(query mtu)" "t1${T}1400${T}1400"
is ttfb "$(query ttfb | head -n 1)" "t1${T}50.5${T}\\N${T}10.25"
is coverage "$(query coverage | xargs)" "v1 1200 1200 0 v2 1200 1200 0"
is every_query_has_an_answer_here "$(ch_names | sort | xargs)" \
  "coverage ecmp loss_by_link mtu paths_by_hour rate_limited return_path ttfb what_changed worst_paths"
is hourly_view "$(ch 1 --query 'SELECT sum(sent), sum(received) FROM mtr.hourly_all')" "120000${T}116400"

# Each query answers from one server alone too.
failed=
for name in $(ch_names); do
  ch_query 0 "$name" "" >/dev/null 2>&1 || failed="$failed $name"
done
is every_query_runs_on_one_server "$failed" ""
is old_rows_can_be_dropped "$(ch 0 --query 'ALTER TABLE mtr.hops DROP PARTITION 202501' 2>&1)" ""

# Real runs of this tree, on the loopback of this namespace.
run() {
  env LUA_PATH="$TREE/nse/?.lua;;" LUA_CPATH="$TREE/build/lua5.4/?.so;;" \
    "$TREE/scripts/mtr-trace" --no-config -n --asn off -c 3 --rows "$1" --vantage here 127.0.0.1 -4 ::1 2>/dev/null
}
for kind in runs hops probes; do is "real_${kind}_are_taken" "$(run $kind | ch_insert 0 $kind 2>&1)" ""; done
is real_runs "$(ch 0 --query "SELECT name, reached, error IS NOT NULL, path_id > 0 FROM mtr.runs WHERE vantage = 'here' ORDER BY name" | xargs)" \
  '127.0.0.1 1 0 1 ::1 0 1 N'
is real_hops "$(ch 0 --query "SELECT ttl, ip, sent, received FROM mtr.hops WHERE vantage = 'here'" | xargs)" "1 127.0.0.1 3 3"
is real_probes "$(ch 0 --query "SELECT ip, outcome, is_target, rtt_ns > 0, count() FROM mtr.probes
  WHERE vantage = 'here' AND class = 'counted' AND ttl = 1 GROUP BY ip, outcome, is_target, rtt_ns > 0" 2>&1 | xargs)" "127.0.0.1 reply 1 1 3"

# Servers that were killed have their rows when they are started again.
ch_stop
ch_start 2 "$dir" >"$dir/start" 2>&1
is rows_are_there_behind_a_crash "$? $(shards hops | cut -d' ' -f 1)" "0 12001"

# The page by hand, ended by three signals at once while its fifty write: nothing is left.
mkdir "$dir/page"
TMPDIR=$dir/page "$TREE/scripts/service/loopback" >"$dir/page.out" 2>&1 &
page=$!
for ((i = 0; i < 200; i++)); do
  [ -z "$(find "$dir/page" -name 'host*')" ] || break
  sleep 0.05
done
for i in 1 2 3; do
  kill -TERM $page
  sleep 0.01
done
wait $page
is page_that_is_ended_leaves_nothing "$? $(find "$dir/page" -mindepth 1 | wc -l)" "130 0"
