-- SPDX-License-Identifier: BSD-2-Clause

--- Selects the columns of the table that fit, their widths, and the order of
-- the rows. Pure.
-- @module mtrtrace.screen.columns
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local rows = require "mtrtrace.table.rows"
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Widths to which names are cut before a column is left out.
local NARROW = { host = 15, ip = 15 }
local NARROW_NAME = 8

-- Columns that identify a hop do not scroll.
local PINNED = { hop = true, host = true, ip = true }

-- ---- the order of rows ----------------------------------------------------

-- Returns the value by which a column sorts: a number where there is one.
local function sort_value(field, row)
  local raw = fields.raw(field, "hop", row.hop)
  if raw == nil and row.responder then
    raw = fields.raw(field, "responder", row.responder)
  end
  return tonumber(raw) or raw ~= nil and tostring(raw) or nil
end

-- Groups the rows by hop, so that sorting keeps a hop's rows together.
local function groups_of(list, field)
  local groups = {}
  for _, row in ipairs(list) do
    if row.first then
      local value = field.text_only and fields.cell(field, row)
        or sort_value(field, row)
      groups[#groups + 1] = { value = value, place = #groups }
    end
    local group = groups[#groups]
    group[#group + 1] = row
  end
  return groups
end

-- Returns an order of hops; hops without a value come last in either
-- direction.
local function before(reverse)
  return function(a, b)
    local x, y = a.value, b.value
    if x == nil or y == nil or x == y then
      if (x == nil) ~= (y == nil) then
        return y == nil
      end
      return a.place < b.place
    elseif type(x) ~= type(y) then
      x, y = tostring(x), tostring(y)
    end
    if reverse then
      return x > y
    end
    return x < y
  end
end

--- Returns the rows of a result, sorted.
-- @tparam table result judged
-- @tparam integer max_silent see mtrtrace.table.rows
-- @tparam ?string key of the column to sort by; nil for the hops' order
-- @tparam ?boolean reverse
-- @treturn {table,...} rows as mtrtrace.table.rows makes them
function M.rows(result, max_silent, key, reverse)
  local list = rows.build(result, max_silent)
  if not key then
    return list
  end
  local groups, sorted = groups_of(list, fields.get(key)), {}
  table.sort(groups, before(reverse))
  for _, group in ipairs(groups) do
    table.move(group, 1, #group, #sorted + 1, sorted)
  end
  return sorted
end

-- ---- widths ---------------------------------------------------------------

local function wanted(field, list, show)
  local width, cells = #field.title, {}
  for r, row in ipairs(list) do
    cells[r] = show(fields.cell(field, row))
    width = math.max(width, unicode.width(cells[r]))
  end
  return width, cells
end

local function is_right(field)
  return format.kinds[field.kind].numeric and not field.remark
    and not field.later
end

local function measure(keys, list, show)
  local columns, total = {}, -1
  for i, key in ipairs(keys) do
    local field = fields.get(key)
    local width, cells = wanted(field, list, show)
    columns[i] = { field = field, width = width, cells = cells,
      right = is_right(field), pinned = i <= 2 and PINNED[key] or false }
    total = total + width + 1
  end
  return columns, total
end

local function narrowest(column)
  local least = NARROW[column.field.name]
    or column.field.kind == "name" and NARROW_NAME or column.width
  return math.min(column.width, math.max(least, #column.field.title))
end

-- Narrows the columns of names, the widest first, until the table fits or all
-- have their least width.
local function squeeze(columns, excess)
  while excess > 0 do
    local widest
    for _, column in ipairs(columns) do
      local spare = column.width - narrowest(column)
      if spare > 0 and (not widest or column.width > widest.width) then
        widest = column
      end
    end
    if not widest then
      return
    end
    widest.width, excess = widest.width - 1, excess - 1
  end
end

-- Leaves out the first `left` of the columns that scroll.
local function scrolled(columns, left)
  local out = {}
  for i, column in ipairs(columns) do
    if column.pinned or left <= 0 or i == #columns then
      out[#out + 1] = column
    else
      left = left - 1
    end
  end
  return out
end

local function fitting(columns, width)
  local out, x = {}, 1
  for _, column in ipairs(columns) do
    if x + column.width - 1 > width then
      return out, x, true
    end
    column.x = x
    out[#out + 1] = column
    x = x + column.width + 1
  end
  return out, x, false
end

--- Returns the columns that are shown.
-- @tparam {string,...} keys
-- @tparam {table,...} list rows
-- @tparam integer width of the terminal in columns
-- @tparam integer left number of columns scrolled past by the user
-- @tparam function show converts a text to what the terminal can display
-- @treturn {table,...} { field, cells, x, width, right }
-- @treturn integer the first free column to the right
-- @treturn boolean whether further columns do not fit
function M.fit(keys, list, width, left, show)
  local columns = scrolled(measure(keys, list, show), left)
  local total = -1
  for _, column in ipairs(columns) do
    total = total + column.width + 1
  end
  squeeze(columns, total - width)
  return fitting(columns, width)
end

--- Returns the number of columns that are not shown.
-- @tparam {string,...} keys
-- @tparam {table,...} list what `fit` gave
-- @treturn integer
function M.hidden(keys, list)
  return #keys - #list
end

return M
