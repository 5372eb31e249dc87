-- SPDX-License-Identifier: BSD-2-Clause

--- Team Cymru's bulk whois and DNS zones: queries, and parsers of the
-- responses. Pure; accepts any bytes and never raises.
--
-- A whois line is "AS | IP | BGP Prefix | CC | Registry | Allocated |
-- AS Name"; "NA" stands for unknown. An address with several origins has
-- several lines, or several numbers in the first field. A TXT record about an
-- address is "AS | BGP Prefix | CC | Registry | Allocated", one about an AS
-- is "AS | CC | Registry | Allocated | AS Name".
-- @module mtrtrace.asn.cymru
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"
local special = require "mtrtrace.base.special"

local M = {}

local LONGEST_LINE = 1024

--- Start of a batch; addresses follow, one per line.
M.BEGIN = "begin\nverbose\n"

--- End of a batch; the server closes the connection after its last answer.
M.END = "end\n"

--- Query line for an address.
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

-- Adds an origin for each number in the first column; country, registry and
-- date start at column `at`. A default route has no origin.
local function add_origins(origins, column, where, at, organization)
  for _, asn in ipairs(where.length > 0 and numbers(column[1]) or {}) do
    origins[#origins + 1] = {
      asn = asn, prefix = where, country = value(column[at] or ""),
      registry = value(column[at + 1] or ""),
      allocated = value(column[at + 2] or ""), organization = organization,
    }
  end
end

-- An AS name may contain "|".
local function name_from(column, at)
  return value(table.concat(column, " | ", at))
end

local function is_numbers(text)
  return text:match("^[%dNA ]+$") ~= nil
end

-- ---- bulk whois -----------------------------------------------------------

--- Parses one line of a response.
-- @tparam string line without its end
-- @treturn ?string bytes of the address in the line; nil for a line without
--   one, such as the greeting, a title or an error
-- @treturn ?{table,...} origins { asn, prefix, country, registry, allocated,
--   organization }, empty if none is known
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

--- Takes data from the server. Keeps the first error line as `error`.
-- @tparam string data
-- @treturn {table,...} { bytes, origins } of each line about an address
-- @treturn ?string error in the data; the connection cannot be used further
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

-- More records than an address has covering prefixes in BGP.
local MOST_TEXTS = 16

--- Name of the TXT records about an address.
-- @tparam string bytes of the address
-- @tparam {[integer]=string} zones [4] for IPv4, [16] for IPv6
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

--- Origins of the longest prefix that contains an address.
-- @tparam {string,...} texts of the TXT records, empty if the name does not
--   exist
-- @tparam string bytes of the address
-- @treturn ?{table,...} { asn, prefix, country, registry, allocated }
-- @treturn ?string error in the records
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

--- Holder of an autonomous system.
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
