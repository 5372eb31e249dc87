-- SPDX-License-Identifier: BSD-2-Clause

--- Facts from a hardware address: virtual routers, locally administered
-- addresses, and the vendor of the prefix by Nmap's nmap-mac-prefixes. Pure:
-- the caller reads that file.
-- @module mtrtrace.os.mac
local M = {}

-- Addresses that stand for a group of routers, not for an interface.
local VIRTUAL = {
  { prefix = "00005e0001", name = "VRRP" }, -- RFC 5798
  { prefix = "00005e0002", name = "VRRP" }, -- the same for IPv6
  { prefix = "00000c07ac", name = "HSRP" }, -- RFC 2281
  { prefix = "00000c9ff", name = "HSRP" },  -- version 2
  { prefix = "000573a00", name = "HSRP" },  -- version 2 for IPv6
  { prefix = "0007b400", name = "GLBP" },
}

--- The twelve hex digits of an address.
-- @tparam ?string text with colons, dashes, dots or nothing between digits
-- @treturn ?string in lower case; nil if not an address of 48 bits
function M.digits(text)
  local digits = (text or ""):gsub("[:%-.]", ""):lower()
  return digits:find("^%x+$") and #digits == 12 and digits or nil
end

--- The class of an address.
-- @tparam ?string text
-- @treturn table `virtual_router` ("VRRP", "HSRP", "GLBP") or nil,
--   `local_mac`: whether it is locally administered and so names no vendor
function M.classify(text)
  local digits = M.digits(text)
  if not digits then
    return { local_mac = false }
  end
  for _, row in ipairs(VIRTUAL) do
    if digits:sub(1, #row.prefix) == row.prefix then
      return { virtual_router = row.name, local_mac = false }
    end
  end
  return { local_mac = tonumber(digits:sub(2, 2), 16) & 2 == 2 }
end

-- Lengths in hex digits of the prefixes that IEEE assigns: 36, 28 and 24 bits.
local LENGTHS = { 9, 7, 6 }

--- The vendor of an address: that of the longest prefix.
-- @tparam ?string text
-- @tparam string prefixes lines of "PREFIX vendor", in hex without
--   separators; other lines are skipped
-- @treturn ?string nil if no prefix matches
function M.vendor(text, prefixes)
  local digits = M.digits(text)
  for _, length in ipairs(digits and LENGTHS or {}) do
    local prefix = digits:sub(1, length):upper()
    local vendor = prefixes:match("^" .. prefix .. "[ \t]+([^\r\n]+)")
      or prefixes:match("\n" .. prefix .. "[ \t]+([^\r\n]+)")
    if vendor then
      return vendor
    end
  end
end

return M
