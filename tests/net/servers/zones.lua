-- SPDX-License-Identifier: BSD-2-Clause
-- zones.lua KIND ADDRESS...: prints a zone for a DNS server: v4 or v6, with
-- reverse names hop1.example.net ... for the addresses (dots for those of the
-- other family); cymru, with Team Cymru's records about them; hostile, the
-- same names with records that nobody should send.
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local txt = require "txt"
local world = require "world"

local kind = arg[1]
local REVERSE = { v4 = "in-addr.arpa.", v6 = "ip6.arpa." }

local function say(...)
  print(string.format(...))
end

-- Strings as a zone file has them, any byte as \DDD, 255 bytes at most each.
local function quoted(text)
  local parts = {}
  for at = 1, math.max(#text, 1), 255 do
    parts[#parts + 1] = '"' .. text:sub(at, at + 254):gsub(".",
      function(c) return ("\\%03d"):format(c:byte()) end) .. '"'
  end
  return table.concat(parts, " ")
end

-- In turn, one for each name from the second on: control characters in a
-- readable record, another prefix, no record of theirs at all, bytes, an
-- endless field, an endless list of numbers, nothing.
local function hostile(i, address)
  local prefix = address:match("^(%d+%.%d+)%.") and address:gsub(
    "^(%d+%.%d+)%..*", "%1.0.0/16") or address:gsub("::?%x+$", "::/64")
  local bad = {
    "3301 | " .. prefix .. " | \27[2J\7 | \0 | \r\n| |",
    "3301 | 8.8.8.0/24 | US | arin |", "v=spf1 -all",
    ("\0\255\27"):rep(80), "2914 | " .. prefix .. " | " .. ("x"):rep(300),
    ("9"):rep(300) .. " | " .. prefix .. " | US", "",
  }
  return bad[(i - 3) % #bad + 1]
end

say("$TTL 60\n@ SOA ns.test. root.test. 1 60 60 60 60\n@ NS ns.test.")
for i = 2, #arg do
  local address = arg[i]
  local is6 = address:find(":", 1, true) ~= nil
  if REVERSE[kind] and is6 == (kind == "v6") then
    say("%s%s PTR hop%d.example.net.", txt.reversed(address), REVERSE[kind],
      (i - 2) % 9 + 1)
  elseif not REVERSE[kind] then
    local name = txt.reversed(address)
      .. (is6 and "nmap6" or "nmap") .. ".asn.cymru.com"
    local texts = kind == "cymru" and txt.records(world, name)
      or { hostile(i, address) }
    for _, text in ipairs(texts) do
      say("%s. TXT %s", name, quoted(text))
    end
  end
end
for asn in pairs(REVERSE[kind] and {} or world.holders) do
  local name = ("AS%d.asn.cymru.com"):format(asn)
  say("%s. TXT %s", name, quoted(kind == "cymru"
    and txt.records(world, name)[1]
    or asn .. " | US | arin | | \27]0;owned\7" .. ("N"):rep(220)))
end
