-- SPDX-License-Identifier: BSD-2-Clause

--- Characters for graphs on terminals with and without UTF-8, each one column
-- wide; `show` converts a cleaned text for such a terminal. Pure.
-- @module mtrtrace.screen.glyphs
local unicode = require "mtrtrace.base.unicode"

local M = {}

--- Plain ASCII.
M.ascii = {
  levels = { "_", ".", "-", "~", "=", "+", "*", "#" }, full = "#",
  lost = "x", open = " ", rule = "-", bar = "|", axis = "+", more = ">",
  show = unicode.ascii,
}

--- UTF-8: eighths of a block.
M.utf8 = {
  levels = { "\u{2581}", "\u{2582}", "\u{2583}", "\u{2584}", "\u{2585}",
    "\u{2586}", "\u{2587}", "\u{2588}" }, full = "\u{2588}",
  lost = "x", open = " ", rule = "\u{2500}", bar = "\u{2502}",
  axis = "\u{253c}", more = "\u{203a}",
  show = function(text) return text end,
}

--- Whether the locale is UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is
-- set and not empty decides, as in POSIX.
-- @tparam function getenv from a name to its value or nil
-- @treturn boolean
function M.is_utf8(getenv)
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = getenv(name)
    if value and value ~= "" then
      return value:lower():gsub("%-", ""):find("utf8", 1, true) ~= nil
    end
  end
  return false
end

return M
