-- SPDX-License-Identifier: BSD-2-Clause
-- tun.lua WORLD HELD REPORT: the errors of reported RTTs. Lines of REPORT are
-- "ttl sequence rtt_us", those of HELD "sequence us", see sim/tun.lua. Prints
-- median and p99 of |error| against the delays of the world, and against the
-- time for which each answer was held: the simulation may itself be late.
local truth = require "sim.truth"
local world = require "sim.world"

local hops = truth.hops(world.load(arg[1]))

local held = {}
for line in io.lines(arg[2]) do
  local sequence, us = line:match "^(%d+) (%S+)$"
  held[sequence or 0] = tonumber(us)
end

local off = { world = {}, held = {} }
for line in io.lines(arg[3]) do
  local ttl, sequence, us = line:match "^(%d+)%s+(%d+)%s+([%d.]+)$"
  if ttl and held[sequence] then
    local hop = hops[math.min(tonumber(ttl), #hops)]
    us = tonumber(us)
    table.insert(off.world, math.abs(us - hop.rtt_ms * 1000))
    table.insert(off.held, math.abs(us - held[sequence]))
  end
end
assert(off.world[1], "no answer of the report is known here")

local function show(errors)
  table.sort(errors)
  local function quantile(p)
    return errors[math.max(1, math.ceil(p * #errors))]
  end
  return ("median %.1f us, p99 %.1f us"):format(quantile(0.5), quantile(0.99))
end

print(("%d probes: from the world's delays %s; from those held %s"):format(
  #off.world, show(off.world), show(off.held)))
