-- SPDX-License-Identifier: BSD-2-Clause

--- By which sockets a run sends: raw ones where the process may open them,
-- else, or where the user says so, those that need no rights.
-- @module mtrtrace.session.sockets
local M = {}

local NO_ICMP = "this user may not send ICMP echo requests "
  .. "(net.ipv4.ping_group_range): probes are UDP"

--- Settles it for all traces of the process, which are to begin later.
-- @tparam table core the module mtrtrace.core
-- @tparam table options checked; without a protocol of the user's it becomes
--   "udp" where ICMP is not allowed
-- @tparam ?boolean unprivileged true: raw sockets are not tried
-- @tparam ?boolean given true: the protocol is the user's choice
-- @treturn ?boolean
-- @treturn ?string why not, one sentence; or what was changed
-- @treturn ?string name of the error
function M.settle(core, options, unprivileged, given)
  local kind, icmp, name = core.sockets(unprivileged and "unprivileged"
    or "auto")
  if not kind then
    return nil, icmp, name
  end
  options.sockets = kind
  if not icmp and not given and options.protocol == "icmp" then
    options.protocol = "udp"
    return true, NO_ICMP
  end
  return true
end

--- The options of a program's trace: without a protocol of its own UDP where
-- ICMP is not allowed.
-- @tparam table core the module mtrtrace.core
-- @tparam table options as core.trace takes them; not changed
-- @treturn ?table options for core.trace
-- @treturn ?string why there are none: one sentence
-- @treturn ?string name of the error
function M.prepare(core, options)
  if options.protocol then
    return options
  end
  local kind, icmp, name = core.sockets()
  if not kind then
    return nil, icmp, name
  elseif icmp then
    return options
  end
  local own = { protocol = "udp" }
  for key, value in pairs(options) do
    own[key] = value
  end
  return own
end

return M
