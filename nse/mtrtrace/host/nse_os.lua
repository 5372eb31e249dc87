-- SPDX-License-Identifier: BSD-2-Clause

--- What Nmap knows for the OS guess, for mtrtrace.os.collect: its file of
-- MAC prefixes, the target's hardware address, its own OS detection, and a
-- datagram to a port.
-- @module mtrtrace.host.nse_os
local M = {}

-- Nmap's file is read once in a run, and only where there is an address.
local function mac_prefixes(nmap, store)
  return function()
    if store.prefixes == nil then
      local path = nmap.fetchfile("nmap-mac-prefixes")
      local file = path and io.open(path)
      store.prefixes = file and file:read("a") or false
      if file then
        file:close()
      end
    end
    return store.prefixes or nil
  end
end

-- Connected, so that only the one who was asked can answer.
local function exchange(nmap)
  return function(address, port, bytes, seconds)
    local socket = nmap.new_socket()
    socket:set_timeout(seconds * 1000)
    local ok, answer = socket:connect(address, port, "udp")
    ok = ok and socket:send(bytes)
    if ok then
      ok, answer = socket:receive()
    end
    socket:close()
    return ok and answer or nil
  end
end

local function mac_of(target)
  local bytes = target.mac_addr
  return bytes and #bytes == 6 and ("%02x:%02x:%02x:%02x:%02x:%02x")
    :format(bytes:byte(1, 6)) or nil
end

-- Nmap hands a script only what matched in every test.
local function nmap_os(target)
  local match = type(target.os) == "table" and target.os[1]
  local name = type(match) == "table" and match.name or match
  return type(name) == "string" and { name = name } or nil
end

--- Adds what mtrtrace.os.collect asks of a host.
-- @tparam table host
-- @tparam table nmap NSE's module nmap
-- @tparam table store shared by all targets of the run
function M.add(host, nmap, store)
  host.mac_prefixes = mac_prefixes(nmap, store)
  host.exchange = exchange(nmap)
end

--- What Nmap knows of a target's system.
-- @tparam table target Nmap's host table
-- @treturn table `mac`: text, and `nmap_os`: { name }, where they are known
function M.facts(target)
  return { mac = mac_of(target), nmap_os = nmap_os(target) }
end

return M
