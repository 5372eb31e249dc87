-- SPDX-License-Identifier: BSD-2-Clause
-- noise.lua ADDRESS: a DNS server that answers each question with another
-- kind of nonsense, on UDP port 53; "ready" is printed once it listens.
local socket = require "socket"

local server = assert(socket.udp())
assert(server:setsockname(arg[1], 53))
print("ready")
io.stdout:flush()

-- Each gets the packet of a question, whose first two bytes are its number.
local ANSWERS = {
  function(q) return q end, -- the question itself
  function(q) return q:sub(1, 2) end,
  function(q) return q:sub(1, 2) .. ("\255"):rep(500) end,
  function(q) -- 65,535 records are promised
    return q:sub(1, 2) .. "\129\128\0\1\255\255\0\0\0\0" .. q:sub(13)
  end,
  function(q) -- a name that leads to itself
    return q:sub(1, 2) .. "\129\128\0\1\0\1\0\0\0\0" .. q:sub(13)
      .. "\192" .. string.char(#q) .. "\0\16\0\1\0\0\0\0\0\4\3abc"
  end,
  function(q) -- a text longer than its record
    return q:sub(1, 2) .. "\129\128\0\1\0\1\0\0\0\0" .. q:sub(13)
      .. "\192\12\0\16\0\1\0\0\0\0\0\4\255abc"
  end,
  function(q) return q:sub(1, 2) .. "\129\128" .. ("\0"):rep(8) end,
  function() return ("\27[2J"):rep(9000) end,
}

local count = 0
while true do
  local question, address, port = server:receivefrom()
  if question then
    count = count + 1
    server:sendto(ANSWERS[(count - 1) % #ANSWERS + 1](question), address,
      port)
  end
end
