-- SPDX-License-Identifier: BSD-2-Clause

--- Text from outside: converts to valid UTF-8 without invisible characters,
-- measures the width in terminal columns, cuts, and transliterates to ASCII
-- for terminals without UTF-8. Pure.
-- @module mtrtrace.base.unicode
local tables = require "mtrtrace.base.unicode_tables"

local M = {}

local byte, char, find = string.byte, utf8.char, string.find

-- ---- tables ---------------------------------------------------------------

-- Parses the ranges of a table, in order; called when the first text needs
-- them.
local function ranges(text)
  local list = {}
  for word in text:gmatch "%S+" do
    local from, to = word:match "^(%x+)%-?(%x*)$"
    list[#list + 1] = { tonumber(from, 16),
      tonumber(to ~= "" and to or from, 16) }
  end
  return list
end

local function in_ranges(name)
  local list
  return function(code)
    list = list or ranges(tables[name])
    local low, high = 1, #list
    while low <= high do
      local middle = (low + high) // 2
      if code < list[middle][1] then
        high = middle - 1
      elseif code > list[middle][2] then
        low = middle + 1
      else
        return true
      end
    end
    return false
  end
end

local is_ignorable = in_ranges "invisible"
local is_combining = in_ranges "combining"
local is_wide = in_ranges "wide"

local letters

local function read_letters()
  letters = {}
  local code
  for word in tables.ascii:gmatch "%S+" do
    local start = word:match "^(%x+):$"
    if start then
      code = tonumber(start, 16)
    else
      letters[code] = word ~= "~" and word or ""
      code = code + 1
    end
  end
end

-- Invisible are C0, DEL, C1, the last two code points of each plane, and those
-- of the table.
local function is_invisible(code)
  return code < 32 or code >= 127 and code < 160 or code & 0xfffe == 0xfffe
    or is_ignorable(code)
end

-- Blanks of all widths (Zs).
local function is_blank(code)
  return code == 0xa0 or code >= 0x2000 and code <= 0x200a
    or code == 0x1680 or code == 0x202f or code == 0x205f or code == 0x3000
end

-- ---- bytes ----------------------------------------------------------------

-- Returns the code point at a byte and its length in bytes. Surrogates are
-- rejected here, because utf8.codepoint of Lua 5.3 accepts them.
local function character_at(text, at)
  local first = byte(text, at)
  if first < 0x80 then
    return first, 1
  elseif first < 0xc2 or not utf8.len(text, at, at) then
    return nil
  end
  local code = utf8.codepoint(text, at)
  if code >= 0xd800 and code <= 0xdfff then
    return nil
  end
  return code, code < 0x800 and 2 or code < 0x10000 and 3 or 4
end

