-- SPDX-License-Identifier: BSD-2-Clause
--- What an ICMP error carries: the quoted packet and RFC 4884 extensions,
-- as vendors write them and as broken boxes do.
-- @module sim.quote
local packet = require "sim.packet"

local M = {}

local pack, unpack, sub, rep, char = string.pack, string.unpack, string.sub,
  string.rep, string.char

-- Words of IPv4 options (NOPs) in the quoted header.
local function with_options(bytes, words)
  local length = unpack(">I2", bytes, 3)
  local header = char(0x45 + words) .. sub(bytes, 2, 2)
    .. pack(">I2", length + 4 * words) .. sub(bytes, 5, 10) .. "\0\0"
    .. sub(bytes, 13, 20) .. rep("\1", 4 * words)
  local check = packet.checksum(packet.sum(header))
  return packet.patch(header, 10, pack(">I2", check)) .. sub(bytes, 21)
end

-- IPv6 extension headers: number and body behind the next-header byte.
local HEADERS = {
  hop = { 0, "\0\1\4\0\0\0\0" },
  routing = { 43, "\0\4\0\0\0\0\0" },
  destination = { 60, "\1\1\12" .. rep("\0", 12) },
  fragment = { 44, "\0\0\0\0\0\0\7" },
  authentication = { 51, "\4\0\0" .. rep("\7", 20) },
}

M.header_names = HEADERS

local function with_headers(bytes, names)
  local next_header, chain = bytes:byte(7), ""
  for i = #names, 1, -1 do
    local header = HEADERS[names[i]]
    chain = char(next_header) .. header[2] .. chain
    next_header = header[1]
  end
  local length = unpack(">I2", bytes, 5)
  return sub(bytes, 1, 4) .. pack(">I2", length + #chain)
    .. char(next_header) .. sub(bytes, 8, 40) .. chain .. sub(bytes, 41)
end

local function label_stack(labels)
  local s = ""
  for i, l in ipairs(labels) do
    s = s .. pack(">I4", l.label << 12 | (l.tc or 0) << 9
      | (i == #labels and 1 or 0) << 8 | (l.ttl or 1))
  end
  return s
end

-- The ways in which an extension can be wrong; each changes one thing.
local MALFORMED = {
  version = function(x) x.version = 3 end,
  checksum = function(x) x.checksum = 0x1234 end,
  object_zero = function(x) x.object_length = 0 end,
  object_long = function(x) x.object_length = 200 end,
  cut = function(x) x.cut = 3 end,
  length_long = function(x) x.words = 255 end,
  length_short = function(x) x.words = 4 end,
  legacy = function(x) x.words = 0 end, -- older than RFC 4884: no length
}

M.malformations = MALFORMED

local function object(class, type, body)
  return pack(">I2BB", #body + 4, class, type) .. body
end

-- Interface information, RFC 5837: index, address, name and MTU, those told.
local function interface_object(interface)
  local told, body = interface.role << 6, ""
  if interface.index then
    told, body = told | 8, body .. pack(">I4", interface.index)
  end
  if interface.address then
    local bytes = packet.address(interface.address)
    told = told | 4
    body = body .. pack(">I2I2", #bytes == 4 and 1 or 2, 0) .. bytes
  end
  if interface.name then
    local name = interface.name .. rep("\0", -(#interface.name + 1) % 4)
    told, body = told | 2, body .. char(#name + 1) .. name
  end
  if interface.mtu then
    told, body = told | 1, body .. pack(">I4", interface.mtu)
  end
  return object(2, told, body)
end

local function objects_of(ext, x)
  local parts, others = {}, ext.interfaces or ext.unknown
  if ext.labels or not others then
    local stack = label_stack(ext.labels or {})
    parts[1] = pack(">I2BB", x.object_length or #stack + 4, 1, 1) .. stack
  end
  for _, interface in ipairs(ext.interfaces or {}) do
    parts[#parts + 1] = interface_object(interface)
  end
  for _, unknown in ipairs(ext.unknown or {}) do
    parts[#parts + 1] = object(unknown.class, unknown.type, unknown.bytes)
  end
  return table.concat(parts)
end

-- The extension structure, RFC 4884 section 7, RFC 4950.
local function extension_bytes(ext, x)
  local objects = objects_of(ext, x)
  local version = (x.version or 2) << 12
  local check = x.checksum
    or packet.checksum(version + packet.sum(objects))
  local bytes = pack(">I2I2", version, check) .. objects
  return x.cut and sub(bytes, 1, -1 - x.cut) or bytes
end

--- The body of an error and what its header's second word says of it.
-- @tparam table node quote, quote_pad, inner_options, inner_headers,
--   extension
-- @tparam string bytes the packet as it arrived, its TTL already set
-- @tparam integer version
-- @treturn string
-- @treturn integer to be added to the second word
function M.build(node, bytes, version)
  local header, room = 20, 576 - 28
  if version == 6 then
    header, room = 40, 1280 - 48
  end
  if node.inner_options and version == 4 then
    bytes = with_options(bytes, node.inner_options)
    header = header + 4 * node.inner_options
  elseif node.inner_headers and version == 6 then
    local was = #bytes
    bytes = with_headers(bytes, node.inner_headers)
    header = header + #bytes - was
  end
  local wanted = node.quote and header + node.quote or room
  if wanted > room then
    wanted = room
  end
  if #bytes > wanted then
    bytes = sub(bytes, 1, wanted)
  end
  local ext = node.extension
  if node.quote_pad and #bytes < node.quote_pad then
    bytes = bytes .. rep("\0", node.quote_pad - #bytes)
  end
  if not ext then
    return bytes, 0
  end
  local unit = version == 4 and 4 or 8
  local padded = #bytes < 128 and 128 or (#bytes + unit - 1) // unit * unit
  local x = { words = padded // unit }
  if ext.malformed then
    MALFORMED[ext.malformed](x)
  end
  return bytes .. rep("\0", padded - #bytes)
    .. extension_bytes(ext, x),
    x.words << (version == 4 and 16 or 24)
end

return M
