-- SPDX-License-Identifier: BSD-2-Clause

--- Where along a path loss begins: steps in the share of lost probes, each
-- with the places that the counts cannot tell apart. Pure statistics: arrays
-- of counts in, steps out. tests/sim/verdict_quality.lua measures it.
--
-- Loss that begins at a hop persists to everything beyond it, so no step is
-- claimed that the last point does not show: by itself, or in agreement with
-- several points before it. The less of them agree, the more it must show.
--
-- A point is { sent, lost, rounds }: counts of one hop, and the rounds in
-- which it lost. Any of them may drop replies of its own; whether the last
-- one does cannot be told from loss, and it counts as if it did not.
-- @module mtrtrace.base.changepoint
local loss = require "mtrtrace.base.proportion"
local survival = require "mtrtrace.base.survival"

local M = {}

-- Chance at which the last point, if it lost no more than what is before the
-- step, would show as much: 1 in 100 where it is alone, three times that for
-- every point that agrees with it, up to 1 in 4. Hops that drop replies of
-- their own never agree with a last point that lost nothing.
local ALONE, AGREES, MOST_CHANCE = 0.01, 3, 0.27

-- A burst of loss takes the probes of many hops at once.
local MIN_ROUNDS = 3

-- Probability that there is a step; that it is not before, and not beyond
-- the places that are named.
local SURE, BEFORE, BEYOND = 0.8, 0.02, 0.98

-- Shares under which a point counts as one that drops replies of its own.
local HONEST = 0.5

-- How likely the loss has reached a level at each point; it never falls.
local function reached(found, level)
  local out = {}
  for i, at in ipairs(found) do
    local sum = 0
    for g = level, #at.levels do
      sum = sum + at.levels[g]
    end
    out[i] = sum
  end
  return out
end

local function first_above(shares, limit)
  for i, share in ipairs(shares) do
    if share >= limit then
      return i
    end
  end
end

local function is_honest(points, found, i)
  return i == #points or found[i].honest >= HONEST
end

-- Counts of the points that drop no replies of their own.
local function total(points, found, from, to)
  local lost, sent = 0, 0
  for i = from, to do
    if is_honest(points, found, i) then
      lost, sent = lost + points[i].lost, sent + points[i].sent
    end
  end
  return lost, sent
end

local function rounds(points, found, from, to)
  local seen, count = {}, 0
  for i = from, to do
    for _, round in ipairs(is_honest(points, found, i)
      and points[i].rounds or {}) do
      count = count + (seen[round] and 0 or 1)
      seen[round] = true
    end
  end
  return count
end

-- Whether the last point shows more loss than a share.
local function persists(points, found, at, share)
  local last, chance = points[#points], ALONE
  for i = at, #points - 1 do
    chance = chance * (is_honest(points, found, i) and AGREES or 1)
  end
  return loss.at_least(last.lost, last.sent, share)
    <= math.min(chance, MOST_CHANCE)
end

-- The place at which the loss most likely reaches a level, moved to where it
-- shows.
local function place(points, found, shares)
  local best, at = -1, 1
  for i, share in ipairs(shares) do
    local rise = share - (shares[i - 1] or 0)
    if rise > best then
      best, at = rise, i
    end
  end
  while at < #points and not is_honest(points, found, at) do
    at = at + 1
  end
  return at
end

-- The step from one level to a higher one, or nil. Where the last point may
-- be the only one that shows it, that point is named.
local function step_of(points, found, below, above)
  local level = (below + above) // 2 + 1
  local shares = reached(found, level)
  local sure = shares[#shares]
  if sure < SURE then
    return nil
  end
  for i, share in ipairs(shares) do
    shares[i] = share / sure
  end
  local high = first_above(shares, BEYOND) or #points
  local likely = place(points, found, shares)
  local at = high < #points and likely or #points
  return { at = at, likely = likely, high = math.max(at, high),
    low = math.min(likely, first_above(shares, BEFORE)) }
end

local function claimed(points, found, step, from)
  local lost, sent = total(points, found, from, step.likely - 1)
  local share = math.max(loss.BACKGROUND, sent > 0 and lost / sent or 0)
  return share < 1 and persists(points, found, step.likely, share)
    and rounds(points, found, step.likely, #points) >= MIN_ROUNDS
end

local function steps_of(points, found, course)
  local steps, below, from = {}, 1, 1
  for i, level in ipairs(course) do
    local step = level > (course[i - 1] or 1)
      and step_of(points, found, below, level)
    if step and (#steps == 0 or step.low > from)
      and claimed(points, found, step, from) then
      steps[#steps + 1] = step
      below, from = level, step.at
    end
  end
  return steps
end

local function with_counts(steps, points, found)
  for i, step in ipairs(steps) do
    local upper = i > 1 and steps[i - 1].at or 1
    local lower = i < #steps and steps[i + 1].at - 1 or #points
    local sure = step.at == step.likely and step.at or step.low
    step.lost_before, step.sent_before = total(points, found, upper, sure - 1)
    step.lost, step.sent = total(points, found, step.at, lower)
    step.point = points[step.at]
    step.previous, step.last = points[step.low - 1], points[step.high]
  end
  return steps
end

--- The steps along a path.
-- @tparam {table,...} points in the order of the path
-- @treturn {table,...} steps: `point` it is first seen at, `last` that comes
--   into question, `previous` that does not; `lost` of `sent` from there to
--   the next step, `lost_before` of `sent_before` since the one before, of
--   the points that drop no replies of their own
function M.find(points)
  local last = points[#points]
  if not last or last.lost == 0 or loss.at_least(last.lost, last.sent,
    loss.BACKGROUND) > MOST_CHANCE then
    return {}
  end
  local found, course = survival.of(points)
  return with_counts(steps_of(points, found, course), points, found)
end

return M
