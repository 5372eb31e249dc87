#!/bin/bash
# No descriptor of ours survives an exec: not in either Nmap, not in a Lua
# program, and none of the command's is without FD_CLOEXEC.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
find_flavours
lab_up --routers 1 --no-rate-limit || exit 1
target=$(lab_target 4)

# with_tests TREE: sets PATHS to variables for modules of the tests as well
with_tests() {
  tree_env "$1"
  PATHS=("${ENV[@]}" LUA_PATH_5_3="$1/nse/?.lua;$1/tests/net/?.lua;;" LUA_PATH_5_4="$1/nse/?.lua;$1/tests/net/?.lua;;")
}

for f in $FLAVOURS; do
  with_tests "$(tree_of "$f")"
  out=$(in_flavour "$f" c "${PATHS[@]}" timeout 60 nmap -n -sn -Pn \
    --script "$(tree_of "$f")/tests/net/exec.nse" "$target" 2>&1)
  like "${f}_child_inherits_nothing_of_ours" "$out" 'inherits the [0-9]+ of before$'
done
with_tests "$TREE"
out=$(lab_exec c "${PATHS[@]}" timeout 60 lua5.4 -e 'print(require("inherited").while_tracing(arg[1]))' \
  /dev/null "$target" 2>&1)
like library_child_inherits_nothing_of_ours "$out" 'inherits the [0-9]+ of before$'

needs_command
# kept PID: its sockets, eventfds and the like that an exec would leave open
kept() {
  local fd flags target
  for fd in /proc/"$1"/fdinfo/*; do
    flags=$(sed -n 's/^flags:[[:space:]]*//p' "$fd" 2>/dev/null)
    target=$(readlink "/proc/$1/fd/${fd##*/}")
    case $target in
      socket:* | anon_inode:*) [ $((0$flags & 02000000)) -ne 0 ] || echo "${fd##*/} $target" ;;
    esac
  done
}
sockets() { readlink /proc/"$1"/fd/* | grep -c '^socket:'; }
"${ENV[@]}" ip netns exec "$LAB-c" "$TREE/scripts/mtr-trace" -n --asn off --pmtu -c 1000 -i 0.2 \
  "$target" >/dev/null 2>&1 </dev/null &
child=$!
waited=0
until [ "$(sockets $child)" -ge 3 ] || [ $((waited += 1)) -gt 200 ]; do sleep 0.05; done
at_least command_has_its_sockets "$(sockets $child)" 3
is command_keeps_nothing_open_over_an_exec "$(kept $child)" ""
kill -TERM $child
wait $child 2>/dev/null || true
