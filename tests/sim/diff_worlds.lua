-- SPDX-License-Identifier: BSD-2-Clause
--- Pairs of runs for the comparison of two runs: paths whose hops reply with
-- delays and losses as they are met, and what changes between the two runs.
-- Drawn at the level of probes, so that thousands of pairs cost seconds.
-- @module sim.diff_worlds
local M = {}

-- ---- round trips ----------------------------------------------------------

-- Noise of one round trip, in ms, by its shape.
local NOISE = {
  -- A router or host that is not busy.
  quiet = function(R) return R.exponential(0.05) end,
  -- Queues on the path.
  busy = function(R) return R.exponential(1.5) end,
  -- Slow now and then: replies wait for the router's processor.
  spikes = function(R)
    return R.exponential(0.1) + (R.chance(0.08) and R.exponential(30) or 0)
  end,
  -- Two ways of a balancer, chosen by packet.
  two_ways = function(R)
    return (R.chance(0.5) and 6 or 0) + R.exponential(0.1)
  end,
}

--- The shapes of noise, sorted.
M.SHAPES = { "quiet", "busy", "spikes", "two_ways" }

-- A queue that fills and drains: neighbours in time are alike.
local function queue_of(R, n, scale)
  local out, level = {}, 0
  for i = 1, n do
    level = 0.7 * level + R.exponential(scale * 0.3)
    out[i] = level
  end
  return out
end

-- ---- losses ---------------------------------------------------------------

-- Which probes of a run are lost: independent ones, or in bursts, which take
-- the probes of all hops at once.
local function losses(R, n, rate, burst)
  local out, lost = {}, burst and R.chance(rate) or false
  for i = 1, n do
    if not burst then
      lost = R.chance(rate)
    elseif lost then
      lost = not R.chance(1 / burst)
    else
      lost = R.chance(rate / ((1 - rate) * burst))
    end
    out[i] = lost
  end
  return out
end

local function periods_of(lost)
  local count, longest, length = 0, 0, 0
  for i = 1, #lost do
    length = lost[i] and length + 1 or 0
    count = count + (length == 1 and 1 or 0)
    longest = math.max(longest, length)
  end
  return count, longest
end

-- ---- a run ----------------------------------------------------------------

local function ip_of(w, ttl)
  return w.ips and w.ips[ttl] or ("10.0.%d.1"):format(ttl)
end

-- One hop under the keys of structured output, and its single round trips.
local function hop_of(R, w, ttl, bursts)
  local lossy = ttl >= (w.loss_from or 1)
  local lost = lossy and bursts
    or losses(R, w.packets, lossy and w.loss or 0)
  local queue = queue_of(R, w.packets, w.queue)
  local hop = { hop = ttl, sent = w.packets, responders = {} }
  local base = (w.base or 1) * ttl
    + (w.rise_at and ttl >= w.rise_at and w.rise or 0)
  local values, by_ip, received, sum, squares = {}, {}, 0, 0, 0
  for i = 1, w.packets do
    if not lost[i] then
      local rtt = base + queue[i] + NOISE[w.noise[ttl]](R)
      received, sum = received + 1, sum + rtt
      squares = squares + rtt * rtt
      values[#values + 1] = rtt
    end
  end
  hop.received = received
  hop.loss_percent = 100 * (w.packets - received) / w.packets
  hop.loss_periods, hop.longest_loss_period = periods_of(lost)
  if received > 0 and not (w.silent and w.silent[ttl]) then
    local mean = sum / received
    local sorted = table.move(values, 1, #values, 1, {})
    table.sort(sorted)
    hop.responders[1] = { ip = ip_of(w, ttl), received = received,
      avg_ms = mean, median_ms = sorted[(received + 1) // 2],
      stdev_ms = received > 1 and math.sqrt(math.max(0,
        (squares - received * mean ^ 2) / (received - 1))) or 0,
      target = ttl == w.hops }
    by_ip[ip_of(w, ttl)] = values
  end
  return hop, by_ip
end

--- A run over a path.
-- @tparam table R see sim.random
-- @tparam table w `hops`, `packets`, `noise`: a shape for each hop, `queue`:
--   ms, `loss`, `burst`: mean length of bursts, `loss_from`, `rise_at`,
--   `rise`: ms, `ips`, `silent`
-- @treturn table under the keys of mtrtrace.report.structured
-- @treturn table single round trips, see mtrtrace.diff.snapshot
function M.run(R, w)
  local trace = { target = ("10.0.%d.1"):format(w.hops), protocol = "icmp",
    source = "10.0.0.1", reached = true, target_ttl = w.hops, hops = {} }
  local samples = {}
  local bursts = w.burst and losses(R, w.packets, w.loss, w.burst)
  for ttl = 1, w.hops do
    trace.hops[ttl], samples[ttl] = hop_of(R, w, ttl, bursts)
  end
  trace.reached = trace.hops[w.hops].received > 0
  return trace, samples
end

-- ---- a path ---------------------------------------------------------------

--- Draws a path without anything that changes between two runs.
-- @tparam table R
-- @tparam integer packets
-- @treturn table for run
function M.draw(R, packets)
  local w = { hops = R.whole(3, 12), packets = packets, noise = {},
    silent = {}, queue = R.pick { 0, 0, 0.3, 2 }, base = R.pick { 0.05, 1,
    4, 12 }, loss = R.pick { 0, 0, 0.01, 0.05, 0.2 },
    burst = R.pick { false, false, 3, 8 } }
  for ttl = 1, w.hops do
    w.noise[ttl] = R.pick(M.SHAPES)
    w.silent[ttl] = ttl < w.hops and R.chance(0.1)
  end
  w.loss_from = R.whole(1, w.hops)
  return w
end

--- A copy of a path with changes.
-- @tparam table w
-- @tparam table changes
-- @treturn table
function M.with(w, changes)
  return setmetatable(changes, { __index = w })
end

return M
