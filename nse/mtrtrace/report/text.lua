-- SPDX-License-Identifier: BSD-2-Clause
--- The report for people: target, time to first byte, aligned table, and
-- under it verdicts, notes, the meaning of marks.
-- Pure: a result in, text out; every value is written by the field table.
-- @module mtrtrace.report.text
local fields = require "mtrtrace.fields"
local format = require "mtrtrace.format"
local marks = require "mtrtrace.marks"
local notes = require "mtrtrace.notes"
local os_lines = require "mtrtrace.os.lines"
local rows = require "mtrtrace.rows"
local verdict_lines = require "mtrtrace.verdict.lines"

local M = {}

local function columns_of(keys)
  local columns = {}
  for i, key in ipairs(keys) do
    columns[i] = fields.get(key)
  end
  return columns
end

local function cell_of(field, row)
  local text = fields.cell(field, row)
  return field.longest and #text > field.longest
    and text:sub(1, field.longest - 2) .. ".." or text
end

local function grid_of(columns, table_rows)
  local grid = { {} }
  for c, field in ipairs(columns) do
    grid[1][c] = field.title
  end
  for r, row in ipairs(table_rows) do
    grid[r + 1] = {}
    for c, field in ipairs(columns) do
      grid[r + 1][c] = cell_of(field, row)
    end
  end
  return grid
end

local function widths_of(grid)
  local widths = {}
  for _, cells in ipairs(grid) do
    for c, cell in ipairs(cells) do
      widths[c] = math.max(widths[c] or 0, #cell)
    end
  end
  return widths
end

local function add_table(lines, grid)
  local widths = widths_of(grid)
  for _, cells in ipairs(grid) do
    local padded = {}
    for c, cell in ipairs(cells) do
      padded[c] = cell .. (" "):rep(widths[c] - #cell)
    end
    lines[#lines + 1] = table.concat(padded, "  "):gsub(" +$", "")
  end
end

local function target_line(result, name)
  if name and name ~= "" and name ~= result.target then
    return ("Target: %s (%s)"):format(format.clean(name), result.target)
  end
  return "Target: " .. result.target
end

local function has_loss(keys)
  for _, key in ipairs(keys) do
    if key == "loss" then
      return true
    end
  end
  return false
end

local function append(lines, more)
  for _, line in ipairs(more) do
    lines[#lines + 1] = line
  end
end

-- Verdicts, then notes, then what the marks of the table mean, then, where
-- asked for, what OS guesses rest on.
local function remarks_of(result, view)
  local remarks = {}
  append(remarks, verdict_lines.list(result.verdicts or {}))
  append(remarks, notes.list(result))
  append(remarks, has_loss(view.columns) and marks.legend(result.hops) or {})
  append(remarks, view.evidence and os_lines.list(result) or {})
  return remarks
end

--- Renders a result.
-- @tparam table result as given by trace:result(), judged
-- @tparam table view `columns` (array of field keys) and `max_silent`, as
--   in the checked options; `name` of the target as the user typed it;
--   `evidence`: whether to say what each OS guess rests on
-- @treturn string lines parted by "\n", without one at the end
function M.render(result, view)
  local lines = { target_line(result, view.name), "TTFB: -", "" }
  local table_rows = rows.build(result, view.max_silent)
  add_table(lines, grid_of(columns_of(view.columns), table_rows))
  local remarks = remarks_of(result, view)
  lines[#lines + 1] = #remarks > 0 and "" or nil
  for _, remark in ipairs(remarks) do
    lines[#lines + 1] = format.clean(remark)
  end
  return table.concat(lines, "\n")
end

return M
