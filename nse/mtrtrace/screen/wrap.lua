-- SPDX-License-Identifier: BSD-2-Clause

--- Wraps long sentences. Pure.
-- @module mtrtrace.screen.wrap
local unicode = require "mtrtrace.base.unicode"

local M = {}

--- Appends a text as lines; lines after the first are indented.
-- @tparam {string,...} lines
-- @tparam string text
-- @tparam integer width
function M.add(lines, text, width)
  local line, taken = "", 0
  for word in text:gmatch "%S+" do
    local columns = unicode.width(word)
    if line ~= "" and taken + columns + 1 > width then
      lines[#lines + 1] = line
      line, taken = "  " .. word, columns + 2
    elseif line == "" then
      line, taken = word, columns
    else
      line, taken = line .. " " .. word, taken + columns + 1
    end
  end
  lines[#lines + 1] = line
end

return M
