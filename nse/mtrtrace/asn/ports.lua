-- SPDX-License-Identifier: BSD-2-Clause

--- Which TCP ports a firewall on the way seems to swallow: whois is blocked
-- in many networks, and every further server would cost its whole deadline.
-- State only: it opens no connection and reads no clock.
-- @module mtrtrace.asn.ports
local M = {}

-- One server that does not answer may be down; so many are not.
local MOST_SILENT = 2

local Ports = {}
Ports.__index = Ports

local function of(self, port)
  self[port] = self[port] or { silent = {}, count = 0 }
  return self[port]
end

--- A server took a connection: nothing blocks this port.
-- @tparam integer port
function Ports:opened(port)
  of(self, port).open = true
end

--- A server did not answer at all, not even by a refusal.
-- @tparam integer port
-- @tparam string host
-- @treturn boolean whether the port is blocked since now
function Ports:silent(port, host)
  local one = of(self, port)
  if one.silent[host] then
    return false
  end
  one.silent[host] = true
  one.count = one.count + 1
  return one.count == MOST_SILENT and not one.open
end

--- Whether there is no point in trying another server.
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
