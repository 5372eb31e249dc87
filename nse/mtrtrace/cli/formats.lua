-- SPDX-License-Identifier: BSD-2-Clause
--- The documents that the command writes once traces are done, one row each:
-- what stands before them all, for each trace, between two, and behind.
-- A row is { name, head, trace, between, tail }; `trace` is a function of the
-- result and a view, the others are texts or functions of the view, and may
-- be absent.
-- @module mtrtrace.cli.formats
local text = require "mtrtrace.report.text"

local M = {}

local ROWS = {
  { name = "report", between = "\n", trace = function(result, view)
    return text.render(result, view) .. "\n"
  end },
}

local BY_NAME = {}
for _, row in ipairs(ROWS) do
  BY_NAME[row.name] = row
end

--- The row of a format.
-- @tparam string name
-- @treturn ?table
function M.get(name)
  return BY_NAME[name]
end

return M
