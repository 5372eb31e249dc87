-- SPDX-License-Identifier: BSD-2-Clause
--- A link of the simulated network: what one direction does to a packet.
-- Compiled once per world, because every packet crosses many of them.
-- @module sim.link
local M = {}

local MS = 1000000

local function whole(x)
  return x // 1 | 0
end

--- A delay as a function, or a constant where nothing is random.
-- @tparam ?number|table spec milliseconds, or { base_ms, jitter_ms, shape },
--   shape "uniform" (0 to jitter_ms), "exponential" or "normal" (the mean and
--   the deviation of what comes on top; never negative)
-- @tparam table random
-- @treturn integer the least, nanoseconds
-- @treturn ?function what comes on top
function M.delay(spec, random)
  if type(spec) ~= "table" then
    return whole((spec or 0) * MS)
  end
  local base, jitter = whole((spec.base_ms or 0) * MS), spec.jitter_ms
  if not jitter or jitter == 0 then
    return base
  end
  jitter = jitter * MS
  local unit, exponential = random.unit, random.exponential
  if spec.shape == "exponential" then
    return base, function() return whole(exponential(jitter)) end
  elseif spec.shape == "normal" then
    return base, function()
      local x = random.normal() * jitter
      return whole(x < 0 and -x or x)
    end
  end
  return base, function() return whole(unit() * jitter) end
end

-- Gilbert's model, a step per packet: from good to bad with `enter`, back
-- with `leave`; in the bad state `share` of the packets is lost.
local function bursts_by_packet(spec, unit)
  local enter, leave, share = spec.enter, spec.leave, spec.share or 1
  local bad = unit() < enter / (enter + leave)
  return function()
    if bad then
      bad = unit() >= leave
    else
      bad = unit() < enter
    end
    return bad and (share >= 1 or unit() < share)
  end
end

-- The same in continuous time: good and bad periods of these mean lengths.
local function bursts_by_time(spec, random)
  local good, length = spec.good_ms * MS, spec.bad_ms * MS
  local share = spec.share or 1
  local bad = random.unit() < length / (good + length)
  local until_ns = random.exponential(bad and length or good)
  return function(at_ns)
    while at_ns >= until_ns do
      bad = not bad
      until_ns = until_ns + random.exponential(bad and length or good)
    end
    return bad and (share >= 1 or random.unit() < share)
  end
end

local function loss(spec, random)
  if not spec or spec == 0 then
    return nil
  elseif type(spec) == "number" then
    local unit = random.unit
    return function() return unit() < spec end
  elseif spec.good_ms then
    return bursts_by_time(spec, random)
  end
  return bursts_by_packet(spec, random.unit)
end

--- The share of packets that a loss loses in the long run.
-- @tparam ?number|table spec
-- @treturn number 0 to 1
function M.loss_rate(spec)
  if type(spec) ~= "table" then
    return spec or 0
  elseif spec.good_ms then
    return spec.bad_ms / (spec.good_ms + spec.bad_ms) * (spec.share or 1)
  end
  return spec.enter / (spec.enter + spec.leave) * (spec.share or 1)
end

-- A queue that other people's packets make: they come at random, each takes
-- service_ms, and who would wait longer than limit_ms is dropped. Ours are too
-- few to matter, so each waits for what it finds; they are asked about out of
-- order, which is why the queue's recent past is kept.
local HISTORY = 65536

local function queue(spec, random)
  local service = spec.service_ms * MS
  local gap = (spec.others_every_ms or 2 * spec.service_ms) * MS
  local limit = (spec.limit_ms or math.huge) * MS
  local times, loads, n, load = { 0 }, { 0 }, 1, 0
  local next_ns = random.exponential(gap)

  local function arrive()
    load = load - (next_ns - times[n])
    load = load > 0 and load or 0
    load = load <= limit and load + service or load
    n = n + 1
    times[n], loads[n] = next_ns, load
    next_ns = next_ns + random.exponential(gap)
    if n == HISTORY then
      local half = HISTORY // 2
      for i = 1, half do
        times[i], loads[i] = times[i + half], loads[i + half]
        times[i + half], loads[i + half] = nil, nil
      end
      n = half
    end
  end

  return function(at_ns)
    while next_ns <= at_ns do
      arrive()
    end
    local i = n
    while i > 1 and times[i] > at_ns do
      i = i - 1
    end
    local wait = loads[i] - (at_ns - times[i])
    wait = wait > 0 and wait or 0
    if wait > limit then
      return nil
    end
    return whole(at_ns + wait + service)
  end
end

-- A narrow link: our own packets wait for each other. They come in order.
local FRAME = 18 -- bytes around an IP packet

local function narrow(spec)
  local per_byte, free_ns = 8 * MS / spec.rate_kbit, 0
  local limit = spec.queue_packets or 50
  return function(at_ns, bytes)
    local service = (bytes + FRAME) * per_byte
    local begin = free_ns > at_ns and free_ns or at_ns
    if (begin - at_ns) / service > limit then
      return nil
    end
    free_ns = begin + service
    return whole(free_ns)
  end
end

-- Periods in which nothing gets through; what came meanwhile leaves at their
-- end. Packets come in order.
local function stalls(spec, random)
  local every, length = spec.every_ms * MS, spec.for_ms * MS
  local from_ns, to_ns = 0, 0
  return function(at_ns)
    while at_ns >= to_ns do
      from_ns = to_ns + random.exponential(every)
      to_ns = from_ns + random.exponential(length)
    end
    return at_ns < from_ns and at_ns or whole(to_ns)
  end
end

--- One direction of a link.
-- @tparam table spec the world's `link`
-- @tparam string way "forward" or "back"
-- @tparam table random
-- @treturn integer the least delay, nanoseconds
-- @treturn ?function (at_ns, bytes) to when the packet is through, or nil
--   where it is lost; absent where the link only delays
function M.new(spec, way, random)
  local base, jitter = M.delay(spec[way .. "_ms"] or spec.delay_ms, random)
  local lost = loss(spec["loss_" .. way] or spec.loss, random)
  local wait = spec.queue and queue(spec.queue, random)
  local slow = way == "forward" and spec.rate_kbit and narrow(spec)
  local reorder, unit = spec.reorder, random.unit
  local stall = way == "forward" and spec.stalls
    and stalls(spec.stalls, random)

  if not (jitter or lost or wait or reorder or slow or stall) then
    return base
  end
  return base, function(at, bytes)
    if slow then
      at = slow(at, bytes)
      if not at then
        return nil
      end
    end
    if lost and lost(at) then
      return nil
    end
    if wait then
      at = wait(at)
      if not at then
        return nil
      end
    end
    if stall then
      at = stall(at)
    end
    if jitter then
      at = at + jitter()
    end
    if reorder and unit() < reorder.share then
      at = at + whole(reorder.delay_ms * MS)
    end
    return at + base
  end
end

return M
