-- SPDX-License-Identifier: BSD-2-Clause

--- The moment at which a trace ends as it is, whatever is still to come: the
-- user's max-time, or a timeout of Nmap's. Pure.
-- @module mtrtrace.session.deadline
local M = {}

--- A host that is stopped from a moment on.
-- @tparam table host see mtrtrace.session.tracer
-- @tparam ?table limit `at`: the moment by host.now; `name`: of what says so
-- @treturn table the same, or one before it
-- @treturn function () -> ?string the limit's name once it has struck
function M.bounded(host, limit)
  local struck
  if not limit then
    return host, function() end
  end
  local bounded = setmetatable({}, { __index = host })
  function bounded.stopped()
    if host.stopped and host.stopped() then
      return true
    end
    struck = struck or host.now() >= limit.at and limit.name or nil
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

--- Notes in a result that a limit has ended its trace. A trace that is ended
-- does not say whether its target replies.
-- @tparam table result changed in place
-- @tparam ?string name of the limit; nil where none has struck
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

return M
