-- SPDX-License-Identifier: BSD-2-Clause
-- Rates of the loss rule, over random seeds in virtual time: real loss taken
-- for rate limiting, rate limits that are missed, and what a narrow uplink
-- does to a run.
--
-- rates.lua [RUNS]   of each row (200)
local build = require "sim.build"
local driver = require "sim.driver"

local RUNS = tonumber(arg[1] or 200)
local ROUTERS = 7

local function percent(k, n)
  return n > 0 and 100 * k / n or 0
end

local function loss_row(packets, loss, preset)
  local world = build.line(ROUTERS, { each = { rate_limit = preset },
    nodes = { r2 = { link = { delay_ms = 1, loss_forward = loss } } } })
  local hops, limited, seconds, false_loss = 0, 0, 0, 0
  for seed = 1, RUNS do
    local result, t = driver.trace(world, { packets = packets },
      { seed = seed })
    seconds = seconds + t.elapsed_s
    for ttl = 1, ROUTERS do
      local hop = result.hops[ttl]
      hops, limited = hops + 1, limited + (hop.rate_limit and 1 or 0)
      false_loss = false_loss + (ttl == 1 and hop.loss > 0 and 1 or 0)
    end
  end
  print(("%3d packets, %2d %% loss from hop 2, routers %-7s %6.2f %% of hops "
    .. "rate-limiting, hop 1 with loss in %5.2f %% of runs, %5.1f s a run")
    :format(packets, (100 * loss + 0.5) // 1, preset or "none",
    percent(limited, hops), percent(false_loss, RUNS), seconds / RUNS))
end

local function narrow_row(kbit, flows)
  local world = build.line(ROUTERS, { nodes = { r1 = { link = {
    delay_ms = 1, rate_kbit = kbit, queue_packets = 50 } } } })
  local traces = {}
  for flow = 0, flows - 1 do
    traces[flow + 1] = driver.options(world, 1 + flow, { flow = flow })
  end
  local lost, limited, worst, seconds = 0, 0, 0, 0
  for _, t in ipairs(driver.run(world, traces, { seed = 1 })) do
    seconds = math.max(seconds, t.elapsed_s)
    for _, hop in ipairs(t.result.hops) do
      lost = lost + hop.sent - hop.received
      limited = limited + (hop.rate_limit and 1 or 0)
      worst = math.max(worst, (hop.responders[1].worst_ms or 0)
        - 2 * hop.ttl)
    end
  end
  print(("uplink of %6s kbit/s, %2d flows: %d probes lost, %d hops "
    .. "rate-limiting, own queue at most %5.2f ms, %.2f s"):format(
    kbit or "any", flows, lost, limited, worst, seconds))
end

for _, preset in ipairs { false, "linux4", "iosxr" } do
  for _, packets in ipairs { 10, 30, 60 } do
    for _, loss in ipairs { 0.05, 0.1, 0.2, 0.4 } do
      loss_row(packets, loss, preset or nil)
    end
  end
end
for _, kbit in ipairs { 256, 512, 1000, 2000, 10000, false } do
  for _, flows in ipairs { 1, 4, 16 } do
    narrow_row(kbit or nil, flows)
  end
end
