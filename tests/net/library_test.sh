#!/bin/bash
# The library for programs: each example of its documentation runs, against
# real routers; cancelling, many traces, and the three kinds of loop.

. "$(dirname "$0")/lib.sh"
. "$TREE/tests/net/command.sh"
needs_command
lab_up --routers 3 --no-rate-limit || exit 1
tree_env "$TREE"

program() { # FILE: runs it in the client
  lab_run "${ENV[@]}" ip netns exec "$LAB-c" timeout 60 lua5.4 "$1" 2>&1
}

# example N: the N-th indented block of the front door's comment, with a target
# of the lab
example() {
  awk -v n="$1" '/^--     / { if (!on) { on = 1; count++ } if (count == n) { sub(/^--     /, ""); print } next }
    /^--$/ && on { next }
    { on = 0 }' "$TREE/nse/mtrtrace.lua" |
    sed "s/192\.0\.2\.1\", \"192\.0\.2\.1/$(lab_target 4)\", \"$(lab_addr 4 2)/; s/192\.0\.2\.1/$(lab_target 4)/"
}

examples=$(grep -c '^--     local mtrtrace' "$TREE/nse/mtrtrace.lua")
is examples_are_all_here "$examples" 5
for ((i = 1; i <= examples; i++)); do
  example $i >"$LAB_SCRATCH/$i.lua"
  if grep -q '"socket"' "$LAB_SCRATCH/$i.lua" && ! lua5.4 -e 'require "socket"' 2>/dev/null; then
    skip "example_$i" "LuaSocket is not installed"
    continue
  fi
  out=$(program "$LAB_SCRATCH/$i.lua")
  is "example_${i}_status" $? 0
  case $i in
    1) is blocking_example "$(xargs <<<"$out")" "true 4" ;;
    2) like iterating_example "$(tail -n 1 <<<"$out" | xargs)" "^reply [0-9]+ $(lab_target 4) [0-9.]+$" ;;
    3) is many_example "$(sort <<<"$out" | xargs)" "$(lab_addr 4 2) true $(lab_target 4) true" ;;
    4) is luv_example "$(grep -c "^4.$(lab_target 4)" <<<"$out") $(tail -n 1 <<<"$out")" "$(grep -c "^4.$(lab_target 4)" <<<"$out") true"
       at_least luv_example_has_the_targets_answers "$(grep -c "^4.$(lab_target 4)" <<<"$out")" 10 ;;
    5) is other_loop_example "$out" true ;;
  esac
done

# manual N: the N-th program of nse/doc/library.md, with a target of the lab
manual() {
  awk -v n="$1" '/^```lua$/ { count++; on = count == n; next } /^```$/ { on = 0 } on' "$TREE/nse/doc/library.md" |
    sed "s/192\.0\.2\.1\", \"192\.0\.2\.1/$(lab_target 4)\", \"$(lab_addr 4 2)/; s/192\.0\.2\.1/$(lab_target 4)/"
}

programs=$(grep -c '^```lua$' "$TREE/nse/doc/library.md")
at_least manual_has_programs "$programs" 4
for ((i = 1; i <= programs; i++)); do
  manual $i >"$LAB_SCRATCH/manual.lua"
  out=$(program "$LAB_SCRATCH/manual.lua")
  is "manual_program_${i}_status" $? 0
  like "manual_program_$i" "$out" "$(lab_target 4)"
done

cat >"$LAB_SCRATCH/cancel.lua" <<END
local mtrtrace, uv = require "mtrtrace", require "luv"
local session = assert(mtrtrace.session { uv = uv })
local ended, left = 0, 20
for i = 1, 20 do
  local trace
  trace = assert(session:start { target = "$(lab_target 4)", packets = 1000,
    on_event = function(event)
      if event.kind == "reply" and not trace:done() then
        trace:cancel()
        left = left - 1
        assert(not pcall(trace.handle) and #trace:result().hops > 0)
      end
    end,
    on_done = function() ended = ended + 1 end })
end
local began = uv.hrtime()
uv.run()
print(left, ended, session:step(), (uv.hrtime() - began) / 1e9 < 5)
print(pcall(session.start, session, { target = "$(lab_target 4)", packet = 1 }))
print(session:start { target = "nonsense" })
for _, hop in ipairs { 1, 2, 3, 4 } do
  assert(session:start { target = "10.0." .. hop - 1 .. ".2", packets = 3,
    on_done = function(result) print(result.target_ttl, result.reached) end })
end
uv.run()
END
out=$(program "$LAB_SCRATCH/cancel.lua")
is cancelled_traces_end_the_loop_without_on_done "$(sed -n 1p <<<"$out" | xargs)" "0 0 0 true"
like misuse_raises "$(sed -n 2p <<<"$out")" "^false.*unknown option 'packet'"
like the_world_answers "$(sed -n 3p <<<"$out")" 'nonsense.*BADADDRESS'
is loop_runs_again "$(tail -n +4 <<<"$out" | sort | xargs)" "1 true 2 true 3 true 4 true"

if command -v ldoc >/dev/null; then
  mkdir "$LAB_SCRATCH/lua" && cp "$TREE"/nse/mtrtrace.lua "$TREE"/nse/mtrtrace/{session/session,session/tracer,recording/stream,recording/replay}.lua "$LAB_SCRATCH/lua"
  is documentation_is_made "$(ldoc -q -p mtr-trace -d "$LAB_SCRATCH/doc" "$LAB_SCRATCH/lua" 2>&1)" ""
fi
