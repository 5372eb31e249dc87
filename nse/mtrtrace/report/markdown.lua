-- SPDX-License-Identifier: BSD-2-Clause

--- The report as a Markdown table, verdicts as a list under it. Pure.
-- @module mtrtrace.report.markdown
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local grid = require "mtrtrace.table.grid"
local ttfb_line = require "mtrtrace.web.line"

local M = {}

-- Also what only some dialects read: strikethrough, mathematics, entities.
local function escape(text)
  return (text:gsub("[\\`*_|<>%[%]~$&#]", "\\%0"))
end

local function line(cells)
  local parts = {}
  for i, cell in ipairs(cells) do
    parts[i] = escape(cell)
  end
  return "| " .. table.concat(parts, " | ") .. " |\n"
end

-- Names to the left, figures to the right.
local function rule(columns)
  local parts = {}
  for i, key in ipairs(columns) do
    parts[i] = fields.get(key).kind == "name" and "---" or "--:"
  end
  return "| " .. table.concat(parts, " | ") .. " |\n"
end

--- A trace.
-- @tparam table result judged
-- @tparam table view `columns`, `max_silent`, `name`
-- @treturn string
function M.trace(result, view)
  local parts = { "## ", escape(grid.target(result, view.name)), "\n\n" }
  if result.ttfb then
    parts[#parts + 1] = "TTFB: " .. escape(ttfb_line.render(result.ttfb))
      .. "\n\n"
  end
  for i, cells in ipairs(grid.cells(result, view)) do
    parts[#parts + 1] = line(cells)
    parts[#parts + 1] = i == 1
      and rule(grid.keys(view.columns, result)) or nil
  end
  local remarks = grid.remarks(result, view)
  parts[#parts + 1] = #remarks > 0 and "\n" or nil
  for _, remark in ipairs(remarks) do
    parts[#parts + 1] = "- " .. escape(remark) .. "\n"
  end
  return table.concat(parts)
end

--- A target that was not traced.
-- @tparam string err why, one sentence
-- @tparam table view `name`
-- @treturn string
function M.failure(err, view)
  return ("## %s\n\nNot traced: %s\n"):format(
    escape(format.clean(view.name)), escape(format.clean(err)))
end

M.between = "\n"

return M
