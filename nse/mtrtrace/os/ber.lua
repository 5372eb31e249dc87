-- SPDX-License-Identifier: BSD-2-Clause

--- The part of ASN.1 BER (X.690) that SNMP messages need: definite lengths,
-- single-byte tags. Reads hostile input: every length is checked against the
-- bytes present. Pure.
-- @module mtrtrace.os.ber
local M = {}

M.INTEGER, M.OCTETS, M.NULL, M.OID, M.SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30

--- A value with its tag and length.
-- @tparam integer tag
-- @tparam string value
-- @treturn string
function M.wrap(tag, value)
  local n = #value
  local length = n < 128 and string.char(n)
    or n < 256 and string.char(0x81, n) or string.pack(">BI2", 0x82, n)
  return string.char(tag) .. length .. value
end

--- A non-negative integer.
-- @tparam integer value
-- @treturn string
function M.integer(value)
  local bytes = string.pack(">i8", value)
  while #bytes > 1 and bytes:byte(1) == 0 and bytes:byte(2) < 128 do
    bytes = bytes:sub(2)
  end
  return M.wrap(M.INTEGER, bytes)
end

--- A SEQUENCE of encoded values.
function M.sequence(...)
  return M.wrap(M.SEQUENCE, table.concat { ... })
end

local function length_at(s, at, last)
  local first = at <= last and s:byte(at)
  if not first then
    return nil
  elseif first < 128 then
    return first, at + 1
  end
  local count = first - 128
  if count < 1 or count > 3 or at + count > last then
    return nil
  end
  return (string.unpack(">I" .. count, s, at + 1)), at + 1 + count
end

--- Reads one value.
-- @tparam string s
-- @tparam integer at first byte
-- @tparam integer last last byte that the value may occupy
-- @tparam ?integer tag the required tag; nil for any
-- @treturn ?integer first byte of the value; nil if there is none
-- @treturn ?integer its last byte
-- @treturn ?integer its tag
function M.read(s, at, last, tag)
  local found = at <= last and s:byte(at)
  if not found or tag and found ~= tag then
    return nil
  end
  local length, from = length_at(s, at + 1, last)
  if not length or from + length - 1 > last then
    return nil
  end
  return from, from + length - 1, found
end

--- Reads a small integer.
-- @treturn ?integer nil if there is none of at most 8 bytes
-- @treturn ?integer index of the byte after it
function M.read_integer(s, at, last)
  local from, to = M.read(s, at, last, M.INTEGER)
  if not from or to < from or to - from >= 8 then
    return nil
  end
  return (string.unpack(">i" .. to - from + 1, s, from)), to + 1
end

return M
