#!/bin/bash
# The manual's example of the engine alone (nse/doc/library.md), but for the
# address; and the front door with look-ups.

. "$(dirname "$0")/lib.sh"
lab_up --routers 3 --no-rate-limit || exit 1

# The fenced block below the line <!-- example: plain -->.
example() {
  awk '/^<!-- example: plain -->$/ { wait = 1; next }
    wait && /^```lua$/ { on = 1; wait = 0; next }
    on && /^```$/ { exit }
    on' "$TREE/nse/doc/library.md"
}

tree_env "$TREE"
if [ ! -e "$TREE/nse/doc/library.md" ]; then
  skip plain_example "no nse/doc/library.md"
else
  code=$(example)
  at_least example_is_there "$(wc -l <<<"$code")" 5
  for family in 4 6; do
    sed -E "s/192\.0\.2\.[0-9]+|2001:db8::[0-9a-f]*/$(lab_target $family)/" <<<"$code" >"$LAB_SCRATCH/example.lua"
    like example_names_a_documentation_address "$(diff <(cat <<<"$code") "$LAB_SCRATCH/example.lua")" "$(lab_target $family)"
    out=$(lab_run "${ENV[@]}" ip netns exec "$LAB-c" lua5.4 "$LAB_SCRATCH/example.lua" 2>&1)
    is example_v${family}_hops "$(awk '{ print $1, $2 }' <<<"$out")" \
      "$(for hop in 1 2 3 4; do echo "$hop $(lab_addr $family $hop)"; done)"
  done
fi

out=$(lab_run "${ENV[@]}" ip netns exec "$LAB-c" lua5.4 -e "
  local result = assert(require 'mtrtrace'.trace { target = '$(lab_target 4)', packets = 3 })
  for _, hop in ipairs(result.hops) do
    print(hop.ttl, hop.responders[1].address, hop.sent, hop.received, hop.responders[1].special)
  end" 2>&1)
is front_door "$(xargs -n 5 <<<"$out")" \
  "$(for hop in 1 2 3 4; do echo "$hop $(lab_addr 4 $hop) 3 3 private"; done)"
