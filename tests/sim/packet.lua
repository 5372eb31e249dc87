-- SPDX-License-Identifier: BSD-2-Clause
--- Packets of the simulated network as bytes: reads probes, builds answers.
-- Checksums are right, so that a real kernel takes the packets too.
-- @module sim.packet
local M = {}

local pack, unpack, sub, rep = string.pack, string.unpack, string.sub,
  string.rep

-- One's complement sum of 16-bit words, not folded; `s` begins at an even
-- offset of its packet.
local function sum(s, from)
  local n, total = #s, 0
  local at = from or 1
  while at + 31 <= n do
    local a, b, c, d, e, f, g, h = unpack(">I4I4I4I4I4I4I4I4", s, at)
    total = total + a + b + c + d + e + f + g + h
    at = at + 32
  end
  while at + 3 <= n do
    total = total + unpack(">I4", s, at)
    at = at + 4
  end
  if at <= n then
    total = total + unpack(">I4", sub(s, at, n) .. "\0\0\0\0")
  end
  return total
end

local function fold(total)
  while total > 0xffff do
    total = (total >> 16) + (total & 0xffff)
  end
  return total
end

M.sum = sum

-- Addresses come again and again.
local address_sums = setmetatable({}, { __index = function(t, address)
  t[address] = sum(address)
  return t[address]
end })

--- The Internet checksum.
-- @tparam integer total of sums
-- @treturn integer
function M.checksum(total)
  return ~fold(total) & 0xffff
end
local checksum = M.checksum

