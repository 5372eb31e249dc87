-- SPDX-License-Identifier: BSD-2-Clause
--- Address translation: what a NAT changes in the packets that pass it and
-- in the quotes that come back.
-- @module sim.nat
local packet = require "sim.packet"

local M = {}

local pack, unpack, patch = string.pack, string.unpack, packet.patch

local CHECK_AT = { [1] = 2, [6] = 16, [17] = 6, [58] = 2 }
local COVERS_ADDRESSES = { [6] = true, [17] = true, [58] = true }

-- RFC 1624: a checksum after words of this sum were replaced.
local function adjust(bytes, at, minus, plus)
  local check = unpack(">I2", bytes, at + 1)
  while minus > 0xffff do
    minus = (minus >> 16) + (minus & 0xffff)
  end
  return patch(bytes, at, pack(">I2", packet.checksum(
    (~check & 0xffff) + (~minus & 0xffff) + plus)))
end

local function replace(bytes, at, new, checks)
  local minus, plus = packet.sum(bytes:sub(at + 1, at + #new)), packet.sum(new)
  bytes = patch(bytes, at, new)
  for _, check in ipairs(checks) do
    bytes = adjust(bytes, check, minus, plus)
  end
  return bytes
end

--- The packet behind the NAT.
-- @tparam table nat source, target (bytes), source_port, target_port (also
--   the ICMP identifier)
-- @tparam string bytes
-- @tparam table p the packet as packet.read gave it
-- @treturn string
function M.forward(nat, bytes, p)
  local v4 = p.version == 4
  local transport = p.header + CHECK_AT[p.protocol]
  local checks = v4 and { 10 } or {}
  if COVERS_ADDRESSES[p.protocol] then
    checks[#checks + 1] = transport
  end
  if nat.source then
    bytes = replace(bytes, v4 and 12 or 8, nat.source, checks)
  end
  if nat.target then
    bytes = replace(bytes, v4 and 16 or 24, nat.target, checks)
  end
  local echo = p.protocol == 1 or p.protocol == 58
  if nat.source_port then
    bytes = replace(bytes, p.header + (echo and 4 or 0),
      pack(">I2", nat.source_port), { transport })
  end
  if nat.target_port and not echo then
    bytes = replace(bytes, p.header + 2, pack(">I2", nat.target_port),
      { transport })
  end
  return bytes
end

--- The packet that an error coming back through the NAT quotes.
-- @tparam table nat `restore`: "all" (the default) as it was before,
--   "addresses" with addresses and ports put back and the transport's
--   checksum left as rewritten, "none" as it stands behind the NAT
-- @tparam string before the packet in front of the NAT
-- @tparam string behind the packet that is quoted
-- @tparam table p
-- @treturn string
function M.back(nat, before, behind, p)
  if nat.restore == "none" then
    return behind
  elseif nat.restore == "addresses" then
    local at = p.header + CHECK_AT[p.protocol]
    return patch(before, at, behind:sub(at + 1, at + 2))
  end
  return before
end

return M
