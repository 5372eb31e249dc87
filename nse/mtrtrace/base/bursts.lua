-- SPDX-License-Identifier: BSD-2-Clause

--- Loss in bursts: the loss periods of RFC 3357, runs of consecutive lost
-- probes, and the distances between losses. Pure.
-- @module mtrtrace.base.bursts
local proportion = require "mtrtrace.base.proportion"

local M = {}

local log_choose = proportion.log_choose

-- Adds a finished run of lost probes: its length in probes and its duration.
-- The duration includes one probe interval after the last lost probe.
local function close(out, run)
  if not run then
    return
  end
  out.periods = out.periods + 1
  out.longest = math.max(out.longest, run.count)
  if run.count > 1 and run.first_s then
    local seconds = (run.last_s - run.first_s) * run.count / (run.count - 1)
    out.bursts = out.bursts + 1
    out.min_s = math.min(out.min_s or math.huge, seconds)
    out.max_s = math.max(out.max_s or 0, seconds)
  end
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- Result for a hop without loss; must not be changed.
local NONE = { periods = 0, bursts = 0, longest = 0 }

local function periods_of(ordinals, times)
  local out, run, distances = { periods = 0, bursts = 0, longest = 0 }, nil, {}
  for i, ordinal in ipairs(ordinals) do
    local at = times and times[i]
    -- Probe numbers continue from one flow to the next, send times do not:
    -- an earlier time starts another flow and ends the run.
    local later = not at or not run or not run.last_s or at >= run.last_s
    distances[#distances + 1] = run and later and ordinal - run.last or nil
    if run and later and ordinal == run.last + 1 then
      run.count, run.last, run.last_s = run.count + 1, ordinal, at
    else
      close(out, run)
      run = { count = 1, last = ordinal, first_s = at, last_s = at }
    end
  end
  close(out, run)
  out.distance = #distances > 0 and median(distances) or nil
  return out
end

--- Returns the bursts in a hop's loss.
-- @tparam table hop of a trace result: `lost`, numbers of its lost probes,
--   `lost_at`, their send times in seconds, `sent`, `received`
-- @treturn ?table { periods, longest: length of the longest in probes, bursts:
--   number of periods of two probes or more, min_s, max_s: shortest and
--   longest burst in seconds, distance: median distance between consecutive
--   losses, in probes }, must not be changed; nil where some lost probes are
--   not listed
function M.of(hop)
  local lost = hop.lost or NONE
  if hop.loss == nil or hop.silent
    or #lost ~= (hop.sent or 0) - (hop.received or 0) then
    return nil
  end
  return #lost > 0 and periods_of(lost, hop.lost_at) or NONE
end

-- Significance level of is_bursty.
local ODD = 0.001

--- Whether losses cluster more than independent losses would: the runs test of
-- Wald and Wolfowitz (1940) on the number of loss periods.
-- @tparam table found as given by of
-- @tparam integer lost
-- @tparam integer received
-- @treturn boolean
function M.is_bursty(found, lost, received)
  if found.bursts == 0 or received < 1 then
    return false
  end
  local chance, all = 0, log_choose(lost + received, lost)
  for k = 1, math.min(found.periods, received + 1) do
    chance = chance + math.exp(log_choose(received + 1, k)
      + log_choose(lost - 1, k - 1) - all)
  end
  return chance <= ODD
end

local function seconds(value)
  return (value < 9.95 and "%.1f" or "%.0f"):format(value)
end

--- Returns the text for a number of bursts.
-- @tparam integer count
-- @tparam number min_s duration of the shortest burst in seconds
-- @tparam number max_s duration of the longest burst
-- @treturn string such as "3 bursts of 0.4 to 1.2 s"
function M.words(count, min_s, max_s)
  local low, high = seconds(min_s), seconds(max_s)
  return ("%s of %s s"):format(count == 1 and "1 burst"
    or ("%d bursts"):format(count), low == high and low
    or low .. " to " .. high)
end

return M
