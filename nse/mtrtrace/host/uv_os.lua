-- SPDX-License-Identifier: BSD-2-Clause

--- What a host on luv has for the OS guess, mtrtrace.os.collect: the file of
-- MAC prefixes of an Nmap that is installed, and a datagram to a port.
-- @module mtrtrace.host.uv_os
local M = {}

local FILES = {
  "/usr/share/nmap/nmap-mac-prefixes",
  "/usr/local/share/nmap/nmap-mac-prefixes",
}

-- Read once in a run, and only where there is an address.
local function mac_prefixes()
  local text
  return function()
    for _, path in ipairs(text == nil and FILES or {}) do
      local file = io.open(path, "rb")
      text = text or file and file:read("a")
      if file then
        file:close()
      end
    end
    text = text or false
    return text or nil
  end
end

-- Sends, and hands the first datagram that comes back to `done`.
local function ask(udp, bytes, done)
  local ok, err = udp:send(bytes, nil, nil, function(failed)
    if failed then
      done(failed)
    end
  end)
  if ok then
    ok, err = udp:recv_start(function(failed, data)
      if failed or data then
        done(failed, data)
      end
    end)
  end
  if not ok then
    done(err)
  end
end

-- Connected, so that only the one who was asked can answer.
local function exchange(host, uv)
  return function(address, port, bytes, seconds)
    local udp = uv.new_udp()
    local ok, answer = udp:connect(address, port), nil
    if ok then
      ok, answer = host.await_for(seconds, function(done)
        ask(udp, bytes, done)
      end)
      ok = not ok
    end
    udp:close()
    return ok and answer or nil
  end
end

--- Adds `mac_prefixes` and `exchange` to a host.
-- @tparam table host { await_for }
-- @tparam table uv the module luv
function M.add(host, uv)
  host.mac_prefixes = mac_prefixes()
  host.exchange = exchange(host, uv)
end

return M
