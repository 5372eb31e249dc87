-- SPDX-License-Identifier: BSD-2-Clause

--- The newest probes of every hop, a column each, all on one scale. Pure.
-- @module mtrtrace.screen.strips
local columns = require "mtrtrace.screen.columns"
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local history = require "mtrtrace.screen.history"
local spark = require "mtrtrace.screen.spark"

local M = {}

local NARROW, WIDE = 15, 30

local function host_width(width)
  return math.max(NARROW, math.min(WIDE, width // 4))
end

local function first_rows(state)
  local out = {}
  for _, row in ipairs(columns.rows(state:current().result,
    state.max_silent, state.sort, state.reverse)) do
    out[#out + 1] = row.first and row or nil
  end
  return out
end

local function top_of(tab, rows, width)
  local top = 0
  for _, row in ipairs(rows) do
    top = math.max(top, spark.top(tab.history:last(row.hop.ttl, width)))
  end
  return top
end

local function draw_legend(canvas, state, y, top)
  local text = format.kinds.ms.text
  local levels, x = state.glyphs.levels, 1
  canvas:fill(1, y, " ", canvas.width)
  x = canvas:put(x, y, "Scale: ", "dim")
  for i, level in ipairs(levels) do
    x = canvas:put(x, y, level, "graph")
    if i == 1 or i == #levels then
      x = canvas:put(x, y, (" %s ms "):format(text(top * i / #levels)),
        "dim")
    end
  end
  x = canvas:put(x, y, "  " .. state.glyphs.lost, "bad")
  canvas:put(x, y, " lost", "dim")
end

--- Draws the strips.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local tab, rows = state:current(), first_rows(state)
  state.order = rows
  local wide = host_width(canvas.width)
  local width = math.min(history.LENGTH, canvas.width - 4 - wide - 2)
  local top = top_of(tab, rows, width)
  local hop_field, host = fields.get "hop",
    fields.get(state:has_column "ip" and "ip" or "host")
  canvas:put(1, area.y, hop_field.title, "head")
  canvas:put(5, area.y, host.title, "head")
  canvas:put(5 + wide + 1, area.y, "Newest probes, the last at the right",
    "head", width)
  local height = area.height - 2
  local from = math.max(1, math.min(#rows - height + 1, tab.selected))
  for i = from, math.min(#rows, from + height - 1) do
    local row, y = rows[i], area.y + i - from + 1
    canvas:put(1, y, fields.cell(hop_field, row))
    canvas:put(5, y, fields.cell(host, row), "", wide)
    if not row.last_ttl then
      local values, count = tab.history:last(row.hop.ttl, width)
      spark.draw(canvas, 5 + wide + 1, y, width, values, count,
        state.glyphs, top)
    end
    if row.hop.ttl == tab.selected then
      canvas:tint(y, "chosen")
    end
  end
  state.hidden = { rows = math.max(0, #rows - math.max(0, height)),
    columns = 0 }
  draw_legend(canvas, state, area.y + area.height - 1, top)
end

return M
