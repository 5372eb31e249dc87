-- SPDX-License-Identifier: BSD-2-Clause

--- The table of the live screen: a row for each responder, a sparkline for
-- each hop, and the verdicts below where there is room. Pure.
-- @module mtrtrace.screen.table
local columns = require "mtrtrace.screen.columns"
local grid = require "mtrtrace.table.grid"
local marks = require "mtrtrace.table.marks"
local spark = require "mtrtrace.screen.spark"
local unicode = require "mtrtrace.base.unicode"
local wrap = require "mtrtrace.screen.wrap"

local M = {}

-- { least width of the terminal, columns of the sparkline }.
local SPARKS = { { 160, 40 }, { 100, 20 }, { 60, 10 }, { 0, 0 } }

local function spark_width(state, width)
  for _, row in ipairs(SPARKS) do
    if width >= row[1] then
      return state.no_spark and 0 or row[2]
    end
  end
end

local MUCH = 0.1

local function loss_style(hop)
  if not hop.loss or hop.loss == 0 then
    return hop.loss and "good" or "dim"
  elseif marks.is_doubtful(hop) or hop.silent then
    return "dim"
  end
  return hop.loss >= MUCH and "bad" or "fair"
end

-- Returns the loss of a row: the responder's where it has figures of its own
-- flows, else the hop's.
local function loss_of(row)
  if row.own then
    return loss_style { loss = row.responder.loss, silent = row.hop.silent,
      better_beyond = row.hop.better_beyond,
        shared_rate_limit = row.hop.shared_rate_limit,
      lost_during_drops = row.hop.lost_during_drops }
  end
  return loss_style(row.hop)
end

local function cell_style(column, row)
  if column.field.name == "loss" and (row.first or row.own)
    and not row.last_ttl then
    return loss_of(row)
  elseif not row.responder or not row.first and not row.own then
    return "dim"
  end
  return ""
end

local function put_cell(canvas, column, text, y, style)
  local x = column.x
  if column.right then
    x = x + math.max(0, column.width - unicode.width(text))
  end
  canvas:put(x, y, text, style, column.width - (x - column.x))
end

local function draw_head(canvas, state, list, y, more)
  for _, column in ipairs(list) do
    local style = state.sort == column.field.name and "sorted" or "head"
    put_cell(canvas, column, column.field.title, y, style)
  end
  if more or state.left > 0 then
    canvas:put(canvas.width, y, state.glyphs.more, "key")
  end
end

local function draw_row(canvas, state, list, row, index, y, strip)
  for _, column in ipairs(list) do
    put_cell(canvas, column, column.cells[index], y, cell_style(column, row))
  end
  if strip.width > 0 and row.first and not row.last_ttl then
    local values, count = state:current().history:last(row.hop.ttl,
      strip.width)
    spark.draw(canvas, strip.x, y, strip.width, values, count, state.glyphs)
  end
  if row.hop.ttl == state:current().selected then
    canvas:tint(y, "chosen")
  end
end

-- Returns the range of rows that includes the selected hop.
local function window(tab, list, height)
  local first, last = #list, 1
  for i, row in ipairs(list) do
    if row.hop.ttl == tab.selected then
      first, last = math.min(first, i), math.max(last, i)
    end
  end
  if first > last then
    first, last = tab.top, tab.top
  end
  if last >= tab.top + height then
    tab.top = last - height + 1
  end
  tab.top = math.max(1, math.min(tab.top, first, #list - height + 1))
  return tab.top, math.min(#list, tab.top + height - 1)
end

local function draw_remarks(canvas, state, y, bottom)
  if bottom - y < 1 then
    return
  end
  local lines = {}
  for _, remark in ipairs(grid.remarks(state:current().result,
    { columns = state.columns })) do
    wrap.add(lines, state.glyphs.show(remark), canvas.width)
  end
  for i, line in ipairs(lines) do
    if y + i > bottom then
      canvas:put(canvas.width, bottom, state.glyphs.more, "key")
      return
    end
    canvas:put(1, y + i, line, "dim")
  end
end

--- Draws the table.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`: the rows it may use
function M.draw(canvas, state, area)
  local tab = state:current()
  local rows = columns.rows(tab.result, state.max_silent, state.sort,
    state.reverse)
  state.order = rows
  local width = spark_width(state, canvas.width)
  local list, x, more = columns.fit(grid.keys(state.columns, tab.result), rows,
    canvas.width - (width > 0 and width + 1 or 0), state.left,
    state.glyphs.show)
  local strip = { x = canvas.width - width + 1, width = width }
  if width > 0 and not more then
    strip.x = x + 1
  end
  draw_head(canvas, state, list, area.y, more)
  if width > 0 then
    canvas:put(strip.x, area.y, "Newest", "head", width)
  end
  local from, to = window(tab, rows, area.height - 1)
  for i = from, to do
    draw_row(canvas, state, list, rows[i], i, area.y + i - from + 1, strip)
  end
  state.hidden = { rows = #rows - (to - from + 1), columns = columns.hidden(
    grid.keys(state.columns, tab.result), list) }
  draw_remarks(canvas, state, area.y + to - from + 2,
    area.y + area.height - 1)
end

return M
