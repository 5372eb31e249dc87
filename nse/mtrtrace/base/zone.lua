-- SPDX-License-Identifier: BSD-2-Clause

--- Zone of an IPv6 link-local target: Nmap hands a script the address
-- without it. Pure: interfaces in, a name out.
-- @module mtrtrace.base.zone
local special = require "mtrtrace.base.special"

local M = {}

local function usable(interface)
  return interface.up == "up" and interface.link ~= "loopback"
    and interface.address ~= nil and interface.address:find(":", 1, true)
    and special.class(interface.address) == "link-local"
end

-- The interface that has the address; else the only one there is.
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

--- An address that this host can send to.
-- @tparam string address
-- @tparam ?string interface on which a link-local one is
-- @treturn ?string nil where the address needs a zone and there is none
function M.with(address, interface)
  if not M.missing(address) then
    return address
  end
  return interface and address .. "%" .. interface
end

--- The zone to use for a target.
-- @tparam string target IPv6 link-local address
-- @tparam ?string forced interface the user named
-- @tparam ?string routed interface Nmap found the target on
-- @tparam {table,...} interfaces as listed by nmap.list_interfaces()
-- @treturn ?string nil where several interfaces come into question
function M.pick(target, forced, routed, interfaces)
  if forced then
    return forced
  elseif routed and not routed:find("^lo%d*$") then
    return routed
  end
  return search(target, interfaces)
end

return M
