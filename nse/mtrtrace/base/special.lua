-- SPDX-License-Identifier: BSD-2-Clause

--- Special-purpose addresses: classes of the ranges in the IANA registries. No
-- query to a third party contains such an address. Pure: text in, class out.
-- @module mtrtrace.base.special
local M = {}

-- Prefix and class; the longest match wins. False: in the IANA registry of
-- special-purpose addresses, but globally reachable.
local RANGES = {
  { "0.0.0.0/8", "reserved" },
  { "10.0.0.0/8", "private" },
  { "100.64.0.0/10", "cgn" },
  { "127.0.0.0/8", "loopback" },
  { "169.254.0.0/16", "link-local" },
  { "172.16.0.0/12", "private" },
  { "192.0.0.0/24", "reserved" },
  { "192.0.0.9/32", false }, -- port control protocol anycast
  { "192.0.0.10/32", false }, -- TURN anycast
  { "192.0.2.0/24", "documentation" },
  { "192.88.99.0/24", "reserved" }, -- 6to4 relays, deprecated
  { "192.168.0.0/16", "private" },
  { "198.18.0.0/15", "benchmark" },
  { "198.51.100.0/24", "documentation" },
  { "203.0.113.0/24", "documentation" },
  { "224.0.0.0/4", "multicast" },
  { "240.0.0.0/4", "reserved" },
  { "255.255.255.255/32", "broadcast" },

  { "::/0", "unassigned" },
  { "2000::/3", false },
  { "::/128", "unspecified" },
  { "::1/128", "loopback" },
  { "::ffff:0:0/96", "mapped" },
  { "64:ff9b::/96", false }, -- NAT64: the class is that of the IPv4 address
  { "64:ff9b:1::/48", "translation" },
  { "100::/64", "discard" },
  { "100:0:0:1::/64", "reserved" }, -- dummy prefix, RFC 9780
  { "2001::/23", "reserved" },
  { "2001::/32", "teredo" },
  { "2001:1::1/128", false }, -- port control protocol anycast
  { "2001:1::2/128", false }, -- TURN anycast
  { "2001:1::3/128", false }, -- DNS-SD service registration anycast
  { "2001:2::/48", "benchmark" },
  { "2001:3::/32", false }, -- AMT
  { "2001:4:112::/48", false }, -- AS112
  { "2001:20::/28", false }, -- ORCHIDv2
  { "2001:30::/28", false }, -- drone remote identification
  { "2001:db8::/32", "documentation" },
  { "2002::/16", "6to4" },
  { "3fff::/20", "documentation" },
  { "5f00::/16", "srv6" },
  { "fc00::/7", "private" },
  { "fe80::/10", "link-local" },
  { "fec0::/10", "reserved" }, -- site-local, deprecated
  { "ff00::/8", "multicast" },
}

local BYTE = "(%d%d?%d?)"
local IPV4 = "^" .. BYTE .. "%." .. BYTE .. "%." .. BYTE .. "%." .. BYTE
  .. "$"

local function ipv4_bytes(text)
  local a, b, c, d = text:match(IPV4)
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if not a or a > 255 or b > 255 or c > 255 or d > 255 then
    return nil
  elseif text:find "^0%d" or text:find "%.0%d" then
    return nil -- like inet_pton: some programs read a leading 0 as octal
  end
  return string.char(a, b, c, d)
end

