-- SPDX-License-Identifier: BSD-2-Clause
--- The report for people: target, time to first byte, aligned table, and
-- under it verdicts, notes, the meaning of marks.
-- Pure: a result in, text out; every value is written by the field table.
-- @module mtrtrace.report.text
local grid = require "mtrtrace.report.grid"
local ttfb_line = require "mtrtrace.report.ttfb_line"
local unicode = require "mtrtrace.unicode"

local M = {}

-- Cells in ASCII: before they are measured, as that changes their lengths.
local function in_ascii(cells_of_rows)
  local out = {}
  for r, cells in ipairs(cells_of_rows) do
    out[r] = {}
    for c, cell in ipairs(cells) do
      out[r][c] = unicode.ascii(cell)
    end
  end
  return out
end

local function widths_of(cells_of_rows)
  local widths = {}
  for _, cells in ipairs(cells_of_rows) do
    for c, cell in ipairs(cells) do
      widths[c] = math.max(widths[c] or 0, unicode.width(cell))
    end
  end
  return widths
end

local function add_table(lines, cells_of_rows, view)
  cells_of_rows = view.ascii and in_ascii(cells_of_rows) or cells_of_rows
  local widths = widths_of(cells_of_rows)
  for _, cells in ipairs(cells_of_rows) do
    local padded = {}
    for c, cell in ipairs(cells) do
      padded[c] = unicode.pad(cell, widths[c])
    end
    lines[#lines + 1] = table.concat(padded, "  "):gsub(" +$", "")
  end
end

--- Renders a result.
-- @tparam table result as given by trace:result(), judged
-- @tparam table view `columns` (array of field keys) and `max_silent`, as
--   in the checked options; `name` of the target as the user typed it;
--   `evidence`: whether to say what each OS guess rests on; `ascii`: whether
--   nothing but ASCII can be shown
-- @treturn string lines parted by "\n", without one at the end
function M.render(result, view)
  local lines = { "Target: " .. grid.target(result, view.name),
    "TTFB: " .. ttfb_line.render(result.ttfb), "" }
  add_table(lines, grid.cells(result, view, true), view)
  local remarks = grid.remarks(result, view)
  lines[#lines + 1] = #remarks > 0 and "" or nil
  for _, remark in ipairs(remarks) do
    lines[#lines + 1] = remark
  end
  local text = table.concat(lines, "\n")
  return view.ascii and unicode.ascii(text) or text
end

return M
