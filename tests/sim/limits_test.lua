-- SPDX-License-Identifier: BSD-2-Clause
-- Rate limits and many traces of one process: what several flows and many
-- targets do to one router's bucket is loss for none of them, and a router
-- that replies to one of them is silent for none.
--
-- limits_test.lua          a few seeds
-- limits_test.lua RUNS     so many seeds each, with the rates of errors
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"

local RUNS = tonumber(arg[1]) or 3

-- Counted and lost probes of hops, and how many are called rate-limiting.
local function add(sums, result)
  for _, hop in ipairs(result.hops) do
    sums.rows = sums.rows + 1
    sums.sent = sums.sent + hop.sent
    sums.lost = sums.lost + hop.sent - hop.received
    sums.limited = sums.limited + (hop.ration and 1 or 0)
  end
end

local function new_sums()
  return { rows = 0, sent = 0, lost = 0, limited = 0, took_s = 0 }
end

-- ---- several flows ---------------------------------------------------------

-- The kernel's own global limit and no other: 1,000/s, 50 at once.
local GLOBAL = { burst = 50, every_ms = 20, refill = 20 }

-- Flows that start together or one after the other.
local function flows_of(w, seed, count, apart_s, packets)
  local traces = {}
  for flow = 0, count - 1 do
    traces[#traces + 1] = driver.options(w, seed * 100 + flow,
      { flow = flow, packets = packets, at_s = flow * apart_s })
  end
  return traces
end

local function run_flows(limit, count, apart_s, packets)
  local sums = new_sums()
  for seed = 1, RUNS do
    local w = build.line(5, { each = { ration = limit } })
    local traces = flows_of(w, seed, count, apart_s, packets)
    for _, t in ipairs(driver.run(w, traces, { seed = seed })) do
      add(sums, t.result)
      sums.took_s = math.max(sums.took_s, t.elapsed_s)
    end
  end
  return sums
end

for _, count in ipairs { 1, 8, 16, 32 } do
  check.case(("global_limit_%d_flows"):format(count), function()
    for _, apart_s in ipairs { 0, 0.013, 0.11 } do
      local sums = run_flows(GLOBAL, count, apart_s, 10)
      check.equal({ sums.lost, sums.limited }, { 0, 0 })
      check.equal(sums.took_s < 1 + 0.1 * count, true,
        ("%.1f s"):format(sums.took_s))
    end
  end)
end

check.finish()
