-- SPDX-License-Identifier: BSD-2-Clause

--- Computes the bytes that update a terminal from one canvas to the next; only
-- changed cells are written. Pure.
-- @module mtrtrace.screen.diff
local M = {}

local CLEAR, PLAIN = "\27[0m\27[2J", "\27[0m"

-- Unchanged cells between two changed ones that are rewritten, because they
-- take fewer bytes than moving the cursor.
local GAP = 4

local function move(out, x, y)
  out[#out + 1] = ("\27[%d;%dH"):format(y, x)
end

local function sgr(parameters)
  return parameters == "" and PLAIN or ("\27[0;%sm"):format(parameters)
end

local function same(old, new, i)
  return old.chars[i] == new.chars[i] and old.styles[i] == new.styles[i]
end

-- Moves the cursor to where writing has to start so that cell x is drawn
-- fully.
local function begin(out, pen, x, y)
  local from = pen.y == y and pen.x <= x and x - pen.x <= GAP and pen.x or x
  if pen.y ~= y or from ~= pen.x then
    move(out, x, y)
    pen.lost, from = false, x
  end
  return from
end

-- Terminals differ in the width of wide and combining characters, so the
-- cursor is positioned again after each of these.
local function write(out, pen, new, from, to, y, styles)
  local base = (y - 1) * new.width
  for x = from, to do
    local style = styles[new.styles[base + x]] or ""
    local text = new.chars[base + x]
    if pen.lost and text ~= "" then
      move(out, x, y)
      pen.lost = false
    end
    if style ~= pen.style then
      out[#out + 1] = sgr(style)
      pen.style = style
    end
    out[#out + 1] = text
    pen.lost = pen.lost or utf8.len(text) ~= 1
  end
  pen.x, pen.y = to + 1, y
end

local function blank(width, height)
  return { width = width, height = height,
    chars = setmetatable({}, { __index = function() return " " end }),
    styles = setmetatable({}, { __index = function() return "" end }) }
end

--- Returns the bytes that make a terminal that shows `old` show `new`.
-- @tparam ?table old canvas; nil where the terminal's content is unknown
-- @tparam table new canvas
-- @tparam table styles as given by mtrtrace.screen.palette
-- @treturn string "" without a change; else ends with the plain style
function M.bytes(old, new, styles)
  local out, pen = {}, { style = "", lost = false }
  if not old or old.width ~= new.width or old.height ~= new.height then
    out[1] = CLEAR
    old = blank(new.width, new.height)
  end
  for y = 1, new.height do
    local base = (y - 1) * new.width
    for x = 1, new.width do
      if not same(old, new, base + x) then
        write(out, pen, new, begin(out, pen, x, y), x, y, styles)
      end
    end
  end
  if pen.style ~= "" then
    out[#out + 1] = PLAIN
  end
  return table.concat(out)
end

return M
