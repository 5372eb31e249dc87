-- SPDX-License-Identifier: BSD-2-Clause
-- asn_test.lua [SECONDS [SEED]]: fuzzes the readers of registries' answers;
-- without arguments a fixed number of runs with a fixed seed. An input that
-- fails is printed as a Lua string and becomes a row of a unit test.
local check = require "check"
local fuzzer = require "fuzz.fuzzer"
local targets = require "fuzz.asn_targets"

local RUNS = 300
local seconds, seed = tonumber(arg[1]), math.tointeger(arg[2] or 1)

for _, target in ipairs(targets) do
  check.case("fuzz_" .. target.name, function()
    local result = fuzzer.run(target, {
      seed = seed, runs = not seconds and RUNS or nil,
      seconds = seconds and seconds / #targets,
    })
    print(("  %s: %d runs, %d inputs kept, %d pairs of lines"):format(
      target.name, result.runs, result.kept, result.pairs))
    if result.err then
      error(("%s by %q"):format(result.err, result.input), 0)
    end
    check.equal(result.kept > #target.seeds // 2, true, "guidance")
  end)
end

check.finish()
