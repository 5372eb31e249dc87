-- SPDX-License-Identifier: BSD-2-Clause
--- Where along a path loss begins: steps in the share of lost probes, each
-- with the places that the counts cannot tell apart. Pure statistics: arrays
-- of counts in, steps out. tests/sim/verdict_quality.lua measures it.
--
-- A point is { sent, lost, rounds, sole }: counts of one hop, the rounds in
-- which it lost, and what a step means that rests on it alone: "step",
-- "doubt" or "noise".
-- @module mtrtrace.changepoint
local loss = require "mtrtrace.loss"

local M = {}

-- Likelihood ratio of a step (chi-squared, 12 is 1 in 2,000), and what must
-- be left of it without any one hop: forwarding loss is seen behind, too.
local LR_STEP, LR_WITHOUT_ONE = 12, 6

-- Loss that is no news; also the loss of a path of which nothing is known.
local BACKGROUND = 0.005

local MIN_ROUNDS = 3

-- Before a step there is no loss to speak of (prior Beta(1, 2000)), except
-- once in twenty, when another step is before it; or a hop that withholds
-- answers, which each one does once in twenty.
local SPIKE, OTHER_STEP, WITHHOLDS = 2000, 0.05, 0.05

-- Probability with which the step is within the places that are named.
local LEVEL = 0.95

local function total(points, from, to)
  local lost, sent = 0, 0
  for i = from, to do
    lost, sent = lost + points[i].lost, sent + points[i].sent
  end
  return lost, sent
end

local function log_sum(a, b)
  local most = math.max(a, b)
  return most + math.log(math.exp(a - most) + math.exp(b - most))
end

-- Log probability of counts whose share of loss is anything.
local function any(lost, sent)
  return loss.log_beta(lost + 1, sent - lost + 1)
end

local function clean(lost, sent)
  return loss.log_beta(lost + 1, sent - lost + SPIKE)
    - loss.log_beta(1, SPIKE)
end

-- Log probability of what is before a step.
local function before(points, from, to, open)
  local lost, sent = total(points, from, to)
  if from > to then
    return 0
  elseif not open then
    return any(lost, sent)
  end
  local sum = log_sum(math.log(1 - OTHER_STEP) + clean(lost, sent),
    math.log(OTHER_STEP) + any(lost, sent))
  for i = from, to do
    local point = points[i]
    sum = log_sum(sum, math.log(WITHHOLDS) + any(point.lost, point.sent)
      + clean(lost - point.lost, sent - point.sent))
  end
  return sum
end

-- The candidate that the loss begins at s. `open`: nothing is known of what
-- is before `from`, which stands for a path without loss.
local function candidate(points, from, s, to, open)
  local lost1, sent1 = total(points, from, s - 1)
  local lost2, sent2 = total(points, s, to)
  local first = sent1 > 0 and lost1 / sent1 or BACKGROUND
  if lost2 / sent2 <= first then
    return nil
  end
  local share = (lost1 + lost2) / (sent1 + sent2)
  local null = loss.log_likelihood(lost1 + lost2, sent1 + sent2,
    open and math.min(share, BACKGROUND) or share)
  return {
    at = s, to = to,
    weight = before(points, from, s - 1, open) + any(lost2, sent2),
    ratio = 2 * (loss.log_likelihood(lost1, sent1)
      + loss.log_likelihood(lost2, sent2) - null),
  }
end

local function without(points, index)
  local rest = {}
  for i, point in ipairs(points) do
    rest[#rest + 1] = i ~= index and point or nil
  end
  return rest
end

local function rounds(points, from, to)
  local seen, count = {}, 0
  for i = from, to do
    for _, round in ipairs(points[i].rounds) do
      count = count + (seen[round] and 0 or 1)
      seen[round] = true
    end
  end
  return count
end

-- The point that the step rests on alone, if there is one.
local function sole_support(points, from, step, open)
  if step.at == step.to then
    return step.at
  end
  for i = step.at, step.to do
    local one_less = candidate(without(points, i), from, step.at,
      step.to - 1, open)
    if points[i].sole ~= "step"
      and not (one_less and one_less.ratio >= LR_WITHOUT_ONE) then
      return i
    end
  end
end

-- The first and the last of the likeliest places that together reach LEVEL.
local function range(list)
  local whole = list[1].weight
  for i = 2, #list do
    whole = log_sum(whole, list[i].weight)
  end
  local low, high, sum = list[1].at, list[1].at, 0
  for _, item in ipairs(list) do
    if sum >= LEVEL then
      break
    end
    sum = sum + math.exp(item.weight - whole)
    low, high = math.min(low, item.at), math.max(high, item.at)
  end
  return low, high
end

-- The step of a segment, or nil; and the point that only seems to be one.
local function find_step(points, from, to, open)
  local list = {}
  for s = open and from or from + 1, to do
    list[#list + 1] = candidate(points, from, s, to, open)
  end
  table.sort(list, function(a, b)
    return a.weight > b.weight or a.weight == b.weight and a.at < b.at
  end)
  local step = list[1]
  if not step or step.ratio < LR_STEP
    or rounds(points, step.at, to) < MIN_ROUNDS then
    return nil
  end
  local sole = sole_support(points, from, step, open)
  if sole and points[sole].sole ~= "step" then
    return nil, sole
  end
  step.low, step.high = range(list)
  return step
end

-- Adds the steps of a segment in the order of the path; answers a point
-- that has to be left out first.
local function add_steps(steps, points, from, to, open)
  if from > to then
    return nil
  end
  local step, sole = find_step(points, from, to, open)
  if not step then
    return sole
  end
  sole = add_steps(steps, points, from, step.at - 1, open)
  steps[#steps + 1] = step
  return sole or add_steps(steps, points, step.at, to, false)
end

local function with_counts(steps, points)
  for i, step in ipairs(steps) do
    local upper = i > 1 and steps[i - 1].at or 1
    local lower = i < #steps and steps[i + 1].at - 1 or #points
    step.lost_before, step.sent_before = total(points, upper, step.at - 1)
    step.lost, step.sent = total(points, step.at, lower)
    step.point = points[step.at]
    step.previous, step.last = points[step.low - 1], points[step.high]
  end
  return steps
end

--- The steps along a path.
-- @tparam {table,...} points in the order of the path
-- @treturn {table,...} steps: `point` it is first seen at, `last` that comes
--   into question, `previous` that does not; `lost` of `sent` from there to
--   the next step, `lost_before` of `sent_before` since the one before
-- @treturn ?table the point that would be a step if it could be believed
function M.find(points)
  local steps = {}
  local sole = add_steps(steps, points, 1, #points, true)
  if not sole then
    return with_counts(steps, points), nil
  end
  local found, doubt = M.find(without(points, sole))
  return found, doubt or points[sole].sole == "doubt" and points[sole] or nil
end

return M
