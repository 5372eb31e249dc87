-- SPDX-License-Identifier: BSD-2-Clause

--- Makes a table and the sentences under it fit a width: cuts long names,
-- leaves out columns, empty ones first, then by priority, and returns the
-- titles of those that say something. Pure.
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

-- Of a list of columns in order, those that are empty, and the others.
local function by_content(cells, keys)
  local empty, others = {}, {}
  for _, key in ipairs(ORDER) do
    local c = find(keys, key)
    if c then
      table.insert(is_empty(cells, c) and empty or others, key)
    end
  end
  return empty, others
end

--- Makes a table fit a width.
-- @tparam {{string,...},...} cells titles first; changed
-- @tparam {string,...} keys of its columns
-- @tparam integer width characters a line may have
-- @treturn {string,...} titles of the columns that were left out and were not
--   empty
function M.table(cells, keys, width)
  local left, dropped = { table.unpack(keys) }, {}
  local titles = { table.unpack(cells[1]) }
  local empty, others = by_content(cells, keys)
  for _, key in ipairs(table.move(others, 1, #others, #empty + 1,
    { table.unpack(empty) })) do
    cut_names(cells, left, width)
    if select(2, widths_of(cells)) <= width then
      break
    end
    leave_out(cells, left, find(left, key))
  end
  for c, key in ipairs(keys) do
    dropped[#dropped + 1] = not find(left, key) and not find(empty, key)
      and titles[c] or nil
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
