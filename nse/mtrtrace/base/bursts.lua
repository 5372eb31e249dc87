-- SPDX-License-Identifier: BSD-2-Clause

--- Loss in bursts: the loss periods of RFC 3357, runs of consecutive lost
-- probes, and the distances between losses. Pure.
-- @module mtrtrace.base.bursts
local proportion = require "mtrtrace.base.proportion"

local M = {}

local log_choose = proportion.log_choose

-- Ends a run: its probes, and the time from the first of them to the one that
-- would have followed the last, as far apart as they are.
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

-- Of a hop that lost nothing; not to be changed.
local NONE = { periods = 0, bursts = 0, longest = 0 }

local function periods_of(ordinals, times)
  local out, run, distances = { periods = 0, bursts = 0, longest = 0 }, nil, {}
  for i, ordinal in ipairs(ordinals) do
    local at = times and times[i]
    -- A flow's numbers follow those of the flow before, its times do not.
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

--- The bursts of a hop's loss.
-- @tparam table hop of a trace result: `lost`, numbers of its lost probes,
--   `lost_at`, when these were sent, in seconds, `sent`, `received`
-- @treturn ?table { periods, longest: probes of the longest, bursts: periods
--   of two probes or more, min_s, max_s: how long these took, distance: the
--   median of the distances between consecutive losses, in probes }, not to be
--   changed; nil where not all lost probes are known
function M.of(hop)
  local lost = hop.lost or NONE
  if hop.loss == nil or hop.silent
    or #lost ~= (hop.sent or 0) - (hop.received or 0) then
    return nil
  end
  return #lost > 0 and periods_of(lost, hop.lost_at) or NONE
end

-- Chance at which independent losses stand together as much.
local ODD = 0.001

--- Whether losses stand together more than independent ones do: the chance of
-- so few periods (Wald and Wolfowitz 1940).
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

--- Bursts in words.
-- @tparam integer count
-- @tparam number min_s of the shortest, seconds
-- @tparam number max_s of the longest
-- @treturn string such as "3 bursts of 0.4 to 1.2 s"
function M.words(count, min_s, max_s)
  local low, high = seconds(min_s), seconds(max_s)
  return ("%s of %s s"):format(count == 1 and "1 burst"
    or ("%d bursts"):format(count), low == high and low
    or low .. " to " .. high)
end

return M
