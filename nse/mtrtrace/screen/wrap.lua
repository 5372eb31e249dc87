-- SPDX-License-Identifier: BSD-2-Clause
--- Long sentences in lines. Pure.
-- @module mtrtrace.screen.wrap
local M = {}

--- Appends a text in lines; further ones are indented.
-- @tparam {string,...} lines
-- @tparam string text
-- @tparam integer width
function M.add(lines, text, width)
  local line = ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + #word + 1 > width then
      lines[#lines + 1] = line
      line = "  " .. word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
end

return M
