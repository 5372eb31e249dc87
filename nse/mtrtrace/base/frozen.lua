-- SPDX-License-Identifier: BSD-2-Clause

--- Serializes a value to one string. Records that are kept by the thousands
-- and seldom read take less time as strings, because the garbage collector
-- does not traverse a string. A table that is reachable twice stays one table;
-- metatables are not kept. Pure.
-- @module mtrtrace.base.frozen
local M = {}

local math_type, pack, unpack = math.type, string.pack, string.unpack

-- A value is a tag and its data. Strings and tables are numbered in the order
-- of their first occurrence; later occurrences are KNOWN and that number.
local FALSE, TRUE, BYTE, INTEGER, FLOAT, STRING, TABLE, KNOWN, FINISH =
  0, 1, 2, 3, 4, 5, 6, 7, 8

local put

local function put_number(out, value)
  if math_type(value) == "float" then
    out[#out + 1] = pack("<Bd", FLOAT, value)
  elseif value >= 0 and value < 256 then
    out[#out + 1] = pack("BB", BYTE, value)
  else
    out[#out + 1] = pack("<Bj", INTEGER, value)
  end
end

local function put_table(out, seen, value)
  out[#out + 1] = pack("B", TABLE)
  for key, one in pairs(value) do
    put(out, seen, key)
    put(out, seen, one)
  end
  out[#out + 1] = pack("B", FINISH)
end

function put(out, seen, value)
  local kind = type(value)
  if kind == "number" then
    return put_number(out, value)
  elseif kind == "boolean" then
    out[#out + 1] = pack("B", value and TRUE or FALSE)
    return
  elseif kind ~= "string" and kind ~= "table" then
    error("a " .. kind .. " cannot be frozen", 0)
  elseif seen[value] then
    out[#out + 1] = pack("<BI3", KNOWN, seen[value])
    return
  end
  seen.count = seen.count + 1
  seen[value] = seen.count
  if kind == "string" then
    out[#out + 1] = pack("<Bs4", STRING, value)
  else
    put_table(out, seen, value)
  end
end

--- Serializes a value.
-- @param value boolean, number, string, or table of these
-- @treturn string
function M.freeze(value)
  local out = {}
  put(out, { count = 0 }, value)
  return table.concat(out)
end

local take

local function take_table(text, at, seen)
  local value = {}
  seen[#seen + 1] = value
  while text:byte(at) ~= FINISH do
    local key
    key, at = take(text, at, seen)
    value[key], at = take(text, at, seen)
  end
  return value, at + 1
end

local FORMATS = { [BYTE] = "B", [INTEGER] = "<j", [FLOAT] = "<d",
  [STRING] = "<s4", [KNOWN] = "<I3" }

function take(text, at, seen)
  local tag = text:byte(at)
  at = at + 1
  if tag == TRUE or tag == FALSE then
    return tag == TRUE, at
  elseif tag == TABLE then
    return take_table(text, at, seen)
  end
  local value
  value, at = unpack(FORMATS[tag], text, at)
  if tag == STRING then
    seen[#seen + 1] = value
  end
  return tag == KNOWN and seen[value] or value, at
end

--- Returns a new copy of the value that was serialized.
-- @tparam string text as freeze gives it
-- @return value
function M.thaw(text)
  return (take(text, 1, {}))
end

return M
