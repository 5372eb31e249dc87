-- SPDX-License-Identifier: BSD-2-Clause
--- What a program inherits that this process starts while it traces, beyond
-- what it inherited before the engine was loaded: one text.
-- @module inherited
local M = {}

-- The descriptors of a child, as their targets. Its own, on the folder that
-- is read and on the pipe, are not ours.
local function descriptors()
  local pipe = assert(io.popen "ls -l /proc/self/fd")
  local found = {}
  for line in pipe:lines() do
    local target = line:match "%-> (.*)$"
    if target and not target:find "^/proc/" and not target:find "^pipe:" then
      found[#found + 1] = target
    end
  end
  pipe:close()
  table.sort(found)
  return found
end

--- @tparam string target to trace
-- @treturn string
function M.while_tracing(target)
  local before = descriptors()
  local core = require "mtrtrace.core"
  local list = {}
  for i, protocol in ipairs { "icmp", "udp", "tcp" } do
    list[i] = assert(core.trace { target = target, protocol = protocol,
      packets = 3 })
  end
  list[4] = assert(core.fingerprint { address = target, mode = "active" })
  list[5] = assert(core.pmtu { target = target })
  assert(core.prober()):fd()
  list[1]:wait(0.2)
  local now = descriptors()
  for _, handle in ipairs(list) do
    handle:close()
  end
  return #now == #before and ("inherits the %d of before"):format(#before)
    or "inherits " .. table.concat(now, " ")
end

return M
