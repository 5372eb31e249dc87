-- SPDX-License-Identifier: BSD-2-Clause

--- Makes a table and the sentences under it fit a width: leaves out empty
-- columns, cuts long names, leaves out other columns by priority, and returns
-- the titles of these. Pure.
-- @module mtrtrace.table.fit
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Columns in the order in which they are left out. Columns that identify a hop
-- and the hop's loss are never left out.
local ORDER = { "os", "organization", "received", "jitter", "asn", "worst",
  "best", "stdev", "last", "sent", "avg" }

-- Names are cut before a column is left out, but not to fewer characters.
local CUT = { host = true, name = true }
local LEAST_NAME = 24

local GAP, INDENT = 2, 2

local function widths_of(cells)
  local widths, total = {}, -GAP
  for c in ipairs(cells[1]) do
    widths[c] = 0
    for _, row in ipairs(cells) do
      widths[c] = math.max(widths[c], unicode.width(row[c]))
    end
    total = total + widths[c] + GAP
  end
  return widths, total
end

local function cut_names(cells, keys, width)
  local widths, total = widths_of(cells)
  for c, key in ipairs(keys) do
    local room = math.max(LEAST_NAME, widths[c] - (total - width))
    if CUT[key] and widths[c] > room then
      for _, row in ipairs(cells) do
        row[c] = unicode.shorten(row[c], room, "..")
      end
      widths, total = widths_of(cells)
    end
  end
end

local function find(keys, wanted)
  for c, key in ipairs(keys) do
    if key == wanted then
      return c
    end
  end
end

local function leave_out(cells, keys, c)
  table.remove(keys, c)
  for _, row in ipairs(cells) do
    table.remove(row, c)
  end
end

local function is_empty(cells, c)
  for r = 2, #cells do
    if cells[r][c] ~= "-" and cells[r][c] ~= "" then
      return false
    end
  end
  return true
end

local function is_too_wide(cells, width)
  return select(2, widths_of(cells)) > width
end

local function leave_out_empty(cells, keys, width)
  for _, key in ipairs(ORDER) do
    local c = find(keys, key)
    if c and is_empty(cells, c) and is_too_wide(cells, width) then
      leave_out(cells, keys, c)
    end
  end
end

--- Makes a table fit a width.
-- @tparam {{string,...},...} cells titles first; changed
-- @tparam {string,...} keys of its columns
-- @tparam integer width characters a line may have
-- @treturn {string,...} titles of the columns that were left out and were not
--   empty
function M.table(cells, keys, width)
  local left, dropped = { table.unpack(keys) }, {}
  leave_out_empty(cells, left, width)
  local titles, full = { table.unpack(cells[1]) }, { table.unpack(left) }
  for _, key in ipairs(ORDER) do
    cut_names(cells, left, width)
    if not is_too_wide(cells, width) then
      break
    end
    local c = find(left, key)
    if c then
      leave_out(cells, left, c)
    end
  end
  for c, key in ipairs(full) do
    dropped[#dropped + 1] = not find(left, key) and titles[c] or nil
  end
  return dropped
end

--- Breaks a sentence between words; further lines are indented.
-- @tparam string text
-- @tparam integer width characters a line may have
-- @treturn string
function M.wrap(text, width)
  if unicode.width(text) <= width then
    return text
  end
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    if line and unicode.width(line) + 1 + unicode.width(word) > width then
      lines[#lines + 1], line = line, (" "):rep(INDENT) .. word
    else
      line = line and line .. " " .. word or word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

return M
