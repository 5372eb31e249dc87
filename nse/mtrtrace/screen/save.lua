-- SPDX-License-Identifier: BSD-2-Clause

--- Writes the report of a target on the screen to a file, in the format of the
-- command's option -r.
-- @module mtrtrace.screen.save
local formats = require "mtrtrace.report.formats"
local out = require "mtrtrace.report.out"

local M = {}

--- Returns the report of a target.
-- @tparam table state see mtrtrace.screen.state
-- @tparam table tab
-- @treturn string
function M.text(state, tab)
  return formats.get("report").trace(tab.result, { name = tab.name,
    columns = state.columns, max_silent = state.max_silent })
end

--- Writes the report of the target that is shown.
-- @tparam table state
-- @tparam string path
-- @treturn string message for the user
function M.report(state, path)
  local tab = state:current()
  if not tab.result then
    return "there is nothing to write yet"
  end
  local file, err = out.open(path)
  if not file then
    return "not written: " .. err
  end
  file:write(M.text(state, tab))
  err = file:close()
  return err and "not written: " .. err or "written to " .. path
end

return M
