-- SPDX-License-Identifier: BSD-2-Clause
--- Team Cymru's bulk whois: what to send, and a reader of its lines. Pure;
-- takes any bytes, raises for none.
--
-- A line is "AS | IP | BGP Prefix | CC | Registry | Allocated | AS Name";
-- "NA" stands for nothing known. An address with several origins has several
-- lines, or several numbers in the first field.
-- @module mtrtrace.asn.cymru
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"
local special = require "mtrtrace.special"

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
  return prefix.address(bytes) .. "\n"
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

--- Reads one line of an answer.
-- @tparam string line without its end
-- @treturn ?string bytes of the address it is about; nil where it is about
--   none: the greeting, a title, an error
-- @treturn ?{table,...} origins { asn, prefix, country, registry, allocated,
--   organization }, none where nothing is known
function M.line(line)
  local column = columns(line)
  local bytes = #column >= 3 and special.bytes(column[2])
  if not bytes or not column[1]:match("^[%dNA ]+$") then
    return nil
  end
  local where = prefix.parse(column[3])
  local origins = {}
  for _, asn in ipairs(where and prefix.contains(where, bytes)
    and numbers(column[1]) or {}) do
    origins[#origins + 1] = {
      asn = asn, prefix = where, country = value(column[4] or ""),
      registry = value(column[5] or ""),
      allocated = value(column[6] or ""),
      -- A name may have bars of its own.
      organization = value(table.concat(column, " | ", 7)),
    }
  end
  return bytes, origins
end

local Reader = {}
Reader.__index = Reader

--- Takes what came from the server.
-- @tparam string data
-- @treturn {table,...} { bytes, origins } of each line about an address
-- @treturn ?string what is wrong with the rest
function Reader:feed(data)
  local text, out = self.rest .. data, {}
  local from, to = 1, text:find("\n", 1, true)
  while to do
    local line = text:sub(from, math.min(to, from + LONGEST_LINE) - 1)
    local bytes, origins = M.line((line:gsub("\r$", "")))
    if bytes then
      out[#out + 1] = { bytes = bytes, origins = origins }
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

return M
