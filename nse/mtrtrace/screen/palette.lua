-- SPDX-License-Identifier: BSD-2-Clause

--- What the styles of cells are on a terminal: the parameters of its SGR
-- sequence, for 256 colours, for 8, and for none. Pure.
-- @module mtrtrace.screen.palette
local M = {}

-- { 256 colours, 8 colours, none }; a style that is not here is plain.
local STYLES = {
  title = { "1", "1", "1" },
  tab = { "7", "7", "7" },
  head = { "1;38;5;75", "1;36", "4" },
  sorted = { "1;4;38;5;75", "1;4;36", "1;4" },
  dim = { "38;5;245", "2", "" },
  good = { "38;5;71", "32", "" },
  fair = { "38;5;179", "33", "" },
  bad = { "1;38;5;203", "1;31", "1" },
  graph = { "38;5;73", "36", "" },
  key = { "1", "1", "1" },
  chosen = { "48;5;237", "7", "7" },
  prompt = { "7", "7", "7" },
}

local PLACE = { [256] = 1, [8] = 2, [0] = 3 }

--- How many colours a terminal has, by its environment. NO_COLOR, where it
-- is set and not empty, means none.
-- @tparam function getenv from a name to its value or nil
-- @treturn integer 256, 8 or 0
function M.colours(getenv)
  local term, more = getenv "TERM" or "", getenv "COLORTERM" or ""
  if (getenv "NO_COLOR" or "") ~= "" then
    return 0
  elseif term:find("256color", 1, true) or more:find("truecolor", 1, true)
    or more:find("24bit", 1, true) then
    return 256
  elseif term:find "^vt%d" or term:find "%-m$" or term:find "%-mono$" then
    return 0
  end
  return 8
end

--- The styles of a terminal.
-- @tparam integer colours 256, 8 or 0
-- @treturn table SGR parameters by style; "" is plain
function M.of(colours)
  local out = {}
  for name, row in pairs(STYLES) do
    out[name] = row[PLACE[colours]]
  end
  return out
end

return M
