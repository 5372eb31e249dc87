# shellcheck shell=bash
# How the tests run the command; to be sourced behind lib.sh.

# needs_command: stops the test with a skip where modules are missing
needs_command() {
  local module
  for module in luv argparse dkjson; do
    lua5.4 -e "require '$module'" 2>/dev/null || {
      skip "$(basename "$0")" "the Lua module $module is not installed"
      exit 0
    }
  done
}

# cli ARG...: the command in the client; output in OUT, errors in ERR, status in RC
# shellcheck disable=SC2034 # used by the tests
cli() {
  tree_env "$TREE"
  lab_run "${ENV[@]}" ip netns exec "$LAB-c" timeout 120 "$TREE/scripts/mtr-trace" "$@" \
    >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null
  RC=$?
  OUT=$(cat "$LAB_SCRATCH/out") ERR=$(cat "$LAB_SCRATCH/err")
}
