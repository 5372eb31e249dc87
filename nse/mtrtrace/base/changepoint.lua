-- SPDX-License-Identifier: BSD-2-Clause

--- Finds the hops at which path loss begins: steps in the share of lost
-- probes, each with the range of hops among which the counts cannot
-- distinguish. Pure statistics: arrays of counts in, steps out.
-- tests/sim/verdict_quality.lua measures the error rates.
--
-- Loss that begins at a hop affects every hop beyond it, so a step needs the
-- evidence of the last point, alone or in agreement with points before it. The
-- fewer points agree, the stronger the evidence of the last one has to be.
--
-- A point is { sent, lost, rounds }: counts of one hop, and the rounds in
-- which it lost probes. Any hop may drop ICMP replies of its own. For the last
-- point such drops cannot be distinguished from path loss, so the last point
-- is taken to drop none.
-- @module mtrtrace.base.changepoint
local loss = require "mtrtrace.base.proportion"
local survival = require "mtrtrace.base.survival"

local M = {}

-- Significance level of the last point's loss against the loss before the
-- step: 0.01 where no other point agrees, tripled for every point that agrees,
-- up to 0.27. Hops that drop replies of their own never agree with a last
-- point without loss.
local ALONE, AGREES, MOST_CHANCE = 0.01, 3, 0.27

-- Rounds with loss that a step needs: one burst of loss takes the probes of
-- many hops in the same round, which is a single event and no step.
local MIN_ROUNDS = 3

-- Posterior probability from which a step is reported, and the quantiles that
-- bound the range of hops at which the step may be.
local SURE, BEFORE, BEYOND = 0.8, 0.02, 0.98

-- Probability of dropping no replies of its own (see survival.lua) below which
-- a point counts as one that drops replies.
local HONEST = 0.5

-- Returns the probability that the loss has reached a level at each point; the
-- probability never falls along the path.
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

-- Sums the counts of the points that drop no replies of their own.
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

-- Whether the last point's loss is significantly above a share.
local function persists(points, found, at, share)
  local last, chance = points[#points], ALONE
  for i = at, #points - 1 do
    chance = chance * (is_honest(points, found, i) and AGREES or 1)
  end
  return loss.at_least(last.lost, last.sent, share)
    <= math.min(chance, MOST_CHANCE)
end

-- Returns the point at which the loss most likely reaches a level, moved to
-- the first point whose counts show that loss.
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

-- Returns the step from one level to a higher one, or nil. Where possibly only
-- the last point shows the step, the step is at the last point.
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

--- Returns the steps along a path.
-- @tparam {table,...} points in the order of the path
-- @treturn {table,...} steps: `point`, the first one with the loss; `last`,
--   the farthest one at which the loss may begin; `previous`, the last one
--   that is certainly before the step; `lost` of `sent` from the step to the
--   next one, `lost_before` of `sent_before` since the step before, both
--   without the points that drop replies of their own
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
