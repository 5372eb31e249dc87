#!/bin/bash
# Without rights: sockets that need none. Without the engine, with one for another
# Lua: one line with what to do. In each case other scripts go on.

. "$(dirname "$0")/lib.sh"
find_flavours
lab_up --routers 2 --no-rate-limit || exit 1
target=$(lab_target 4)

# as_nobody FLAVOUR [CAPABILITY] -- NMAP OPTION...
as_nobody() {
  local flavour=$1 caps=()
  [ "$2" = -- ] || caps=(--inh-caps "+$2" --ambient-caps "+$2")
  while [ "$1" != -- ]; do shift; done
  in_flavour "$flavour" c setpriv --reuid 65534 --clear-groups "${caps[@]}" \
    timeout 60 nmap -n -sn -Pn --script-args beside.seconds=1 "${@:2}" 2>&1
}

# says NAME FLAVOUR VARIABLE=VALUE REGEX: one line about the engine, nothing else amiss
says() {
  local out
  out=$(in_flavour "$2" c env "$3" timeout 60 nmap -n -sn -Pn --script-args beside.seconds=1 \
    --script "$(tree_of "$2")/nse/mtr-trace.nse,$(tree_of "$2")/tests/net/beside.nse" "$target" "$(lab_addr 4 1)" 2>&1)
  is "${2}_$1_one_line" "$(grep -c mtr-trace: <<<"$out")" 1
  like "${2}_$1" "$out" "mtr-trace: ERROR: $4"
  is "${2}_$1_others_go_on" "$(grep -c 'beside: connected' <<<"$out")" 2
}

for f in $FLAVOURS; do
  tree=$(tree_of "$f")
  scripts=$tree/nse/mtr-trace.nse,$tree/tests/net/beside.nse
  if ! in_flavour "$f" c setpriv --reuid 65534 --clear-groups test -r "$tree/nse/mtr-trace.nse"; then
    skip "${f}_nobody" "the tree is not readable for others"
  else
    out=$(as_nobody "$f" -- -v --script "$scripts" "$target" "$(lab_addr 4 1)")
    is "${f}_no_privilege_hops" "$(grep -cE "^\| +[0-9]+ +$target +0\.0%" <<<"$out")" 1
    is "${f}_no_privilege_one_line_says_udp" "$(grep -c 'probes are UDP' <<<"$out")" 1
    is "${f}_no_privilege_others_go_on" "$(grep -c 'beside: connected' <<<"$out")" 2
    unlike "${f}_no_privilege_no_failure" "$out" 'Script execution failed|ERROR'
    out=$(as_nobody "$f" -- -v --script "$scripts" --script-args mtr-trace.protocol=icmp "$target" "$(lab_addr 4 1)")
    is "${f}_no_icmp_one_line" "$(grep -c mtr-trace <<<"$out")" 1
    like "${f}_no_icmp" "$out" 'mtr-trace.* not running for lack of privileges: .*needs root or CAP_NET_RAW, or .*ping_group_range'
    is "${f}_no_icmp_others_go_on" "$(grep -c 'beside: connected' <<<"$out")" 2
    out=$(as_nobody "$f" -- --privileged -v --script "$scripts" "$target")
    like "${f}_privileged_in_name_only" "$out" 'Unprivileged sockets: '
    XML=$LAB_SCRATCH/nobody.xml
    as_nobody "$f" net_raw -- --privileged --script "$tree/nse/mtr-trace.nse" -oX - "$target" >"$XML"
    compare "${f}_cap_net_raw" hops="$(lab_hops 4)"
  fi

  lua=5.3 other=5.4
  in_flavour "$f" c nmap --version | grep -q liblua-5.3 || lua=5.4 other=5.3
  says no_engine "$f" "LUA_CPATH_${lua/./_}=/nonexistent/?.so" \
    "mtrtrace\.core is not installed for Lua $lua: run 'make install' in the mtr-trace sources$"
  says no_library "$f" "LUA_PATH_${lua/./_}=/nonexistent/?.lua" 'the Lua library mtrtrace .* .make install.'
  # shellcheck disable=SC2153 # TREE is lib.sh's, not tree
  if [ -e "$TREE/build/lua$other/mtrtrace/core.so" ]; then
    says other_lua "$f" "LUA_CPATH_${lua/./_}=$tree/build/lua$other/?.so" \
      "mtrtrace\.core was built for another Lua than this one \\($lua\\): run 'make install'"
  else
    skip "${f}_other_lua" "no core.so for Lua $other"
  fi
done
