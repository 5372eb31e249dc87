-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on round-trip times. A hop beyond another cannot be nearer, so the
-- lowest RTT from a hop on (the floor) bounds the delay of the path to that
-- hop: where the floor rises, the path has more delay; a hop above the floor
-- is only slow to reply. Pure.
-- @module mtrtrace.verdict.latency
local format = require "mtrtrace.base.format"
local loop = require "mtrtrace.verdict.loop"
local words = require "mtrtrace.verdict.words"

local M = {}

local MIN_SAMPLES, FEW = 5, 7

-- Least differences for a verdict, besides three standard errors. A rise must
-- also exceed the typical rise by a factor, as the RTT of every path grows hop
-- by hop.
local RISE_MS, RISE_SHARE, RISE_OTHERS = 1, 0.2, 3
local SLOW_MS, SURE = 2, 3

local ms = format.kinds.ms.text

-- Standard error of a median: 1.253 times that of the mean, with 0.7413 times
-- the interquartile range as the standard deviation (both for a normal
-- distribution); larger for few samples.
local function standard_error(responder, samples)
  return 1.253 * 1.4826 * (responder.p75_ms - responder.p25_ms) / 2
    / math.sqrt(samples) * (1 + FEW / samples)
end

-- The RTT figures of the hop's main responder; nil with too few samples.
local function point_of(hop)
  local main = hop.responders[1]
  local samples = main and main.received - main.late or 0
  if samples < MIN_SAMPLES or not (main.median_ms and main.p25_ms) then
    return nil
  end
  return { hop = hop.ttl, median = main.median_ms, best = main.best_ms,
    low = main.p25_ms, high = main.p75_ms,
    error = standard_error(main, samples) }
end

-- The median of the rises at all other points.
local function typical(points, index)
  local rises = {}
  for i, point in ipairs(points) do
    rises[#rises + 1] = i ~= index and point.rise or nil
  end
  table.sort(rises)
  return rises[(#rises + 1) // 2]
end

--- Points of the path.
-- @tparam {table,...} hops of a trace result
-- @treturn {table,...} { hop = TTL, median, best, low, high (quartiles),
--   error (of the median), floor = the point with the lowest median from here
--   on, floor_best, rise = floor minus the floor of the previous point }
function M.points(hops)
  local points = {}
  for _, hop in ipairs(hops) do
    points[#points + 1] = point_of(hop)
  end
  local floor, best
  for i = #points, 1, -1 do
    local point = points[i]
    floor = (not floor or point.median < floor.median) and point or floor
    best = math.min(best or point.best, point.best)
    point.floor, point.floor_best = floor, best
  end
  for i, point in ipairs(points) do
    local before = points[i - 1]
    point.rise = point.floor.median - (before and before.floor.median or 0)
  end
  return points
end

--- Whether one median is significantly above another. The floor is the lowest
-- of many medians, so three standard errors alone give false positives; the
-- interquartile ranges must not overlap either.
-- @tparam table above a point
-- @tparam table below a point
-- @tparam ?number z standard errors; nil for three
-- @treturn boolean
function M.sure(above, below, z)
  return above.low > below.high and above.median - below.median
    > (z or SURE) * math.sqrt(above.error ^ 2 + below.error ^ 2)
end

--- The likely cause of a rise: only a longer path raises the shortest RTT.
function M.likeness(rise, best_rise)
  return best_rise >= rise / 2 and "a longer path" or "a queue"
end

M.RISE_MS, M.RISE_SHARE = RISE_MS, RISE_SHARE

local function rise(points, i)
  local before, point = points[i - 1], points[i]
  local a, b = before.floor, point.floor
  local v = {
    kind = "latency_rise", hop = point.hop,
    from = before.hop + 1 < point.hop and before.hop + 1 or nil,
    before = a.median, after = b.median, rise = point.rise,
    best_rise = point.floor_best - before.floor_best,
  }
  if v.rise <= math.max(RISE_MS, RISE_SHARE * v.before,
    RISE_OTHERS * typical(points, i)) or not M.sure(b, a) then
    return nil
  end
  v.to = v.from and v.hop
  local like = M.likeness(v.rise, v.best_rise)
  v.text = ("Latency rises at %s and persists: %s to %s ms, the shortest "
    .. "round trip by %s ms, which fits %s."):format(
    words.likely(v.hop, v.from or v.hop, v.hop), ms(v.before), ms(v.after),
    ms(v.best_rise), like)
  return v
end

local function slow(point)
  local excess = point.median - point.floor.median
  if excess <= SLOW_MS or not M.sure(point, point.floor) then
    return nil
  end
  return {
    kind = "slow_to_answer", hop = point.hop, median = point.median,
    excess = excess, compared_hop = point.floor.hop,
    text = ("Hop %d is slow to reply but forwards fine: %s ms, hop %d "
      .. "beyond it %s ms."):format(point.hop, ms(point.median),
      point.floor.hop, ms(point.floor.median)),
  }
end

-- The hops before a routing loop; RTTs within the loop grow with the number of
-- rounds that the TTL allows.
local function before_loop(result)
  local found, hops = loop.find(result), {}
  for _, hop in ipairs(result.hops) do
    hops[#hops + 1] = (not found or hop.ttl < found.first) and hop or nil
  end
  return hops
end

--- Verdicts on latency.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} of the kinds latency_rise and slow_to_answer
function M.list(result)
  local points, out = M.points(before_loop(result)), {}
  for i, point in ipairs(points) do
    out[#out + 1] = i > 1 and rise(points, i) or nil
    out[#out + 1] = slow(point)
  end
  return out
end

return M
