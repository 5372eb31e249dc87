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

COMMAND_ENV=() # further variables for the command
export COLUMNS=300 # the report with all its columns

# use_resolver ADDRESS: the system's resolver, for the command alone: the
# namespace of mounts that it gets is gone with it
use_resolver() { echo "nameserver $1" >"$LAB_SCRATCH/resolv.conf"; }

# in_client COMMAND...: in the client's namespace with the tree's modules
in_client() {
  tree_env "$TREE"
  # shellcheck disable=SC2016 # for the shell inside
  lab_run "${ENV[@]}" "${COMMAND_ENV[@]}" ip netns exec "$LAB-c" sh -c '
    [ ! -e "$1" ] || mount --bind "$1" /etc/resolv.conf
    shift && exec "$@"' - "$LAB_SCRATCH/resolv.conf" "$@"
}

# cli ARG...: the command in the client; output in OUT, errors in ERR, status in RC
# shellcheck disable=SC2034 # used by the tests
cli() {
  in_client timeout 120 "$TREE/scripts/mtr-trace" "$@" \
    >"$LAB_SCRATCH/out" 2>"$LAB_SCRATCH/err" </dev/null
  RC=$?
  OUT=$(cat "$LAB_SCRATCH/out") ERR=$(cat "$LAB_SCRATCH/err")
}

# columns KEY...: these columns of the last run's CSV, hops parted by lines
columns() { python3 -c '
import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print(*(row[key] or "-" for key in sys.argv[2:]), sep="|")' "$LAB_SCRATCH/out" "$@"; }

# busiest_branch HOP FLOWS: of the lab's fork, where most of these UDP flows go,
# whatever the kernel's hash is; BRANCH is the router, BRANCH_AT its address
# shellcheck disable=SC2034 # used by the tests
busiest_branch() {
  local k
  cli -n --asn off -c 1 -j -u --flows "$2" "$(lab_target 4)"
  BRANCH_AT=$(net_lua graph.lua "$LAB_SCRATCH/out" counted |
    awk -v hop="$1" '$1 == hop { print $3, $2 }' | sort -rn | sed -n '1s/.* //p')
  BRANCH=r$1
  for ((k = 1; k < 9; k++)); do
    [ "$(lab_fork_addr 4 1 $k 2)" != "$BRANCH_AT" ] || BRANCH=rf$k
  done
}
