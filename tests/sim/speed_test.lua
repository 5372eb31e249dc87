-- SPDX-License-Identifier: BSD-2-Clause
-- Two runs with one seed are the same to the byte; an hour of tracing takes
-- about a second of the release build. With "bench" it prints the figure.
local build = require "sim.build"
local chance = require "sim.chance"
local check = require "check"
local driver = require "sim.driver"

local LIMIT_S = 5 -- of processor time, on a busy machine; the aim is 1

local function hour()
  local w = build.line(7, { link = { delay_ms = { base_ms = 2,
    jitter_ms = 1 }, loss_forward = 0.001 } })
  local began = os.clock()
  local result, t = driver.trace(w, { packets = 3600, interval = 1 },
    { limit_s = 4000 })
  return os.clock() - began, result, t
end

if arg[1] == "bench" then
  local took, result = hour()
  print(("an hour of 8 hops at 1 s, %d probes: %.2f s"):format(result.sent,
    took))
  return
end

check.case("an_hour_of_tracing_runs_in_about_a_second", function()
  local took, result, t = hour()
  check.equal({ result.reached, #result.hops }, { true, 8 })
  for ttl, hop in ipairs(result.hops) do
    check.equal(hop.sent, 3600, "hop " .. ttl)
  end
  check.equal(t.elapsed_s > 3590 and t.elapsed_s < 3660, true, "virtual time")
  check.equal(took < LIMIT_S, true, ("%.2f s"):format(took))
end)

-- As one text; from the seed alone.
local function recording(seed)
  local w, options = chance.draw(seed)
  options.events = true
  local result, t = driver.trace(w, options, { seed = seed, limit_s = 200 })
  return check.show(result) .. check.show(t.events)
end

check.case("two_runs_with_one_seed_are_byte_identical", function()
  for seed = 1, 40 do
    local once = recording(seed)
    check.equal(once == recording(seed), true, "seed " .. seed)
    check.equal(once ~= recording(seed + 1000), true, "another seed")
  end
end)

check.finish()