--- Text of an address to its bytes.
-- @tparam string text IPv4 or IPv6 without a zone
-- @treturn string 4 or 16 bytes
function M.address(text)
  local a, b, c, d = text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$"
  if a then
    return string.char(a, b, c, d)
  end
  local head, tail = text:match "^(.-)::(.*)$"
  local function words(part)
    local s = ""
    for word in part:gmatch "[^:]+" do
      s = s .. pack(">I2", tonumber(word, 16))
    end
    return s
  end
  if not head then
    head, tail = text, ""
  end
  head, tail = words(head), words(tail)
  local bytes = head .. rep("\0", 16 - #head - #tail) .. tail
  assert(#bytes == 16, text .. " is no address")
  return bytes
end

--- Reads a probe into `p`: version, header (its length), ttl, tos, id, df,
-- length, protocol, source, target, bytes. Options and extension headers of
-- the probe itself are not expected.
-- @tparam table p
-- @tparam string bytes
function M.read(p, bytes)
  p.bytes = bytes
  if bytes:byte() >> 4 == 4 then
    local _, offset
    _, p.tos, p.length, p.id, offset, p.ttl, p.protocol, _, p.source,
      p.target = unpack(">BBI2I2I2BBI2c4c4", bytes)
    p.version, p.header, p.df = 4, 20, offset & 0x4000 ~= 0
  else
    local word, length
    word, length, p.protocol, p.ttl, p.source, p.target =
      unpack(">I4I2BBc16c16", bytes)
    p.version, p.header, p.tos = 6, 40, word >> 20 & 0xff
    p.label, p.length, p.id, p.df = word & 0xfffff, length + 40, 0, true
  end
end

--- The packet as it stands at a router: another TTL, the header's checksum
-- made right again.
-- @tparam string bytes
-- @tparam integer ttl
-- @treturn string
function M.with_ttl(bytes, ttl)
  if ttl == bytes:byte(bytes:byte() >> 4 == 6 and 8 or 9) then
    return bytes
  end
  if bytes:byte() >> 4 == 6 then
    return sub(bytes, 1, 7) .. string.char(ttl) .. sub(bytes, 9)
  end
  local was, protocol, check = unpack(">BBI2", bytes, 9)
  check = checksum((~check & 0xffff) + (was << 8 ~ 0xffff) + (ttl << 8))
  return sub(bytes, 1, 8) .. pack(">BBI2", ttl, protocol, check)
    .. sub(bytes, 13)
end

--- The TOS or traffic class of a packet.
-- @tparam string bytes
-- @treturn integer
function M.tos(bytes)
  return unpack(">I2", bytes) >> (bytes:byte() >> 4 == 6 and 4 or 0) & 0xff
end

--- The packet with another TOS or traffic class.
-- @tparam string bytes
-- @tparam integer tos
-- @treturn string
function M.with_tos(bytes, tos)
  if bytes:byte() >> 4 == 6 then
    local word = unpack(">I4", bytes)
    return pack(">I4", word & 0xf00fffff | tos << 20) .. sub(bytes, 5)
  end
  local was, check = bytes:byte(2), unpack(">I2", bytes, 11)
  check = checksum((~check & 0xffff) + (was ~ 0xffff) + tos)
  return sub(bytes, 1, 1) .. string.char(tos) .. sub(bytes, 3, 10)
    .. pack(">I2", check) .. sub(bytes, 13)
end

--- The TCP segment with other flags; the checksum is made right.
-- @tparam string bytes
-- @tparam integer header length of the IP header
-- @tparam integer keep the flags that stay, of nine
-- @treturn string
function M.with_tcp_flags(bytes, header, keep)
  local was, check = unpack(">I2", bytes, header + 13),
    unpack(">I2", bytes, header + 17)
  local now = was & (0xfe00 | keep)
  check = checksum((~check & 0xffff) + (~was & 0xffff) + now)
  return M.patch(M.patch(bytes, header + 12, pack(">I2", now)), header + 16,
    pack(">I2", check))
end

--- An IP packet.
-- @tparam table ip version, source, target (bytes), ttl, tos, id, df
-- @tparam integer protocol
-- @tparam string payload
-- @treturn string
function M.ip(ip, protocol, payload)
  if ip.version == 6 then
    return pack(">I4I2BB", 6 << 28 | ip.tos << 20, #payload, protocol, ip.ttl)
      .. ip.source .. ip.target .. payload
  end
  local length, flags = #payload + 20, ip.df and 0x4000 or 0
  local check = checksum(0x4500 + ip.tos + length + ip.id + flags
    + (ip.ttl << 8) + protocol + address_sums[ip.source]
    + address_sums[ip.target])
  return pack(">BBI2I2I2BBI2", 0x45, ip.tos, length, ip.id, flags, ip.ttl,
    protocol, check) .. ip.source .. ip.target .. payload
end

local function pseudo(ip, protocol, length)
  return address_sums[ip.source]
    + address_sums[ip.target] + protocol + length
end

--- An ICMP or ICMPv6 message.
-- @tparam table ip as in M.ip
-- @tparam integer type
-- @tparam integer code
-- @tparam integer rest the header's second word
-- @tparam string body
-- @treturn string the packet
function M.icmp(ip, type, code, rest, body)
  local total = (type << 8 | code) + rest + sum(body)
  local protocol = 1
  if ip.version == 6 then
    protocol = 58
    total = total + pseudo(ip, 58, #body + 8)
  end
  return M.ip(ip, protocol,
    pack(">BBI2I4", type, code, checksum(total), rest) .. body)
end

--- A TCP segment without data that acknowledges a SYN.
-- @tparam table ip as in M.ip
-- @tparam table tcp source_port, target_port, seq, ack, flags
-- @treturn string the packet
function M.tcp(ip, tcp)
  local function segment(check)
    return pack(">I2I2I4I4BBI2I2I2", tcp.source_port, tcp.target_port,
      tcp.seq, tcp.ack, 0x50 | tcp.flags >> 8, tcp.flags & 0xff, tcp.window
        or 0, check, 0)
  end
  return M.ip(ip, 6,
    segment(checksum(pseudo(ip, 6, 20) + sum(segment(0)))))
end

--- A UDP datagram.
-- @tparam table ip as in M.ip
-- @tparam integer from source port
-- @tparam integer to target port
-- @tparam string payload
-- @treturn string the packet
function M.udp(ip, from, to, payload)
  local function datagram(check)
    return pack(">I2I2I2I2", from, to, #payload + 8, check) .. payload
  end
  local check = checksum(pseudo(ip, 17, #payload + 8) + sum(datagram(0)))
  return M.ip(ip, 17, datagram(check == 0 and 0xffff or check))
end

-- By number: how long the header is, and its bytes behind the number of the
-- next one. All have no meaning: padding, no segments left, offset 0.
local EXTENSIONS = {
  [0] = "\0\1\4\0\0\0\0", [60] = "\0\1\4\0\0\0\0",
  [43] = "\0\4\0\0\0\0\0", [44] = "\0\0\0\0\0\0\7",
  [51] = "\1\0\0\0\0\0\9\0\0\0\1",
}

--- An IPv6 packet with extension headers in front of what it carries.
-- @tparam string bytes
-- @tparam {integer,...} chain their numbers, the first one first: 0, 43, 44,
--   51 or 60
-- @treturn string
function M.extended(bytes, chain)
  local next_header, front = bytes:byte(7), ""
  if #chain == 0 then
    return bytes
  end
  for i = #chain, 1, -1 do
    front = string.char(next_header) .. EXTENSIONS[chain[i]] .. front
    next_header = chain[i]
  end
  return sub(bytes, 1, 4)
    .. pack(">I2B", unpack(">I2", bytes, 5) + #front, next_header)
    .. sub(bytes, 8, 40) .. front .. sub(bytes, 41)
end

--- Changes bytes inside a packet.
-- @tparam string bytes
-- @tparam integer at offset of the first, from 0
-- @tparam string new
-- @treturn string
function M.patch(bytes, at, new)
  return sub(bytes, 1, at) .. new .. sub(bytes, at + #new + 1)
end

return M
