-- SPDX-License-Identifier: BSD-2-Clause

--- Estimates the path loss at each hop from the counts of all hops. Path loss
-- never falls from one hop to the next, because a probe lost before a hop gets
-- no reply from any hop beyond. A hop may also leave probes unanswered itself
-- (control-plane policing, rate limits), each hop with a share of its own.
--
-- A hidden Markov model: the state at a hop is the path loss, one of some
-- levels, and never falls along the path. The forward-backward algorithm gives
-- the probability of each level at each hop. Pure statistics on counts.
-- @module mtrtrace.base.survival
local loss = require "mtrtrace.base.proportion"

local M = {}

-- Levels of loss, evenly spaced in log odds; CLEAN is the level of a path with
-- negligible loss.
local CLEAN, LOWEST, HIGHEST, SPACING = 0.0005, 0.004, 0.98, 0.2

-- Prior probability that loss begins at a hop.
local STEP = 0.02

-- Shares of hops that drop replies of their own, with the prior probability of
-- each share: on some paths no hop drops replies, on some nearly all hops do.
-- The hops drop any share of their replies each, or about the same share
-- (routers of one operator).
local DROPPERS = {
  { hops = 0.1, likely = 0.4 },
  { hops = 0.4, likely = 0.2 },
  { hops = 0.85, likely = 0.2 },
  { hops = 0.4, likely = 0.1, alike = true },
  { hops = 0.85, likely = 0.1, alike = true },
}

-- Upper bound of a hop's sample size in the model. Loss changes with time and
-- hops are probed at different times, so more probes do not make the shares of
-- two hops more comparable.
local MOST = 1000

