-- SPDX-License-Identifier: BSD-2-Clause

--- A grid of cells, each a character and a style, for one screen. Text is
-- clipped, and control characters are removed. Pure.
-- @module mtrtrace.screen.canvas
local unicode = require "mtrtrace.base.unicode"

local M = {}

local Canvas = {}
Canvas.__index = Canvas

--- Returns the number of terminal columns of a text.
-- @tparam string text
-- @treturn integer
function M.width(text)
  return unicode.width(unicode.clean(text))
end

-- Replaces the remaining half of a two-column character of which one half is
-- overwritten.
local function break_wide(self, at)
  if self.chars[at] == "" then
    self.chars[at - 1] = " "
  end
  if self.chars[at + 1] == "" then
    self.chars[at + 1] = " "
  end
end

local function set(self, at, text, style)
  break_wide(self, at)
  self.chars[at], self.styles[at] = text, style
end

--- Writes a text and cuts what does not fit. A character of two columns is
-- followed by an empty cell.
-- @tparam integer x column from 1
-- @tparam integer y row from 1
-- @tparam string text
-- @tparam ?string style
-- @tparam ?integer width the largest number of columns
-- @treturn integer the column after the text
function Canvas:put(x, y, text, style, width)
  if y < 1 or y > self.height then
    return x
  end
  local most = math.min(self.width, width and x + width - 1 or self.width)
  local base = (y - 1) * self.width
  local cells, widths = unicode.cells(self.show(unicode.clean(text)))
  for i, cell in ipairs(cells) do
    if x + widths[i] - 1 > most then
      break
    elseif x >= 1 and widths[i] > 0 then
      set(self, base + x, cell, style or "")
      if widths[i] == 2 then
        set(self, base + x + 1, "", style or "")
        self.chars[base + x] = cell
      end
    end
    x = x + widths[i]
  end
  return x
end

--- Sets the style of a row's cells that have none.
-- @tparam integer y
-- @tparam string style
function Canvas:tint(y, style)
  if y >= 1 and y <= self.height then
    for i = (y - 1) * self.width + 1, y * self.width do
      self.styles[i] = self.styles[i] == "" and style or self.styles[i]
    end
  end
end

--- Repeats a character.
-- @tparam integer x
-- @tparam integer y
-- @tparam string character
-- @tparam integer count
-- @tparam ?string style
-- @treturn integer the column after the last one
function Canvas:fill(x, y, character, count, style)
  for i = 0, count - 1 do
    self:put(x + i, y, character, style)
  end
  return x + math.max(0, count)
end

--- Returns the text of the canvas, a line for each row, without trailing
-- blanks.
-- @treturn string
function Canvas:text()
  local lines = {}
  for y = 1, self.height do
    local from = (y - 1) * self.width
    lines[y] = table.concat(self.chars, "", from + 1, from + self.width)
      :gsub(" +$", "")
  end
  return table.concat(lines, "\n")
end

--- Returns an empty canvas.
-- @tparam integer width columns
-- @tparam integer height rows
-- @tparam ?function show converts a text to what the terminal can display
-- @treturn table
function M.new(width, height, show)
  local self = setmetatable({ width = width, height = height, chars = {},
    styles = {}, show = show or function(text) return text end }, Canvas)
  for i = 1, width * height do
    self.chars[i], self.styles[i] = " ", ""
  end
  return self
end

return M
