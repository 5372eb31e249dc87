#!/bin/bash
# The tables and queries for ClickHouse take the rows of real runs, and a day of
# made ones whose answers are known. Without a network but loopback.

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
dir=$(mktemp -d) server=
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
  fi
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir "$dir/data" "$dir/tmp"
cat >"$dir/config.xml" <<END
<yandex><logger><level>warning</level><log>$dir/log</log><errorlog>$dir/errors</errorlog></logger>
<tcp_port>9000</tcp_port><listen_host>127.0.0.1</listen_host><path>$dir/data/</path><tmp_path>$dir/tmp/</tmp_path>
<mark_cache_size>5368709120</mark_cache_size><users_config>$dir/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database></yandex>
END
cat >"$dir/users.xml" <<END
<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>
END
PATH=$PATH:/usr/sbin clickhouse-server --config-file="$dir/config.xml" >"$dir/out" 2>&1 &
server=$!
client() { timeout 60 clickhouse-client --host 127.0.0.1 "$@" 2>&1; }
for ((i = 0; i < 100; i++)); do
  [ "$(client --query 'SELECT 1')" = 1 ] && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
is server_answers "$(client --query 'SELECT 1')" 1
[ "$(client --query 'SELECT 1')" = 1 ] || exit 1
is tables_are_made "$(client --multiquery <"$TREE/scripts/service/clickhouse.sql")" ""

insert() { client --input_format_skip_unknown_fields 1 --query "INSERT INTO mtr.$1 FORMAT JSONEachRow"; }

# Two vantage points trace ten targets each minute of two hours over five hops;
# from the second hour on half of the runs go by another router at hop 3 and
# lose there. Hop 2 limits its replies, hop 4 is balanced.
# shellcheck disable=SC2016 # for Lua
made() { LUA_PATH="$TREE/nse/?.lua;$TREE/tests/unit/?.lua;;" lua5.4 - "$1" <<'END'
local lines = require "mtrtrace.rows.lines"
local kind = arg[1]
local START = 1795788000
local function emit(row) io.write(lines.line(kind, row)) end
for minute = 0, 119 do
  for target = 1, 10 do
    for v = 1, 2 do
      local moved = minute >= 60 and target % 2 == 0
      local id = (minute * 100 + target) * 10 + v
      local common = { vantage = "v" .. v, labels = "", run_id = id,
        time_s = START + minute * 60, name = "t" .. target, protocol = "icmp",
        target = "192.0.2." .. target, path_id = moved and 2 or 1 }
      if kind == "runs" then
        common.row, common.reached = "run", true
        common.loss_begins_hop = moved and 3 or 0
        common.target_median_ms = target * 10.0
        common.path_mtu = target == 1 and 1400 or nil
        common.ttfb_ms, common.target_avg_ms = 50.5, 10.25
        emit(common)
      else
        for ttl = 1, 5 do
          local row = setmetatable({ row = "hop", ttl = ttl, first = true,
            sent = 10, received = moved and ttl >= 3 and 8 or 10,
            rate_limited = ttl == 2, untested = false, silent = false,
            better_beyond = false, is_target = ttl == 5,
            reply_ttl = ttl == 1 and v == 2 and moved and 58 or 60,
            asn = 64500 + ttl, ip = ttl == 3 and moved and "10.0.3.9"
              or ttl == 4 and "10.0.4." .. minute % 2 + 1
              or ttl == 5 and common.target or "10.0." .. ttl .. ".1" },
            { __index = common })
          emit(row)
        end
      end
    end
  end
end
END
}
is runs_are_taken "$(made runs | insert runs)" ""
is hops_are_taken "$(made hops | insert hops)" ""

# query NAME: what one of the queries answers
query() {
  client --query "$(sed -n "/^-- $1:/,/;\$/p" "$TREE/scripts/service/queries.sql" | grep -v '^--' | tr '\n' ' ' | sed 's/; *$//')"
}
T=$'\t'
is paths_by_hour "$(query paths_by_hour | wc -l) $(query paths_by_hour | grep -c "${T}2${T}120\$")" "20 5"
is what_changed_is_first "$(query what_changed | head -n 1 | cut -f 1-3)" "t10${T}v1${T}2"
is loss_begins "$(query loss_begins)" "10.0.3.9${T}600${T}5${T}2"
is rate_limited "$(query rate_limited)" "10.0.2.1${T}64502${T}2400"
is worst_paths "$(query worst_paths | head -n 1)" "t10${T}v1${T}100${T}120"
is ecmp "$(query ecmp | head -n 3 | xargs)" "t1 4 2 t10 3 2 t10 4 2"
is return_path "$(query return_path)" "10.0.1.1${T}v2${T}2"
is mtu "$(query mtu)" "t1${T}1400${T}1400"
is ttfb "$(query ttfb | head -n 1)" "t1${T}50.5${T}\\N${T}10.25"
is coverage "$(query coverage | xargs)" "v1 1200 1200 0 v2 1200 1200 0"
is every_query_has_an_answer_here "$(grep -c '^-- [a-z_]*:' "$TREE/scripts/service/queries.sql")" 10
is hourly_view "$(client --query 'SELECT sum(sent), sum(received) FROM mtr.hourly')" "120000${T}116400"

# Real runs of this tree, on the loopback of this namespace.
run() {
  env LUA_PATH="$TREE/nse/?.lua;;" LUA_CPATH="$TREE/build/lua5.4/?.so;;" \
    "$TREE/scripts/mtr-trace" --no-config -n --asn off -c 3 --rows "$1" --vantage here 127.0.0.1 nosuch.invalid 2>/dev/null
}
for kind in runs hops; do is "real_${kind}_are_taken" "$(run $kind | insert $kind)" ""; done
is real_runs "$(client --query "SELECT name, reached, error IS NOT NULL FROM mtr.runs WHERE vantage = 'here' ORDER BY name" | xargs)" \
  '127.0.0.1 1 0 nosuch.invalid 0 1'
is real_hops "$(client --query "SELECT ttl, ip, sent, received FROM mtr.hops WHERE vantage = 'here'" | xargs)" "1 127.0.0.1 3 3"
