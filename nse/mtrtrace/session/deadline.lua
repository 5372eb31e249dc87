-- SPDX-License-Identifier: BSD-2-Clause

--- The end of a trace before it is done: the user's max-time, a timeout of
-- Nmap's, or an interruption of the whole run. Pure.
-- @module mtrtrace.session.deadline
local words = require "mtrtrace.verdict.words"

local M = {}

--- Returns a host that also stops at a time limit.
-- @tparam table host see mtrtrace.session.tracer
-- @tparam ?table limit `at`: the moment by host.now; `name` of the limit
-- @treturn table
-- @treturn function () -> ?string what stopped the host: the limit's name or
--   words.INTERRUPT
function M.bounded(host, limit)
  local struck
  local bounded = setmetatable({}, { __index = host })
  function bounded.stopped()
    struck = struck or host.stopped and host.stopped() and words.INTERRUPT
      or limit and host.now() >= limit.at and limit.name or nil
    return struck ~= nil
  end
  return bounded, function() return struck end
end

--- The one of two limits that strikes first.
-- @tparam ?table a
-- @tparam ?table b
-- @treturn ?table
function M.first(a, b)
  if not (a and b) then
    return a or b
  end
  return b.at < a.at and b or a
end

--- Notes in a result that its trace ended before it was done. The engine does
-- not say of such a trace whether its target has replied.
-- @tparam table result changed in place
-- @tparam ?string name of what ended it, as from bounded; nil for nothing
-- @treturn table the same
function M.note(result, name)
  if not name or result.done then
    return result
  end
  result.stopped = name
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      result.reached = result.reached or responder.target or false
    end
  end
  return result
end

--- Returns whether a run counts a target as reached. An interrupted trace does
-- not count, whatever it had found.
-- @tparam ?table result nil where there was no trace
-- @treturn boolean
function M.counts_as_reached(result)
  return result ~= nil and result.reached and result.stopped ~= words.INTERRUPT
end

return M
