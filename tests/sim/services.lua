-- SPDX-License-Identifier: BSD-2-Clause
--- UDP services of simulated hosts: what each answers to a payload, by its
-- RFC and by nothing that the engine says.
-- @module sim.services
local M = {}

local pack, unpack, sub, rep = string.pack, string.unpack, string.sub,
  string.rep

--- The fields of a node's `service`.
-- @tparam function one_of see sim.world
-- @treturn table
function M.FIELDS(one_of)
  local flag = function(value, where)
    one_of(true, false)(value, where)
  end
  return {
    kind = one_of("dns", "quic", "ntp", "stun", "snmp"),
    says = one_of("yes", "refused", "servfail", "nxdomain", "truncated",
      "bare", "upper", "long", "kiss", "error", "retry", "forged"),
    silent = flag,
  }
end

local RCODES = { refused = 5, servfail = 2, nxdomain = 3, truncated = 0 }

-- The end of the name that begins at a byte, from 1.
local function after_name(bytes, at)
  local length = bytes:byte(at)
  while length and length > 0 do
    at = at + length + 1
    length = bytes:byte(at)
  end
  return at + 1
end

-- RFC 1035: the header and the question of the query, and an answer.
local function dns(service, bytes)
  local says = service.says or "yes"
  local id, flags, questions = unpack(">I2I2I2", bytes)
  if flags & 0x8000 ~= 0 or questions ~= 1 then
    return nil
  end
  local question = sub(bytes, 13, after_name(bytes, 13) + 3)
  local code = RCODES[says] or 3
  flags = 0x8080 | flags & 0x0100 | code | (says == "truncated" and 0x0200
    or 0)
  local header = function(n, more)
    return pack(">I2I2I2I2I2I2", id, flags, n, 0, more, 0)
  end
  if says == "bare" then
    return header(0, 0)
  elseif says == "upper" then
    question = question:upper()
  elseif says == "long" then -- an SOA of the root
    return header(1, 1) .. question .. "\0" .. pack(">I2I2I4s2", 6, 1, 900,
      "\1a\0\1b\0" .. rep("\0\0\0\1", 5))
  end
  return header(1, 0) .. question
end

-- RFC 9000 section 17.2.1: connection identifiers in turn, and versions. A
-- server that wants a retry says so only to a version that it has.
local function quic(service, bytes)
  local first, version, dcid, scid = unpack(">BI4s1s1", bytes)
  if first & 0x80 == 0 or #bytes < 1200 then
    return nil
  elseif version == 1 then
    return service.says == "retry" and pack(">BI4s1s1", 0xf0, 1, scid,
      rep("r", 8)) .. rep("t", 16) or nil
  end
  return pack(">BI4s1s1I4I4", 0xca, 0, scid, dcid, 1, 0x6b3343cf)
end

-- RFC 5905: the client's transmit timestamp comes back as the originate one.
local function ntp(service, bytes)
  if #bytes ~= 48 or bytes:byte() & 7 ~= 3 then
    return nil
  end
  local kiss = service.says == "kiss"
  return pack(">BBbb", bytes:byte() & 0x38 | 4, kiss and 0 or 2, 6, -20)
    .. rep("\0", 8) .. (kiss and "RATE" or "\127\0\0\1") .. rep("\1", 8)
    .. sub(bytes, 41, 48) .. rep("\2", 16)
end

-- RFC 8489: XOR-MAPPED-ADDRESS, or an error.
local function stun(service, bytes)
  local kind, length, magic = unpack(">I2I2I4", bytes)
  if kind ~= 1 or magic ~= 0x2112a442 or #bytes ~= 20 + length then
    return nil
  end
  local id = sub(bytes, 9, 20)
  if service.says == "error" then
    return pack(">I2I2I4", 0x0111, 8, magic) .. id
      .. pack(">I2I2I2BB", 9, 4, 0, 4, 20)
  end
  return pack(">I2I2I4", 0x0101, 12, magic) .. id
    .. pack(">I2I2BBI2I4", 0x20, 8, 0, 1, 7, 9)
end

local function ber(tag, ...)
  local body = table.concat { ... }
  local length = #body < 128 and string.char(#body)
    or "\x81" .. string.char(#body)
  return string.char(tag) .. length .. body
end

-- RFC 3414 section 4: a report of the agent's engine, with the same msgID.
local function snmp(_, bytes)
  local id = bytes:match "^0.\2\1\0030.\2\4(....)"
  if not id then
    return nil
  end
  local engine = "\x80\0\0\0\1\2\3\4\5\6\7\8"
  local var = ber(0x30, ber(0x06, "\43\6\1\6\3\15\1\1\4\0"),
    ber(0x41, "\1"))
  return ber(0x30, "\2\1\3",
    ber(0x30, ber(2, id), "\2\3\0\xff\xe3", "\4\1\0", "\2\1\3"),
    ber(4, ber(0x30, ber(4, engine), "\2\1\1", "\2\2\1\7", "\4\0\4\0\4\0")),
    ber(0x30, ber(4, engine), "\4\0", ber(0xa8, "\2\1\0\2\1\0\2\1\0",
      ber(0x30, var))))
end

local KINDS = { dns = dns, quic = quic, ntp = ntp, stun = stun, snmp = snmp }

-- What is sent by somebody who has not seen the request: the fields that it
-- cannot know are guessed wrongly, one bit each.
local GUESSED = { dns = 14, quic = 7, ntp = 28, stun = 12, snmp = 12 }

--- What a service answers.
-- @tparam table service as a node has it
-- @tparam string bytes the payload of a datagram
-- @treturn ?string the payload of the reply
function M.reply(service, bytes)
  local reply = not service.silent and KINDS[service.kind](service, bytes)
  if reply and service.says == "forged" then
    local at = GUESSED[service.kind]
    reply = sub(reply, 1, at - 1) .. string.char(reply:byte(at) ~ 1)
      .. sub(reply, at + 1)
  end
  return reply or nil
end

return M
