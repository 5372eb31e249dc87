#!/bin/bash
# DuckDB reads the same rows as ClickHouse (clickhouse_test.sh), and those of a
# real run.

cd "$(dirname "$0")/../.." || exit 1
tests/readers/install || {
  echo "not ok readers_are_installed - see tests/readers/install"
  exit 1
}
if [ "$(id -u)" -ne 0 ] || ! unshare -n true 2>/dev/null; then
  echo "skip duckdb - no network namespaces here"
  exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
for kind in runs hops; do LUA_PATH="nse/?.lua;;" lua5.4 tests/readers/made_rows.lua $kind >"$dir/$kind.ndjson"; done
unshare -n sh -c 'ip link set lo up && exec "$@"' - env LUA_PATH="nse/?.lua;;" LUA_CPATH="build/lua5.4/?.so;;" \
  scripts/mtr-trace --no-config -n --asn off -c 3 --rows probes 127.0.0.1 >"$dir/probes.ndjson"
node tests/readers/duckdb.mjs build/readers "$dir"/{runs,hops,probes}.ndjson
