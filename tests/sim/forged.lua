-- SPDX-License-Identifier: BSD-2-Clause
--- Packets that resemble replies but are none: forged or damaged ones, and
-- replies to other programs. None of them may change a figure.
-- @module sim.forged
local packet = require "sim.packet"

local M = {}

local pack, unpack, patch, sub, char = string.pack, string.unpack,
  packet.patch, string.sub, string.char

local EXCEEDED = { [4] = 11, [6] = 3 }

local function error_of(ip, quote, code, type)
  return packet.icmp(ip, type or EXCEEDED[ip.version], code or 0, 0, quote)
end

local function flip(bytes, at)
  return patch(bytes, at, char(bytes:byte(at + 1) ~ 0x55))
end

-- Offset of the cookie: after the transport header and two bytes of checksum
-- balance. TCP has its sequence number in place of a cookie.
local function cookie_at(p)
  return p.header + (p.protocol == 6 and 7 or 10)
end

local function with_protocol(bytes, p, protocol)
  return patch(bytes, p.version == 4 and 9 or 6, char(protocol))
end

-- Damages the cookie, or for TCP the identification (IPv6: flow label): with
-- these intact, a changed address or port would be a NAT's rewriting.
local function of_another(bytes, p)
  if p.protocol ~= 6 then
    return flip(bytes, cookie_at(p))
  end
  return flip(bytes, p.version == 4 and 5 or 3)
end

local INDEX_AT = { [1] = 6, [58] = 6, [17] = 6, [6] = 4 }

--- Functions that make one packet from the probe: (ip, p, quote), `ip` its
-- outer header, `quote` the probe as it arrived. Nil if this protocol has no
-- such packet.
M.kinds = {
  -- About another program's TCP segment from port 33434; mtr takes it for a
  -- reply.
  foreign_tcp = function(ip, p, quote)
    if p.protocol == 6 then
      return nil
    end
    return error_of(ip, sub(with_protocol(quote, p, 6), 1, p.header)
      .. pack(">I2I2I4", 33434, 443, 0x01020304))
  end,
  foreign_source = function(ip, p, quote)
    return error_of(ip, flip(of_another(quote, p),
      p.version == 4 and 15 or 23))
  end,
  -- Only the destination differs, as eight bytes have no cookie.
  foreign_target = function(ip, p, quote)
    return error_of(ip, sub(flip(of_another(quote, p),
      p.version == 4 and 19 or 39), 1, p.header + 8))
  end,
  foreign_port = function(ip, p, quote)
    local echo = p.protocol == 1 or p.protocol == 58
    return error_of(ip, flip(of_another(quote, p),
      p.header + (echo and 5 or 1)))
  end,
  foreign_destination_port = function(ip, p, quote)
    if p.protocol == 1 or p.protocol == 58 then
      return nil
    end
    return error_of(ip, flip(of_another(quote, p), p.header + 3))
  end,
  forged_cookie = function(ip, p, quote)
    return error_of(ip, flip(quote, cookie_at(p)))
  end,
  -- A complete quote without the cookie, as from a sender that did not see the
  -- probe.
  zero_cookie = function(ip, p, quote)
    if p.protocol == 6 then
      return nil
    end
    return error_of(ip, patch(quote, p.header + 10, "\0\0\0\0"))
  end,
  -- The trace's half of the secret is right, as a hop knows it; that of the
  -- probe is not.
  guessed_tag = function(ip, p, quote)
    if p.protocol == 6 then
      return nil
    end
    return error_of(ip, flip(quote, p.header + 13))
  end,
  -- Eight bytes with all predictable fields right, and the checksum, the
  -- sequence number or a half of it guessed.
  guessed = function(ip, p, quote)
    local at = p.header + (p.protocol == 17 and 7 or 5)
    if p.protocol == 17 and p.version == 4 then
      at = 5 -- the identification
    end
    return error_of(ip, sub(flip(quote, at), 1, p.header + 8))
  end,
  damaged = function(ip, _, quote)
    local bytes = error_of(ip, quote)
    return flip(bytes, #bytes - 1)
  end,
  damaged_header = function(ip, _, quote)
    local bytes = error_of(ip, quote)
    return ip.version == 4 and flip(bytes, 8) or flip(bytes, 23)
  end,
  -- The index of a probe that has not been sent yet.
  future = function(ip, p, quote)
    local at = p.header + INDEX_AT[p.protocol]
    local index = unpack(">I2", quote, at + 1)
    return error_of(ip, sub(patch(quote, at,
      pack(">I2", (index + 20000) & 0xffff)), 1, p.header + 8))
  end,
  -- Reassembly time exceeded (11/1) is not a hop.
  reassembly = function(ip, _, quote)
    return error_of(ip, quote, 1)
  end,
  short_quote = function(ip, p, quote)
    return error_of(ip, sub(quote, 1, p.header + 4))
  end,
  no_quote = function(ip)
    return error_of(ip, "")
  end,
  -- Source quench (deprecated, RFC 6633), or the unassigned ICMPv6 type 5.
  unknown_type = function(ip, _, quote)
    return error_of(ip, quote, 0, ip.version == 4 and 4 or 5)
  end,
  forged_echo = function(ip, p, quote)
    if p.protocol ~= 1 and p.protocol ~= 58 then
      return nil
    end
    local from = { version = ip.version, source = p.target,
      target = ip.target, ttl = ip.ttl, tos = 0, id = 7 }
    local ident, seq = unpack(">I2I2", quote, p.header + 5)
    return packet.icmp(from, p.version == 4 and 0 or 129, 0,
      ident << 16 | seq, sub(flip(quote, p.header + 11), p.header + 9))
  end,
  forged_syn_ack = function(ip, p, quote)
    if p.protocol ~= 6 then
      return nil
    end
    local from = { version = ip.version, source = p.target,
      target = ip.target, ttl = ip.ttl, tos = 0, id = 7 }
    local sport, dport, seq = unpack(">I2I2I4", quote, p.header + 1)
    return packet.tcp(from, { source_port = dport, target_port = sport,
      seq = 9, ack = seq + 78 & 0xffffffff, flags = 0x12 })
  end,
  -- No acknowledgement: it names no probe.
  bare_rst = function(ip, p, quote)
    if p.protocol ~= 6 then
      return nil
    end
    local from = { version = ip.version, source = p.target,
      target = ip.target, ttl = ip.ttl, tos = 0, id = 7 }
    local sport, dport, seq = unpack(">I2I2I4", quote, p.header + 1)
    return packet.tcp(from, { source_port = dport, target_port = sport,
      seq = seq, ack = seq + 1 & 0xffffffff, flags = 0x04 })
  end,
  noise = function(ip)
    return packet.ip(ip, 1, "\11\0")
  end,
}

return M
