-- SPDX-License-Identifier: BSD-2-Clause

--- The report for people: target, time to first byte, aligned table, and
-- under it verdicts, notes, the meaning of marks.
-- Pure: a result in, text out; every value is written by the field table.
-- @module mtrtrace.report.text
local fit = require "mtrtrace.table.fit"
local grid = require "mtrtrace.table.grid"
local ttfb_line = require "mtrtrace.web.line"
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Converts cells to ASCII before they are measured, because the conversion
-- changes their lengths.
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

local function add_table(lines, cells_of_rows)
  local widths = widths_of(cells_of_rows)
  for _, cells in ipairs(cells_of_rows) do
    local padded = {}
    for c, cell in ipairs(cells) do
      padded[c] = unicode.pad(cell, widths[c])
    end
    -- The pattern " +$" would take time that grows with the square.
    lines[#lines + 1] = table.concat(padded, "  "):match(".*[^ ]") or ""
  end
end

-- The lines of the table, and the titles of what is left out of it.
local function table_of(lines, result, view)
  local cells, dropped = grid.cells(result, view, true), {}
  cells = view.ascii and in_ascii(cells) or cells
  if view.width and not view.chosen then
    dropped = fit.table(cells, grid.keys(view.columns, result), view.width)
  end
  add_table(lines, cells)
  return #dropped > 0 and ("Left out to fit %d columns: %s; -w shows all.")
    :format(view.width, table.concat(dropped, ", ")) or nil
end

--- Renders a result.
-- @tparam table result as given by trace:result(), judged
-- @tparam table view `columns` (array of field keys) and `max_silent`, as
--   in the checked options; `name` of the target as the user typed it;
--   `width`: characters a line may have, nil for any number; `chosen`:
--   whether the user chose the columns, of which none is left out then;
--   `evidence`: whether to say what each OS guess rests on; `ascii`: whether
--   nothing but ASCII can be shown
-- @treturn string lines parted by "\n", without one at the end
function M.render(result, view)
  local lines = {}
  local function say(sentence)
    lines[#lines + 1] = view.width and fit.wrap(sentence, view.width)
      or sentence
  end
  say("Target: " .. grid.target(result, view.name))
  say("TTFB: " .. ttfb_line.render(result.ttfb))
  lines[#lines + 1] = ""
  local left_out = table_of(lines, result, view)
  local remarks = grid.remarks(result, view)
  remarks[#remarks + 1] = left_out
  lines[#lines + 1] = #remarks > 0 and "" or nil
  for _, remark in ipairs(remarks) do
    say(remark)
  end
  local text = table.concat(lines, "\n")
  return view.ascii and unicode.ascii(text) or text
end

return M
