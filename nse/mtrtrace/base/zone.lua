-- SPDX-License-Identifier: BSD-2-Clause

--- Finds the zone of an IPv6 link-local target, because Nmap passes the
-- address to a script without its zone. Pure: interfaces in, a name out.
-- @module mtrtrace.base.zone
local special = require "mtrtrace.base.special"

local M = {}

local function usable(interface)
  return interface.up == "up" and interface.link ~= "loopback"
    and interface.address ~= nil and interface.address:find(":", 1, true)
    and special.class(interface.address) == "link-local"
end

-- Returns the interface that has the address; else the only interface.
local function search(target, interfaces)
  local names, only = 0, nil
  for _, interface in ipairs(interfaces) do
    if usable(interface) then
      if special.bytes(interface.address) == special.bytes(target) then
        return interface.device
      elseif interface.device ~= only then
        names, only = names + 1, interface.device
      end
    end
  end
  return names == 1 and only or nil
end

--- Whether an address needs a zone and lacks it.
-- @tparam string target address
-- @treturn boolean
function M.missing(target)
  return target:find(":", 1, true) ~= nil and not target:find("%", 1, true)
    and special.class(target) == "link-local"
end

--- Returns an address with the zone that it needs.
-- @tparam string address
-- @tparam ?string interface of a link-local address
-- @treturn ?string nil where the address needs a zone and there is none
function M.with(address, interface)
  if not M.missing(address) then
    return address
  end
  return interface and address .. "%" .. interface
end

--- Returns the zone for a target.
-- @tparam string target IPv6 link-local address
-- @tparam ?string forced interface named by the user
-- @tparam ?string routed interface on which Nmap found the target
-- @tparam {table,...} interfaces as listed by nmap.list_interfaces()
-- @treturn ?string nil where several interfaces are possible
function M.pick(target, forced, routed, interfaces)
  if forced then
    return forced
  elseif routed and not routed:find("^lo%d*$") then
    return routed
  end
  return search(target, interfaces)
end

return M