-- Removes a multi-byte character that the end of the text cuts short.
local function without_cut_end(text)
  for back = 1, math.min(3, #text) do
    local first = byte(text, -back)
    if first < 0x80 then
      return text
    elseif first >= 0xc0 then
      local size = first >= 0xf0 and 4 or first >= 0xe0 and 3 or 2
      return size > back and text:sub(1, -back - 1) or text
    end
  end
  return text
end

local function has_utf8(text)
  local at = find(text, "[\194-\244][\128-\191]")
  while at do
    if character_at(text, at) then
      return true
    end
    at = find(text, "[\194-\244][\128-\191]", at + 1)
  end
  return false
end

-- Returns the code points of a text. Bytes that are not UTF-8 are read as ISO
-- 8859-1, which some registries still send.
local function codes_of(text)
  local codes, at = {}, 1
  while at <= #text do
    local code, size = character_at(text, at)
    codes[#codes + 1] = code or byte(text, at)
    at = at + (size or 1)
  end
  return codes
end

-- ---- cleaning -------------------------------------------------------------

-- Combining marks kept per character: more than any script needs would be
-- drawn over the lines above and below.
local MOST_MARKS = 4

--- Makes text from outside safe to keep and show: valid UTF-8 without control,
-- bidirectional and invisible characters. Letters stay as they are; bytes
-- that are not UTF-8 are read as ISO 8859-1; blanks of all widths become
-- spaces.
-- @tparam any text bytes of any kind, or a number
-- @treturn string
function M.clean(text)
  text = tostring(text)
  if not find(text, "[^\32-\126]") then
    return text
  end
  if has_utf8(text) then
    text = without_cut_end(text)
  end
  local parts, marks = {}, MOST_MARKS
  for _, code in ipairs(codes_of(text)) do
    if code >= 32 and code < 127 then
      parts[#parts + 1], marks = char(code), 0
    elseif not is_invisible(code) then
      marks = is_combining(code) and marks + 1 or 0
      if marks <= MOST_MARKS then
        parts[#parts + 1] = is_blank(code) and " " or char(code)
      end
    end
  end
  return table.concat(parts)
end

-- ---- columns --------------------------------------------------------------

--- Returns the number of terminal columns of a character.
-- @tparam integer code
-- @treturn integer 0 for a combining mark, else 1 or 2
local function columns_of(code)
  if code < 0x300 then
    return 1
  end
  return is_wide(code) and 2 or is_combining(code) and 0 or 1
end

--- Splits text into terminal cells: characters with their combining marks, and
-- the number of columns of each.
-- @tparam string text
-- @treturn {string,...}
-- @treturn {integer,...}
function M.cells(text)
  local cells, widths = {}, {}
  for _, code in ipairs(codes_of(text)) do
    local width = columns_of(code)
    if width == 0 and #cells > 0 then
      cells[#cells] = cells[#cells] .. char(code)
    else
      cells[#cells + 1], widths[#widths + 1] = char(code), width
    end
  end
  return cells, widths
end

--- Returns the number of terminal columns of a text.
-- @tparam string text
-- @treturn integer
function M.width(text)
  if not find(text, "[^\32-\126]") then
    return #text
  end
  local width = 0
  for _, code in ipairs(codes_of(text)) do
    width = width + columns_of(code)
  end
  return width
end

--- Returns the longest prefix of a text that fits in a number of columns.
-- @tparam string text
-- @tparam integer columns
-- @treturn string
function M.cut(text, columns)
  if not find(text, "[^\32-\126]") then
    return text:sub(1, math.max(0, columns))
  end
  local cells, widths = M.cells(text)
  local count, taken = 0, 0
  while cells[count + 1] and taken + widths[count + 1] <= columns do
    count = count + 1
    taken = taken + widths[count]
  end
  return table.concat(cells, "", 1, count)
end

--- Cuts a text that is too long and appends a sign.
-- @tparam string text
-- @tparam integer columns at most
-- @tparam string sign put at the end of what was cut, such as ".."
-- @treturn string
function M.shorten(text, columns, sign)
  return M.width(text) > columns
    and M.cut(text, columns - M.width(sign)) .. sign or text
end

--- Pads a text with blanks on the right.
-- @tparam string text
-- @tparam integer columns minimum width
-- @treturn string
function M.pad(text, columns)
  return text .. (" "):rep(columns - M.width(text))
end

--- Returns the longest prefix of whole characters within a number of bytes.
-- @tparam string text
-- @tparam integer bytes
-- @treturn string
function M.cut_bytes(text, bytes)
  if #text <= bytes then
    return text
  end
  return without_cut_end(text:sub(1, bytes))
end

-- ---- ASCII ----------------------------------------------------------------

--- Transliterates a text to ASCII: Latin, Greek and Cyrillic letters and
-- common signs become their nearest equivalent, marks are left out, any other
-- character becomes "?".
-- @tparam string text cleaned
-- @treturn string
function M.ascii(text)
  if not find(text, "[\128-\255]") then
    return text
  elseif not letters then
    read_letters()
  end
  local parts = {}
  for i, code in ipairs(codes_of(text)) do
    if code >= 0xff01 and code <= 0xff5e then
      code = code - 0xfee0 -- the full width form
    end
    parts[i] = code < 128 and char(code) or letters[code]
      or is_combining(code) and "" or "?"
  end
  return table.concat(parts)
end

return M
