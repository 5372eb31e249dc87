-- SPDX-License-Identifier: BSD-2-Clause

--- TCP ports that a firewall on the path seems to drop. Whois is blocked in
-- many networks; without this list each further server would cost its full
-- timeout.
-- State only: it opens no connection and reads no clock.
-- @module mtrtrace.asn.ports
local M = {}

-- One server that does not answer may be down; two are unlikely to be.
local MOST_SILENT = 2

local Ports = {}
Ports.__index = Ports

local function of(self, port)
  self[port] = self[port] or { silent = {}, count = 0 }
  return self[port]
end

--- Notes an accepted connection: the port is not blocked.
-- @tparam integer port
function Ports:opened(port)
  of(self, port).open = true
end

--- Notes that a server sent no packet in reply, not even a refusal.
-- @tparam integer port
-- @tparam string host
-- @treturn boolean whether the port counts as blocked from this call on
function Ports:silent(port, host)
  local one = of(self, port)
  if one.silent[host] then
    return false
  end
  one.silent[host] = true
  one.count = one.count + 1
  return one.count == MOST_SILENT and not one.open
end

--- Whether a port counts as blocked.
-- @tparam integer port
-- @treturn boolean
function Ports:blocked(port)
  local one = of(self, port)
  return one.count >= MOST_SILENT and not one.open
end

--- The ports of a run.
-- @treturn table
function M.new()
  return setmetatable({}, Ports)
end

return M
