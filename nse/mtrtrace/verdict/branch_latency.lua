-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on latency that is higher through some branches of a fork than
-- through the others. Uses the rules of mtrtrace.verdict.latency and subtracts
-- the difference that the same flows have before the fork. Pure.
-- @module mtrtrace.verdict.branch_latency
local branches = require "mtrtrace.verdict.branches"
local format = require "mtrtrace.base.format"
local latency = require "mtrtrace.verdict.latency"

local M = {}

local ms = format.kinds.ms.text

local function union(parts)
  local list = {}
  for _, part in ipairs(parts) do
    table.move(part.flows, 1, #part.flows, #list + 1, list)
  end
  table.sort(list)
  return list
end

-- The point at a TTL.
local function point_at(points, ttl)
  for _, point in ipairs(points) do
    if point.hop == ttl then
      return point
    end
  end
end

-- The last point before a TTL.
local function point_before(points, ttl)
  local found
  for _, point in ipairs(points) do
    found = point.hop < ttl and point or found
  end
  return found
end

-- The branches in two groups by their latency at a TTL, split at the widest
-- gap.
local function parted(fork, merge, at)
  local list = {}
  for _, part in ipairs(fork.parts) do
    local point = point_at(latency.points(merge(part.flows).hops), at)
    if not point then
      return nil
    end
    list[#list + 1] = { part = part, median = point.floor.median }
  end
  table.sort(list, function(a, b)
    return a.median < b.median
      or a.median == b.median and a.part.flows[1] < b.part.flows[1]
  end)
  local widest, gap = 1, -1
  for i = 1, #list - 1 do
    local step = list[i + 1].median - list[i].median
    if step > gap then
      widest, gap = i, step
    end
  end
  local fast, slow = {}, {}
  for i, item in ipairs(list) do
    table.insert(i <= widest and fast or slow, item.part)
  end
  return fast, slow
end

-- The difference that the slow flows have already before the fork.
local function head_start(slow, fast, ttl)
  local a, b = point_before(slow, ttl), point_before(fast, ttl)
  if not (a and b) then
    return 0, 0, 0
  end
  return a.floor.median - b.floor.median, a.floor_best - b.floor_best,
    math.sqrt(a.floor.error ^ 2 + b.floor.error ^ 2)
end

-- The least difference from a TTL on. A longer path delays the replies of all
-- hops beyond too; a hop that is only slow to reply does not.
local function lasting(slow, fast, at)
  local least, best = math.huge, math.huge
  for _, point in ipairs(slow) do
    local other = point.hop >= at and point_at(fast, point.hop)
    if other then
      least = math.min(least, point.floor.median - other.floor.median)
      best = math.min(best, point.floor_best - other.floor_best)
    end
  end
  return least, best
end

local function claim_of(fork, merge, at, least)
  local fast, slow = parted(fork, merge, at)
  if not fast then
    return nil
  end
  local slow_points = latency.points(merge(union(slow)).hops)
  local fast_points = latency.points(merge(union(fast)).hops)
  local a, b = point_at(slow_points, at), point_at(fast_points, at)
  if not (a and b) then
    return nil
  end
  local before, best_before, doubt = head_start(slow_points, fast_points,
    fork.ttl)
  local least_rise, least_best = lasting(slow_points, fast_points, at)
  local rise = least_rise - before
  local spread = math.sqrt(a.floor.error ^ 2 + b.floor.error ^ 2 + doubt ^ 2)
  if rise <= math.max(latency.RISE_MS,
    latency.RISE_SHARE * b.floor.median, least * spread)
    or not latency.sure(a.floor, b.floor, least) then
    return nil
  end
  return { slow = slow, at = at, rise = rise, above = a.floor.median,
    below = b.floor.median, flows = union(slow),
    best_rise = least_best - best_before }
end

local function verdict_of(claim, count)
  local nodes, flows = claim.slow, 0
  for _, node in ipairs(nodes) do
    flows = flows + node.total
  end
  local v = {
    kind = "branch_latency", hop = nodes[1].ttl, flows = flows,
    flow_count = count, rise = claim.rise, best_rise = claim.best_rise,
    before = claim.below, after = claim.above,
    address = #nodes == 1 and nodes[1].address or nil,
    compared_hop = claim.at > nodes[1].ttl and claim.at or nil,
  }
  v.text = ("Latency is higher through %s: %s ms at hop %d, %s ms on other "
    .. "flows, which fits %s."):format(branches.name(nodes, count),
    ms(v.after), claim.at, ms(v.before),
    latency.likeness(claim.rise, claim.best_rise))
  return v
end

--- Verdicts on the latency of branches.
-- @tparam {table,...} flows results of one flow each
-- @tparam function merge returns the result of a list of flow numbers
-- @treturn {table,...} verdicts of kind branch_latency
-- @treturn {integer,...} the flows without such a verdict
function M.list(flows, merge)
  local forks, out, slow = branches.forks(flows), {}, {}
  local chances = 0
  for _, fork in ipairs(forks) do
    chances = chances + 2 * (#fork.parts - 1)
  end
  local least = branches.threshold(chances)
  for i, fork in ipairs(forks) do
    local claim = claim_of(fork, merge, fork.ttl, least)
    local after = forks[i + 1]
    if not claim and not (after and after.ttl == fork.ttl + 1) then
      claim = claim_of(fork, merge, fork.ttl + 1, least)
    end
    out[#out + 1] = claim and verdict_of(claim, #flows) or nil
    for _, flow in ipairs(claim and claim.flows or {}) do
      slow[flow] = true
    end
  end
  local left = {}
  for _, flow in ipairs(flows) do
    left[#left + 1] = not slow[flow.flow] and flow.flow or nil
  end
  return out, left
end

return M
