-- SPDX-License-Identifier: BSD-2-Clause
--- hashed.lua PCAP: of captured Ethernet frames that leave the client for the
-- target, the bytes that load balancers hash, in hex: a line for each set of
-- them, with the number of packets and of different TTLs.
--   IPv4: type of service, protocol, addresses, first four bytes behind
--   IPv6: traffic class and flow label, next header, addresses, the same
local file = assert(io.open(arg[1], "rb"))
local data = file:read "a"
file:close()

local function hashed(packet)
  if packet:byte(1) >> 4 == 4 then
    local header = (packet:byte(1) & 15) * 4
    return packet:sub(2, 2) .. packet:sub(10, 10) .. packet:sub(13, 20)
      .. packet:sub(header + 1, header + 4), packet:byte(9)
  end
  return packet:sub(1, 4) .. packet:sub(7, 7) .. packet:sub(9, 44),
    packet:byte(8)
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local sets, order, at = {}, {}, 25
while at + 16 <= #data do
  local length = string.unpack("<I4", data, at + 8)
  local key, ttl = hashed(data:sub(at + 16 + 14, at + 15 + length))
  if not sets[key] then
    sets[key] = { count = 0, ttls = {}, kinds = 0 }
    order[#order + 1] = key
  end
  local set = sets[key]
  set.count = set.count + 1
  if not set.ttls[ttl] then
    set.ttls[ttl], set.kinds = true, set.kinds + 1
  end
  at = at + 16 + length
end
table.sort(order)
for _, key in ipairs(order) do
  print(hex(key), sets[key].count, sets[key].kinds)
end
