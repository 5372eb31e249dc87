-- SPDX-License-Identifier: BSD-2-Clause

--- SNMPv3 engine discovery: builds the request and parses the report. Pure:
-- sends nothing, accepts hostile bytes, names no vendor.
-- References: RFC 3412 section 6 (message), RFC 3414 sections 2.4 and 4
-- (security parameters, discovery), RFC 3411 section 5 (SnmpEngineID).
-- @module mtrtrace.os.snmp
local ber = require "mtrtrace.os.ber"

local M = {}

local VERSION_3, SECURITY_USM = 3, 3
local REPORTABLE = "\4" -- no authentication, no privacy
local LARGEST = 65507
local GET_REQUEST, REPORT = 0xa0, 0xa8
local LEAST_ID, LONGEST_ID = 5, 32

--- The request that discovers an engine: an empty engine id and user, and
-- no variable.
-- @tparam integer id 0 to 2147483647: of the message and of the request
-- @treturn string payload of a datagram to UDP port 161
function M.request(id)
  local empty = ber.wrap(ber.OCTETS, "")
  local zero = ber.integer(0)
  local head = ber.sequence(ber.integer(id), ber.integer(LARGEST),
    ber.wrap(ber.OCTETS, REPORTABLE), ber.integer(SECURITY_USM))
  local security = ber.wrap(ber.OCTETS, ber.sequence(empty, zero, zero,
    empty, empty, empty))
  local pdu = ber.wrap(GET_REQUEST, ber.integer(id) .. zero .. zero
    .. ber.sequence())
  return ber.sequence(ber.integer(VERSION_3), head, security,
    ber.sequence(empty, empty, pdu))
end

-- ---- engine ids ------------------------------------------------------------

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function mac(bytes)
  return #bytes == 6 and hex(bytes):gsub("(%x%x)", "%1:"):sub(1, 17) or nil
end

local function address4(bytes)
  return #bytes == 4 and ("%d.%d.%d.%d"):format(bytes:byte(1, 4)) or nil
end

local function address6(bytes)
  return #bytes == 16
    and hex(bytes):gsub("(%x%x%x%x)", "%1:"):sub(1, 39) or nil
end

local function printable(bytes)
  return bytes:find("^[\32-\126]+$") and bytes or nil
end

-- Formats by octet 5 of an engine id whose first bit is set (RFC 3411 section
-- 5); values from 128 on are defined by the enterprise.
local FORMATS = {
  [1] = { "ipv4", "address", address4 }, [2] = { "ipv6", "address", address6 },
  [3] = { "mac", "mac", mac }, [4] = { "text", "text", printable },
  [5] = { "octets" },
}

--- Parses an engine id.
-- @tparam string bytes
-- @treturn ?table `engine_id` (hex), `enterprise`, `format` ("ipv4",
--   "ipv6", "mac", "text", "octets", "enterprise", "reserved", "old") and,
--   depending on the format, `mac`, `address` or `text`; nil for a length that
--   no engine id has
function M.engine(bytes)
  if #bytes < LEAST_ID or #bytes > LONGEST_ID then
    return nil
  end
  local first = string.unpack(">I4", bytes)
  local out = { engine_id = hex(bytes), enterprise = first & 0x7fffffff,
    format = "old" }
  if first >> 31 == 1 then
    local number = bytes:byte(5)
    local format = FORMATS[number]
    out.format = format and format[1]
      or number >= 128 and "enterprise" or "reserved"
    if format and format[2] then
      out[format[2]] = format[3](bytes:sub(6))
    end
  end
  return out
end

-- ---- reports ---------------------------------------------------------------

-- Id of the message from its head.
local function message_id(s, from, to)
  return (ber.read_integer(s, from, to))
end

local function security_of(s, from, to)
  local first, last = ber.read(s, from, to, ber.SEQUENCE)
  local id_from, id_to = ber.read(s, first or 1, last or 0, ber.OCTETS)
  if not id_from then
    return nil
  end
  local boots, at = ber.read_integer(s, id_to + 1, last)
  local time = boots and ber.read_integer(s, at, last)
  return s:sub(id_from, id_to), boots, time
end

-- Whether the scoped PDU is a Report, the only reply to a discovery.
local function is_report(s, from, to)
  local first, last = ber.read(s, from, to, ber.SEQUENCE)
  for _ = 1, 2 do -- context engine id, context name
    local _, id_to = ber.read(s, first or 1, last or 0, ber.OCTETS)
    first = id_to and id_to + 1
  end
  return first and ber.read(s, first, last, REPORT) ~= nil
end

-- Version, then the head; returns the head's bounds.
local function head_of(s)
  local from, to = ber.read(s, 1, #s, ber.SEQUENCE)
  if not from then
    return nil
  end
  local version, at = ber.read_integer(s, from, to)
  if version ~= VERSION_3 then
    return nil
  end
  local first, last = ber.read(s, at, to, ber.SEQUENCE)
  return first, last, to
end

--- Parses an agent's reply to the request.
-- @tparam string s payload of a datagram, any bytes
-- @tparam integer id of the request
-- @treturn ?table as M.engine, and `boots`, `time` (s); nil if the datagram is
--   no such reply
-- @treturn ?string the reason for nil
function M.parse(s, id)
  local first, last, to = head_of(s)
  if not first then
    return nil, "no SNMPv3 message"
  elseif message_id(s, first, last) ~= id then
    return nil, "not an answer to our request"
  end
  local from, security_to = ber.read(s, last + 1, to, ber.OCTETS)
  local bytes, boots, time = security_of(s, from or 1, security_to or 0)
  if not time or not is_report(s, security_to + 1, to) then
    return nil, "no Report"
  end
  local engine = M.engine(bytes)
  if not engine then
    return nil, "no engine id"
  end
  engine.boots, engine.time = boots, time
  return engine
end

return M
