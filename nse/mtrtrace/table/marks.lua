-- SPDX-License-Identifier: BSD-2-Clause

--- The marks after a figure of loss, and the lines that explain them. Pure.
-- @module mtrtrace.table.marks
local M = {}

--- Whether a rate-limited sample replaced the hop's initial sample.
-- @tparam table hop of a trace result
-- @treturn boolean
function M.is_resampled(hop)
  return hop.rate_limit ~= nil and not hop.stopped
end

local function shared(hop)
  return M.is_resampled(hop) and hop.rate_limit.shared > 0
end

local function untested(hop)
  return hop.untested ~= nil
end

--- Whether a hop's unanswered probes need not be loss on the path: hops beyond
-- have less loss, other targets may have used up the hop's rate limit, or the
-- capture may have dropped replies.
-- @tparam table hop of a trace result
-- @treturn boolean
function M.is_doubtful(hop)
  return hop.better_beyond ~= nil or hop.shared_rate_limit ~= nil
    or hop.lost_during_drops ~= nil
end

-- mtrtrace.table.notes explains "?" for each hop, so "?" has no text here.
local MARKS = {
  { mark = "r", is = M.is_resampled,
    about = "bursts were answered only in part, so Loss% is of probes sent "
      .. "more slowly" },
  { mark = "s", is = shared,
    about = "other traces' probes to the same router are counted too" },
  { mark = "u", is = untested,
    about = "not tested for rate limiting before the trace was ended: "
      .. "unanswered probes need not be lost ones" },
  { mark = "?", is = M.is_doubtful },
}

--- Returns the marks of a hop.
-- @tparam table hop of a trace result
-- @treturn string such as " r", " rs", " ?", or ""
function M.of(hop)
  local text = ""
  for _, row in ipairs(MARKS) do
    text = text .. (row.is(hop) and row.mark or "")
  end
  return text ~= "" and " " .. text or ""
end

local function occurs(row, hops)
  for _, hop in ipairs(hops) do
    if row.is(hop) then
      return true
    end
  end
  return false
end

--- Returns the legend of the marks in a result.
-- @tparam {table,...} hops of a trace result
-- @treturn {string,...} one line for each mark that occurs and has no note
function M.legend(hops)
  local lines = {}
  for _, row in ipairs(MARKS) do
    lines[#lines + 1] = row.about and occurs(row, hops)
      and ("%s: %s."):format(row.mark, row.about) or nil
  end
  return lines
end

return M