-- Replaces a dotted quad at the end by two groups.
local function without_quad(text)
  local quad = text:match ":(%d[%d.]*%.%d+)$"
  local bytes = quad and ipv4_bytes(quad)
  return bytes and text:sub(1, -#quad - 1)
    .. ("%x:%x"):format(string.unpack(">I2I2", bytes)) or text
end

-- Returns the groups on one side of "::" as bytes.
local function groups(text)
  local out = {}
  for group in (text .. ":"):gmatch("([^:]*):") do
    if not group:match("^%x%x?%x?%x?$") then
      return nil
    end
    out[#out + 1] = string.pack(">I2", tonumber(group, 16))
  end
  return table.concat(out)
end

local function ipv6_bytes(text)
  text = without_quad(text)
  local left, right = text:match("^(.-)::(.*)$")
  if not left then
    local bytes = groups(text)
    return bytes and #bytes == 16 and bytes or nil
  end
  left = left == "" and "" or groups(left)
  right = right == "" and "" or groups(right)
  if not left or not right or #left + #right > 14 then
    return nil
  end
  return left .. ("\0"):rep(16 - #left - #right) .. right
end

--- Returns the bytes of an address.
-- @tparam string text IPv4 or IPv6; a zone ("%eth0") is ignored
-- @treturn ?string 4 or 16 bytes, nil for anything else
function M.bytes(text)
  if text:find("%", 1, true) then
    text = text:gsub("%%.*$", "")
  end
  return text:find(":", 1, true) and ipv6_bytes(text) or ipv4_bytes(text)
end

-- Returns the first of the longest runs of zero groups, at least two groups,
-- and its length (RFC 5952 section 4.2).
local function zeros(words)
  local best, best_length, i = nil, 1, 1
  while i <= 8 do
    local from = i
    while words[i] == 0 do
      i = i + 1
    end
    if i - from > best_length then
      best, best_length = from, i - from
    end
    i = i + 1
  end
  return best, best_length
end

local function hex(words, from, to)
  local out = {}
  for i = from, to do
    out[#out + 1] = ("%x"):format(words[i])
  end
  return table.concat(out, ":")
end

local function quad(bytes, at)
  return ("%d.%d.%d.%d"):format(bytes:byte(at, at + 3))
end

--- Returns an address as text, IPv6 as in RFC 5952; with an IPv4 address at
-- its end where inet_ntop writes one.
-- @tparam string bytes 4 or 16
-- @treturn string
function M.text(bytes)
  if #bytes == 4 then
    return quad(bytes, 1)
  end
  local words = { string.unpack(">" .. ("I2"):rep(8), bytes) }
  local at, length = zeros(words)
  if not at then
    return hex(words, 1, 8)
  elseif at == 1 and length == 6 then
    return "::" .. quad(bytes, 13)
  elseif at == 1 and length == 5 and words[6] == 0xffff then
    return "::ffff:" .. quad(bytes, 13)
  end
  return hex(words, 1, at - 1) .. "::" .. hex(words, at + length, 8)
end

-- Returns the first bits of an address as a key: a number for IPv4, which is
-- the fastest key of a table, a string for IPv6.
local function prefix_of(bytes, length)
  if #bytes == 4 then
    return string.unpack(">I4", bytes) & ~0 << 32 - length
  end
  local whole, rest = length // 8, length % 8
  local head = bytes:sub(1, whole)
  return rest == 0 and head or head
    .. string.char(bytes:byte(whole + 1) & (0xff00 >> rest & 0xff))
end

-- Returns, by address length in bytes, the prefix lengths that occur, the
-- longest first, each with its prefixes.
local function by_length()
  local families, of = { [4] = {}, [16] = {} }, {}
  for _, row in ipairs(RANGES) do
    local address, digits = row[1]:match("^(.*)/(%d+)$")
    local bytes, length = M.bytes(address), tonumber(digits)
    local key = #bytes << 8 | length
    if not of[key] then
      of[key] = { length = length, mask = ~0 << 32 - length, classes = {} }
      table.insert(families[#bytes], of[key])
    end
    of[key].classes[prefix_of(bytes, length)] = row[2]
  end
  for _, lengths in pairs(families) do
    table.sort(lengths, function(a, b) return a.length > b.length end)
  end
  return families
end

local FAMILIES = by_length()

-- Texts of the columns ASN and Organization, by class.
local LABELS = {
  private = { "Private", "Private Network" },
  cgn = { "CGN", "Carrier-Grade NAT" },
  loopback = { "Loopback", "Loopback" },
  ["link-local"] = { "Link-Local", "Link-Local Address" },
  documentation = { "Documentation", "Documentation Range" },
  benchmark = { "Benchmark", "Benchmarking Network" },
  multicast = { "Multicast", "Multicast Group" },
  reserved = { "Reserved", "Reserved Range" },
  unassigned = { "Unassigned", "Unassigned Range" },
  srv6 = { "SRv6", "SRv6 Segment Identifier" },
  broadcast = { "Broadcast", "Limited Broadcast" },
  unspecified = { "Unspecified", "Unspecified Address" },
  mapped = { "Mapped", "IPv4-Mapped Address" },
  translation = { "Translation", "IPv4/IPv6 Translation" },
  discard = { "Discard", "Discard-Only Range" },
  teredo = { "Teredo", "Teredo Tunnel" },
  ["6to4"] = { "6to4", "6to4 Tunnel" },
}

--- Returns the texts that show a class.
-- @tparam ?string class
-- @treturn ?string in place of an AS number
-- @treturn ?string in place of an organization
function M.label(class)
  local label = LABELS[class]
  if label then
    return label[1], label[2]
  end
  return nil
end

--- Returns every class with its label; for tests.
-- @treturn {[string]=table,...} must not be changed
function M.labels()
  return LABELS
end

local NAT64 = M.bytes("64:ff9b::"):sub(1, 12)

--- Returns the IPv4 address inside an address of NAT64's well-known prefix
-- (RFC 6052): the router beyond the translator, for which registries have
-- data.
-- @tparam string bytes of an address
-- @treturn string bytes; the same for every other address
function M.untranslated(bytes)
  return #bytes == 16 and bytes:sub(1, 12) == NAT64 and bytes:sub(13)
    or bytes
end

local MAPPED = ("\0"):rep(10) .. "\255\255"

--- Returns the IPv4 address of an IPv4-mapped IPv6 address (::ffff:192.0.2.1).
-- @tparam string text an address, with or without a zone
-- @treturn ?string such as "192.0.2.1"; nil for any other address
function M.unmapped(text)
  local bytes = text:find(":", 1, true) and M.bytes(text)
  return bytes and bytes:sub(1, 12) == MAPPED
    and ("%d.%d.%d.%d"):format(bytes:byte(13, 16)) or nil
end

--- Returns the family of an address; 4 for an IPv4-mapped one.
-- @tparam string text an address, with or without a zone
-- @treturn integer 4 or 6
function M.family(text)
  return text:find(":", 1, true) and not M.unmapped(text) and 6 or 4
end

--- Returns the class of a special-purpose address.
-- @tparam string text IPv4 or IPv6 address, with or without a zone
-- @treturn ?string "private", "cgn", "loopback", "link-local",
--   "documentation", "benchmark", "multicast", "reserved", "unassigned",
--   "srv6" and the like; nil for a global address or for other text
function M.class(text)
  local bytes = M.bytes(text)
  bytes = bytes and M.untranslated(bytes)
  local number = bytes and #bytes == 4 and string.unpack(">I4", bytes)
  for _, one in ipairs(bytes and FAMILIES[#bytes] or {}) do
    local class = one.classes[number and number & one.mask
      or prefix_of(bytes, one.length)]
    if class ~= nil then
      return class or nil
    end
  end
  return nil
end

return M