local function levels()
  local list = { CLEAN }
  local at, last = math.log(LOWEST / (1 - LOWEST)),
    math.log(HIGHEST / (1 - HIGHEST))
  while at <= last do
    list[#list + 1] = 1 / (1 + math.exp(-at))
    at = at + SPACING
  end
  return list
end

--- The levels of loss, in rising order.
M.LEVELS = levels()

local function capped(point)
  if point.sent <= MOST then
    return point.lost, point.sent
  end
  return (point.lost * MOST + point.sent // 2) // point.sent, MOST
end

-- Returns the common share of unanswered probes of all hops with loss but the
-- last, and the Occam factor of a common share that could have any value: the
-- more probes there are, the smaller the range of shares that fits the counts.
local function common_share(points)
  local lost, sent = 0, 0
  for i = 1, #points - 1 do
    if points[i].lost > 0 then
      local k, n = capped(points[i])
      lost, sent = lost + k, sent + n
    end
  end
  if sent == 0 then
    return CLEAN, 1
  end
  local share = math.min(lost / sent, HIGHEST)
  return share, math.min(1,
    math.sqrt(2 * math.pi * share * (1 - share) / sent))
end

-- Returns the likelihoods of a point's counts at each level: with path loss
-- alone, with replies dropped at any share, and with replies dropped at the
-- common share.
local function likelihoods(point, common)
  local lost, sent = capped(point)
  local path, own, alike, best = {}, {}, {}, 0
  for g, level in ipairs(M.LEVELS) do
    path[g] = loss.exactly(lost, sent, level)
    own[g] = loss.at_most(lost, sent + 1, level) / ((sent + 1) * (1 - level))
    alike[g] = loss.exactly(lost, sent, 1 - (1 - level) * (1 - common))
    best = math.max(best, path[g], own[g])
  end
  for g in ipairs(M.LEVELS) do
    path[g], own[g], alike[g] = path[g] / best, own[g] / best,
      alike[g] / best
  end
  return { path = path, own = own, alike = alike }
end

-- The last point is taken to drop no replies.
local function emission(likelihood, droppers, is_last)
  local out, share = {}, is_last and 0 or droppers.hops
  local own = droppers.alike and likelihood.alike or likelihood.own
  for g, path in ipairs(likelihood.path) do
    out[g] = (1 - share) * path + share * own[g]
  end
  return out
end

-- Scales a row to the sum 1; returns the logarithm of the former sum.
local function normalise(row)
  local sum = 0
  for _, value in ipairs(row) do
    sum = sum + value
  end
  for g = 1, #row do
    row[g] = row[g] / sum
  end
  return math.log(sum)
end

-- Transition from a hop to the next: the loss stays or rises to any level.
local function forward(before)
  local after, risen, count = {}, 0, #before
  for g, value in ipairs(before) do
    after[g] = (g < count and 1 - STEP or 1) * value + risen
    risen = risen + (g < count and STEP * value / (count - g) or 0)
  end
  return after
end

local function backward(after)
  local before, above, count = {}, 0, #after
  for g = count, 1, -1 do
    before[g] = g < count
      and (1 - STEP) * after[g] + STEP * above / (count - g) or after[g]
    above = above + after[g]
  end
  return before
end

local function product(a, b)
  local out = {}
  for g, value in ipairs(a) do
    out[g] = value * b[g]
  end
  return out
end

local function start()
  local row = { 1 }
  for g = 2, #M.LEVELS do
    row[g] = 0
  end
  return row
end

-- Returns the probability of each level at each point for one row of DROPPERS,
-- and the log likelihood of all counts.
local function posterior(points, likelihoods_of, droppers)
  local seen, rows, evidence, row = {}, {}, 0, start()
  for i = 1, #points do
    seen[i] = emission(likelihoods_of[i], droppers, i == #points)
    row = product(forward(row), seen[i])
    evidence = evidence + normalise(row)
    rows[i] = row
  end
  local beyond = {}
  for g = 1, #M.LEVELS do
    beyond[g] = 1
  end
  for i = #points, 1, -1 do
    rows[i] = product(rows[i], beyond)
    normalise(rows[i])
    beyond = backward(product(seen[i], beyond))
    normalise(beyond)
  end
  return rows, evidence
end

-- Viterbi transition from a hop to the next: the probability of the most
-- likely course to each level, and the level before.
local function likeliest_forward(before)
  local after, from, count = {}, {}, #before
  local risen, risen_from = 0, 1
  for g, value in ipairs(before) do
    local stays = (g < count and 1 - STEP or 1) * value
    after[g], from[g] = stays, g
    if risen > stays then
      after[g], from[g] = risen, risen_from
    end
    if g < count and STEP * value / (count - g) > risen then
      risen, risen_from = STEP * value / (count - g), g
    end
  end
  return after, from
end

local function highest(row)
  local best = 1
  for g, value in ipairs(row) do
    best = value > row[best] and g or best
  end
  return best
end

-- Returns the most likely course of the loss along the path (Viterbi).
local function course(points, likelihoods_of, droppers)
  local from, row = {}, start()
  for i = 1, #points do
    row, from[i] = likeliest_forward(row)
    row = product(row, emission(likelihoods_of[i], droppers, i == #points))
    normalise(row)
  end
  local out, g = {}, highest(row)
  for i = #points, 1, -1 do
    out[i], g = g, from[i][g]
  end
  return out
end

-- Returns the probability that all losses of a point are path loss.
local function honesty(likelihood, row, droppers)
  local sum = 0
  local whole = emission(likelihood, droppers)
  for g, weight in ipairs(row) do
    sum = sum + (whole[g] > 0 and weight * (1 - droppers.hops)
      * likelihood.path[g] / whole[g] or 0)
  end
  return sum
end

local function weights(runs)
  local most, sum = -math.huge, 0
  for _, run in ipairs(runs) do
    most = math.max(most, run.evidence)
  end
  for _, run in ipairs(runs) do
    run.weight = math.exp(run.evidence - most)
    sum = sum + run.weight
  end
  for _, run in ipairs(runs) do
    run.weight = run.weight / sum
  end
end

--- Estimates the path loss from the counts along a path.
-- @tparam {table,...} points in the order of the path: { sent (above 0),
--   lost }; the last one is taken to drop no replies of its own
-- @treturn {table,...} for each point: `levels`, the probability of each of
--   LEVELS, and `honest`, the probability that the point drops no replies of
--   its own
-- @treturn {integer,...} for each point, its index in LEVELS on the most
--   likely course of the loss along the path
function M.of(points)
  local found, runs, best = {}, {}, nil
  local common, fits = common_share(points)
  for i, point in ipairs(points) do
    found[i] = likelihoods(point, common)
  end
  for i, droppers in ipairs(DROPPERS) do
    local rows, evidence = posterior(points, found, droppers)
    runs[i] = { rows = rows, droppers = droppers,
      evidence = evidence + math.log(droppers.likely
        * (droppers.alike and fits or 1)) }
  end
  weights(runs)
  for _, run in ipairs(runs) do
    best = best and best.weight >= run.weight and best or run
  end
  local out = {}
  for i = 1, #points do
    local at = { levels = {}, honest = 0 }
    for g = 1, #M.LEVELS do
      at.levels[g] = 0
    end
    for _, run in ipairs(runs) do
      at.honest = at.honest + run.weight
        * honesty(found[i], run.rows[i], run.droppers)
      for g, value in ipairs(run.rows[i]) do
        at.levels[g] = at.levels[g] + run.weight * value
      end
    end
    out[i] = at
  end
  return out, course(points, found, best.droppers)
end

return M
