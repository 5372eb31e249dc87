-- SPDX-License-Identifier: BSD-2-Clause
--- What the test servers know: a world of routes and holders, and the answers
-- that an IRRd and a bulk whois give about it, as pure functions of a line.
-- Written from the protocols' documentation, without the code under test.
--
-- A world is { routes = { { prefix, asn, source, rpki }, ... }, bgp = { {
-- prefix, asn, cc, registry, date }, ... }, holders = { [asn] = { descr,
-- as_name, bgp_name, source } } }.
-- @module registry
local M = {}

-- ---- addresses as strings of bits -----------------------------------------

local function bits_of_bytes(list)
  local out = {}
  for _, byte in ipairs(list) do
    for bit = 7, 0, -1 do
      out[#out + 1] = (byte >> bit) & 1
    end
  end
  return table.concat(out)
end

local function v4(text)
  local list = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
  for i, part in ipairs(list) do
    list[i] = tonumber(part)
    if list[i] > 255 then
      return nil
    end
  end
  return #list == 4 and bits_of_bytes(list) or nil
end

local function side(text)
  local list = {}
  for group in text:gmatch("[^:]+") do
    local number = tonumber(group, 16)
    if not number or #group > 4 then
      return nil
    end
    list[#list + 1], list[#list + 2] = number >> 8, number & 255
  end
  return list
end

local function v6(text)
  local left, right = text:match("^(.-)::(.*)$")
  local a, b = side(left or text), side(right or "")
  if not a or not b or #a + #b > 16 or not left and #a ~= 16 then
    return nil
  end
  while #a + #b < 16 do
    a[#a + 1] = 0
  end
  table.move(b, 1, #b, #a + 1, a)
  return bits_of_bytes(a)
end

--- An address or prefix as bits; nil for a prefix with host bits.
function M.bits(text)
  local address, length = text:match("^([^/]+)/?(%d*)$")
  local bits = address and (address:find(":", 1, true) and v6(address)
    or v4(address))
  if not bits then
    return nil
  end
  length = tonumber(length) or #bits
  if length > #bits or bits:sub(length + 1):find("1", 1, true) then
    return nil
  end
  return bits:sub(1, length), #bits
end

--- Rows whose prefix holds the address, shortest first.
function M.covering(rows, text)
  local bits, family = M.bits(text)
  local found = {}
  for i, row in ipairs(rows) do
    local other, others = M.bits(row.prefix)
    if others == family and bits:sub(1, #other) == other then
      found[#found + 1] = { row = row, length = #other, i = i }
    end
  end
  table.sort(found, function(a, b)
    return a.length < b.length or a.length == b.length and a.i < b.i
  end)
  return found
end

local covering = M.covering

-- ---- IRRd -----------------------------------------------------------------

local function route_object(row)
  local kind = row.prefix:find(":", 1, true) and "route6" or "route"
  local lines = {
    ("%-16s%s"):format(kind .. ":", row.prefix),
    ("%-16s%s"):format("descr:", "a route of the test world"),
    ("%-16sAS%d"):format("origin:", row.asn),
    ("%-16s%s"):format("mnt-by:", "MAINT-TEST"),
    ("%-16s%s"):format("source:", row.source),
  }
  if row.rpki then
    lines[#lines + 1] = ("%-16s%s # No ROAs found, or RPKI validation not "
      .. "enabled for source"):format("rpki-ov-state:", row.rpki)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function autnum_object(asn, holder)
  local lines = {
    ("%-16sAS%d"):format("aut-num:", asn),
    ("%-16s%s"):format("as-name:", holder.as_name),
  }
  if holder.descr then
    lines[#lines + 1] = ("%-16s%s"):format("descr:", holder.descr)
  end
  lines[#lines + 1] = ("%-16s%s"):format("source:", holder.source)
  return table.concat(lines, "\n") .. "\n"
end

local function data(text)
  return text == "" and "C\n" or ("A%d\n%sC\n"):format(#text, text)
end

local function found_text(found, make)
  local parts = {}
  for i, item in ipairs(found) do
    parts[i] = make(item.row)
  end
  return table.concat(parts, "\n")
end

local function origins(found)
  local seen, list = {}, {}
  for _, item in ipairs(found) do
    local text = "AS" .. item.row.asn
    if not seen[text] then
      seen[text], list[#list + 1] = true, text
    end
  end
  return #list > 0 and table.concat(list, " ") .. "\n" or ""
end

-- !r<prefix>[,o|,L|,l]
local function routes(world, argument)
  local prefix, option = argument:match("^([^,]+),?(%a?)$")
  local bits = prefix and M.bits(prefix)
  if not bits then
    return ("F Invalid input for route search: %s\n"):format(argument)
  end
  local found = {}
  for _, item in ipairs(covering(world.routes, prefix)) do
    local exact = item.length == #bits
    if option == "L" or (option == "" or option == "o") and exact
      or option == "l" and not exact then
      found[#found + 1] = item
    end
  end
  if #found == 0 then
    return "D\n"
  end
  return data(option == "o" and origins(found)
    or found_text(found, route_object))
end

-- !g and !6: the prefixes of an AS
local function prefixes(world, argument, family)
  local asn, list = tonumber(argument:match("^[Aa][Ss](%d+)$")), {}
  if not asn then
    return ("F Invalid AS number %s: must start with 'AS'\n")
      :format(argument)
  end
  for _, row in ipairs(world.routes) do
    local own = row.prefix:find(":", 1, true) and 6 or 4
    list[#list + 1] = row.asn == asn and own == family and row.prefix or nil
  end
  return #list > 0 and data(table.concat(list, " ") .. "\n") or "C\n"
end

local function object(world, argument)
  local kind, key = argument:match("^([%w-]+),(.*)$")
  local asn = kind == "aut-num" and tonumber(key:match("^[Aa][Ss](%d+)$"))
  local holder = asn and world.holders[asn]
  if not kind then
    return "F Missing parameter for m query\n"
  end
  return holder and holder.as_name and data(autnum_object(asn, holder))
    or "D\n"
end

local function sources(world)
  local seen, list = {}, {}
  for _, row in ipairs(world.routes) do
    if not seen[row.source] then
      seen[row.source], list[#list + 1] = true, row.source
    end
  end
  return table.concat(list, ",")
end

local BANG = {
  n = function() return "C\n" end,
  t = function(_, argument)
    local seconds = tonumber(argument)
    return seconds and seconds >= 1 and seconds <= 1000 and "C\n"
      or "F Invalid value for timeout: " .. argument .. "\n"
  end,
  s = function(world, argument)
    return argument == "-lc" and data(sources(world) .. "\n") or "C\n"
  end,
  f = function() return "C\n" end,
  v = function() return data("IRRd -- version 4.5 (test)\n") end,
  r = routes,
  g = function(world, argument) return prefixes(world, argument, 4) end,
  ["6"] = function(world, argument) return prefixes(world, argument, 6) end,
  m = object,
}

-- whois: an address or an AS, all less specific routes
local function rpsl(world, line)
  local query = line:match("(%S+)%s*$") or ""
  local asn = tonumber(query:match("^[Aa][Ss](%d+)$"))
  local holder = asn and world.holders[asn]
  local text = holder and holder.as_name and autnum_object(asn, holder) or ""
  if M.bits(query) then
    text = found_text(covering(world.routes, query), route_object)
  end
  if text == "" then
    return "%  No entries found for the selected source(s).\n\n\n"
  end
  return text .. "\n\n"
end

--- Answer of an IRRd to one line.
-- @tparam table world
-- @tparam string line without its end
-- @tparam table session its state: `keep`
-- @treturn string
-- @treturn boolean whether the connection is closed behind it
function M.irrd(world, line, session)
  if line == "!!" then
    session.keep = true
    return "", false
  elseif line == "!q" or line == "" then
    return "", true
  end
  local letter, argument = line:match("^!(.)(.*)$")
  local answer
  if not letter then
    answer = rpsl(world, line)
  elseif BANG[letter] then
    answer = BANG[letter](world, argument)
  else
    answer = "F Unrecognised command: " .. line:sub(2) .. "\n"
  end
  return answer, not session.keep
end

-- ---- RIPE -----------------------------------------------------------------

local RIPE_HEAD = "% A test server that speaks like RIPE's database.\n\n"
local RIPE_TAIL = "% Served by a test.\n\n\n"

--- Answer of a server like RIPE's to one line: keys of the exact or else the
-- next less specific prefix.
-- @tparam table world
-- @tparam string line without its end
-- @treturn string
-- @treturn boolean true: the connection is closed behind it
function M.ripe(world, line)
  local address = line:match("^%-r %-K %-T route,route6 (%S+)$")
  if not address or not M.bits(address) then
    return RIPE_HEAD .. "%ERROR:108: bad character in input\n%\n"
      .. RIPE_TAIL, true
  end
  local found, parts = covering(world.routes, address), {}
  for _, item in ipairs(found) do
    local row = item.row
    if item.length == found[#found].length then
      local kind = row.prefix:find(":", 1, true) and "route6" or "route"
      parts[#parts + 1] = ("%-16s%s\n%-16sAS%d\n\n"):format(kind .. ":",
        row.prefix, "origin:", row.asn)
    end
  end
  parts[1] = parts[1] or "%ERROR:101: no entries found\n%\n"
  return RIPE_HEAD .. table.concat(parts) .. RIPE_TAIL, true
end

-- ---- bulk whois -----------------------------------------------------------

local function bulk_line(world, address)
  local found = covering(world.bgp, address)
  local best = found[#found]
  if not best then
    return ("%-7s | %-16s | %-19s | %-2s | %-8s | %-10s | %s\n"):format("NA",
      address, "NA", "", "", "", "NA")
  end
  local parts = {}
  for _, item in ipairs(found) do
    local row = item.row
    if item.length == best.length then
      local holder = world.holders[row.asn] or {}
      parts[#parts + 1] = ("%-7d | %-16s | %-19s | %s | %-8s | %s | %s\n")
        :format(row.asn, address, row.prefix, row.cc, row.registry, row.date,
          holder.bgp_name or "NA")
    end
  end
  return table.concat(parts)
end

--- Answer of a bulk whois server to one line.
-- @tparam table world
-- @tparam string line without its end
-- @tparam table session its state: `bulk`
-- @treturn string
-- @treturn boolean whether the connection is closed behind it
function M.bulk(world, line, session)
  local word = line:lower():gsub("^%s+", "")
  if word == "begin" then
    session.bulk = true
    return "Bulk mode; whois.cymru.com [2026-11-21 00:00:00 +0000]\n", false
  elseif word == "verbose" then
    return "", false
  elseif word == "end" or not session.bulk then
    return "", true
  elseif M.bits(line) then
    return bulk_line(world, line), false
  end
  return "Error: no ASN or IP match on line 1.\n", false
end

return M
