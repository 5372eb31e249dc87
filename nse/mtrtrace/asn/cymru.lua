-- SPDX-License-Identifier: BSD-2-Clause

--- Team Cymru's bulk whois and DNS zones: what to ask, and readers of the
-- answers. Pure; takes any bytes, raises for none.
--
-- A line is "AS | IP | BGP Prefix | CC | Registry | Allocated | AS Name";
-- "NA" stands for nothing known. An address with several origins has several
-- lines, or several numbers in the first field. A TXT record about an address
-- is "AS | BGP Prefix | CC | Registry | Allocated", one about an AS is
-- "AS | CC | Registry | Allocated | AS Name".
-- @module mtrtrace.asn.cymru
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"
local special = require "mtrtrace.base.special"

local M = {}

local LONGEST_LINE = 1024

--- Opening of a batch; addresses follow, one a line.
M.BEGIN = "begin\nverbose\n"

--- End of a batch; the server closes the connection behind its last answer.
M.END = "end\n"

--- Line that asks for an address.
-- @tparam string bytes of the address
-- @treturn string
function M.query(bytes)
  return special.text(bytes) .. "\n"
end

local function value(text)
  local out = text and clean.text(text)
  return out ~= "NA" and out or nil
end

local function numbers(text)
  local out = {}
  for digits in text:gmatch("%S+") do
    local n = digits:match("^%d+$") and #digits <= 10 and tonumber(digits)
    if not n then
      return {}
    end
    out[#out + 1] = n > 0 and n <= 4294967295 and n or nil
  end
  return out
end

local function columns(line)
  local out = {}
  for column in (line .. "|"):gmatch("([^|]*)|") do
    out[#out + 1] = clean.trim(column)
  end
  return out
end

-- An origin for each number in the first column; from column `at` on stand
-- country, registry and date. A default route is nobody's network.
local function add_origins(origins, column, where, at, organization)
  for _, asn in ipairs(where.length > 0 and numbers(column[1]) or {}) do
    origins[#origins + 1] = {
      asn = asn, prefix = where, country = value(column[at] or ""),
      registry = value(column[at + 1] or ""),
      allocated = value(column[at + 2] or ""), organization = organization,
    }
  end
end

-- A name may have bars of its own.
local function name_from(column, at)
  return value(table.concat(column, " | ", at))
end

local function is_numbers(text)
  return text:match("^[%dNA ]+$") ~= nil
end

-- ---- bulk whois -----------------------------------------------------------

--- Reads one line of an answer.
-- @tparam string line without its end
-- @treturn ?string bytes of the address it is about; nil where it is about
--   none: the greeting, a title, an error
-- @treturn ?{table,...} origins { asn, prefix, country, registry, allocated,
--   organization }, none where nothing is known
function M.line(line)
  local column = columns(line)
  local bytes = #column >= 3 and special.bytes(column[2])
  if not bytes or not is_numbers(column[1]) then
    return nil
  end
  local where = prefix.parse(column[3])
  local origins = {}
  if where and prefix.contains(where, bytes) then
    add_origins(origins, column, where, 4, name_from(column, 7))
  end
  return bytes, origins
end

local Reader = {}
Reader.__index = Reader

--- Takes what came from the server. The first line that is an error is kept
-- as `error`.
-- @tparam string data
-- @treturn {table,...} { bytes, origins } of each line about an address
-- @treturn ?string what is wrong with the rest
function Reader:feed(data)
  local text, out = self.rest .. data, {}
  local from, to = 1, text:find("\n", 1, true)
  while to and to - from <= LONGEST_LINE do
    local line = text:sub(from, to - 1)
    local bytes, origins = M.line((line:gsub("\r$", "")))
    if bytes then
      out[#out + 1] = { bytes = bytes, origins = origins }
    else
      self.error = self.error or clean.text(line:match "^ *(Error.*)" or "")
    end
    from, to = to + 1, text:find("\n", to + 1, true)
  end
  self.rest = text:sub(from)
  return out, #self.rest > LONGEST_LINE and "a line without an end" or nil
end

--- A reader for one connection.
-- @treturn table
function M.reader()
  return setmetatable({ rest = "" }, Reader)
end

-- ---- DNS ------------------------------------------------------------------

-- More than an address has prefixes over it.
local MOST_TEXTS = 16

--- Name of the TXT records about an address.
-- @tparam string bytes of the address
-- @tparam {[integer]=string} zones of IPv4 under 4, of IPv6 under 16
-- @treturn string
function M.origin_name(bytes, zones)
  local parts = {}
  for at = #bytes, 1, -1 do
    local byte = bytes:byte(at)
    parts[#parts + 1] = #bytes == 4 and ("%d."):format(byte)
      or ("%x.%x."):format(byte & 15, byte >> 4)
  end
  return table.concat(parts) .. zones[#bytes]
end

--- Name of the TXT record about an autonomous system.
-- @tparam integer asn
-- @tparam string zone
-- @treturn string
function M.holder_name(asn, zone)
  return ("AS%d.%s"):format(asn, zone)
end

local function short_columns(text)
  return columns(text:sub(1, LONGEST_LINE))
end

--- Origins of the longest prefix that holds an address.
-- @tparam {string,...} texts of the TXT records, none where there is no such
--   name
-- @tparam string bytes of the address
-- @treturn ?{table,...} { asn, prefix, country, registry, allocated }
-- @treturn ?string what is wrong with the records
function M.origins(texts, bytes)
  local origins, longest = {}, -1
  for i = 1, math.min(#texts, MOST_TEXTS) do
    local column = short_columns(texts[i])
    local where = column[2] and is_numbers(column[1])
      and prefix.parse(column[2])
    if where and prefix.contains(where, bytes)
      and where.length >= longest then
      origins = where.length > longest and {} or origins
      longest = where.length
      add_origins(origins, column, where, 3)
    end
  end
  if #texts > 0 and longest < 0 then
    return nil, ("an unreadable record: %s"):format(
      clean.text(texts[1]:sub(1, 40)) or "an empty one")
  end
  return origins
end

--- Who holds an autonomous system.
-- @tparam {string,...} texts of the TXT records
-- @tparam integer asn
-- @treturn ?table { name }
function M.holder(texts, asn)
  for i = 1, math.min(#texts, MOST_TEXTS) do
    local column = short_columns(texts[i])
    local name = column[1] == tostring(asn) and name_from(column, 5)
    if name then
      return { name = name }
    end
  end
  return nil
end

return M
