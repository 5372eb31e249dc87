-- SPDX-License-Identifier: BSD-2-Clause

--- Address prefixes of both families, and maps from prefixes to values with
-- longest match. Pure: text and bytes in, values out.
--
-- A prefix is { bytes, length }: 4 or 16 bytes; the bits beyond `length` are
-- zero.
-- @module mtrtrace.asn.prefix
local special = require "mtrtrace.base.special"

local M = {}

--- The prefix of a given length that contains an address.
-- @tparam string bytes 4 or 16
-- @tparam integer length in bits
-- @treturn table prefix
function M.of(bytes, length)
  local whole, rest = length // 8, length % 8
  local kept = bytes:sub(1, whole)
  if rest > 0 then
    kept = kept .. string.char(bytes:byte(whole + 1) & (0xff00 >> rest)
      & 0xff)
  end
  return { bytes = kept .. ("\0"):rep(#bytes - #kept), length = length }
end

--- Parses a prefix; host bits are cleared.
-- @tparam string text such as "192.0.2.0/24" or "2001:db8::/32"
-- @treturn ?table prefix; nil for anything else
function M.parse(text)
  local address, digits = text:match("^([%x:.]+)/(%d%d?%d?)$")
  local bytes = address and special.bytes(address)
  local length = tonumber(digits)
  if not bytes or length > #bytes * 8 then
    return nil
  end
  return M.of(bytes, length)
end

--- Whether a prefix contains an address.
-- @tparam table prefix
-- @tparam string bytes of the address
-- @treturn boolean
function M.contains(prefix, bytes)
  return #bytes == #prefix.bytes
    and M.of(bytes, prefix.length).bytes == prefix.bytes
end

--- A prefix as text.
-- @tparam table prefix
-- @treturn string
function M.text(prefix)
  return ("%s/%d"):format(special.text(prefix.bytes), prefix.length)
end

local Map = {}
Map.__index = Map

--- Sets the value of a prefix, replacing that of the same prefix.
-- @tparam table prefix
-- @param value anything but nil
function Map:put(prefix, value)
  local tables = self[#prefix.bytes]
  if not tables[prefix.length] then
    tables[prefix.length] = {}
    local lengths = tables.lengths
    lengths[#lengths + 1] = prefix.length
    table.sort(lengths, function(a, b) return a > b end)
  end
  tables[prefix.length][prefix.bytes] = value
end

--- Value of the longest prefix that contains an address.
-- @tparam string bytes
-- @return value; nil if no prefix contains the address
-- @treturn ?integer length of the prefix
function Map:find(bytes)
  local tables = self[#bytes]
  for _, length in ipairs(tables and tables.lengths or {}) do
    local value = tables[length][M.of(bytes, length).bytes]
    if value ~= nil then
      return value, length
    end
  end
  return nil
end

--- An empty map for prefixes of both families.
-- @treturn table with `put` and `find`
function M.map()
  return setmetatable({
    [4] = { lengths = {} }, [16] = { lengths = {} },
  }, Map)
end

return M
