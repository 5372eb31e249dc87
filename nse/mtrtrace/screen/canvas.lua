-- SPDX-License-Identifier: BSD-2-Clause
--- A screenful of cells, each a character and a style. What is put there is
-- clipped, and no control character gets in. Pure.
-- @module mtrtrace.screen.canvas
local M = {}

local Canvas = {}
Canvas.__index = Canvas

-- C0, DEL and C1 move cursors and start sequences.
local function is_control(code)
  return code < 32 or code >= 127 and code < 160
end

-- Characters of a text; what is no UTF-8 is one "?" a byte.
local function characters(text)
  local out = {}
  if not text:find "[^\32-\126]" then
    for i = 1, #text do
      out[i] = text:sub(i, i)
    end
    return out
  end
  local at = 1
  while at <= #text do
    local stop = utf8.len(text, at, at) and utf8.offset(text, 2, at) or at + 1
    local part = text:sub(at, stop - 1)
    local known = utf8.len(part) == 1 and not is_control(utf8.codepoint(part))
    out[#out + 1] = known and part or "?"
    at = stop
  end
  return out
end

--- How many columns a text takes.
-- @tparam string text
-- @treturn integer
function M.width(text)
  return text:find "[^\32-\126]" and #characters(text) or #text
end

--- Writes a text; what does not fit is left out.
-- @tparam integer x column from 1
-- @tparam integer y row from 1
-- @tparam string text
-- @tparam ?string style
-- @tparam ?integer width columns it may take at most
-- @treturn integer the column behind it
function Canvas:put(x, y, text, style, width)
  if y < 1 or y > self.height then
    return x
  end
  local most = math.min(self.width, width and x + width - 1 or self.width)
  local base = (y - 1) * self.width
  for _, character in ipairs(characters(text)) do
    if x > most then
      break
    elseif x >= 1 then
      self.chars[base + x], self.styles[base + x] = character, style or ""
    end
    x = x + 1
  end
  return x
end

--- Puts a style on a row as far as it has none.
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
-- @treturn integer the column behind it
function Canvas:fill(x, y, character, count, style)
  for i = 0, count - 1 do
    self:put(x + i, y, character, style)
  end
  return x + math.max(0, count)
end

--- What is to be read, a line a row, without blanks at the ends.
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

--- An empty screen.
-- @tparam integer width columns
-- @tparam integer height rows
-- @treturn table
function M.new(width, height)
  local self = setmetatable({ width = width, height = height, chars = {},
    styles = {} }, Canvas)
  for i = 1, width * height do
    self.chars[i], self.styles[i] = " ", ""
  end
  return self
end

return M
