# shellcheck shell=bash
# How the tests run the service; to be sourced behind command.sh, when the lab
# is up.
# shellcheck disable=SC2016,SC2034 # conditions are evaluated later, by wait_for

LUA_CPATH_5_4="$TREE/build/lua5.4/?.so" lua5.4 -e 'require "mtrtrace.httpd"' 2>/dev/null || {
  skip "$(basename "$0")" "built without libmicrohttpd"
  exit 0
}
target=$(lab_target 4)
S=$LAB_SCRATCH

# serve ARG...: starts the service in the client; its id in SERVE. A file hosts in $S takes the place of
# /etc/hosts.
serve() {
  tree_env "$TREE"
  "${ENV[@]}" ip netns exec "$LAB-c" sh -c '[ ! -e "$0" ] || mount --bind "$0" /etc/hosts; exec "$@"' "$S/hosts" \
    "$TREE/scripts/mtr-trace" --serve :9099 -n --asn off "$@" \
    2>"$S/serve.err" >"$S/serve.out" </dev/null &
  SERVE=$!
  wait_for 'get /healthz'
}

# get PATH [CURL OPTION...]
FROM=127.0.0.1
get() { lab_exec c curl -s -m 20 --interface $FROM "${@:2}" "http://127.0.0.1:9099$1"; }

# wait_for COMMAND [TENTHS]: until it succeeds and says something; its end is an error
wait_for() {
  local i
  for ((i = 0; i < ${2:-150}; i++)); do
    [ -n "$(eval "$1" 2>/dev/null)" ] && return 0
    sleep 0.1
  done
  not_ok "wait_for_$1" "nothing; $(tail -n 3 "$S/serve.err")"
  return 1
}

# value NAME [LABELS]: of the series, its labels matched as text
value() { get /metrics | grep -F -- "$1{target=\"${3:-$target}\"" | grep -F -- "${2:-}" | head -1 | sed 's/.* //'; }
total() { value "mtr_trace_$1_total" "ttl=\"$2\""; }

# has NAME LABELS VALUE [TARGET]: prints something where the series has this value
has() { [ "$(value "$1" "$2" "${4:-}")" != "$3" ] || echo yes; }

# stop: ends the service by SIGTERM; its status in RC
stop() {
  kill -TERM "$SERVE"
  wait "$SERVE"
  RC=$?
}
