-- SPDX-License-Identifier: BSD-2-Clause

--- The chart of the live screen: the chosen hop's latency over time, and the
-- loss of each hop. Pure.
-- @module mtrtrace.screen.chart
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local marks = require "mtrtrace.table.marks"
local spark = require "mtrtrace.screen.spark"

local M = {}

local LABEL = 9

-- Returns the selected hop and its first row for the field table.
local function chosen(result, ttl)
  for _, hop in ipairs(result.hops) do
    if hop.ttl == ttl then
      return hop, { hop = hop, responder = hop.responders[1], first = true }
    end
  end
end

local function shown(key, row)
  return fields.cell(fields.get(key), row)
end

local function heading(row)
  return ("Latency of hop %s, %s: last %s, avg %s, worst %s ms"):format(
    shown("hop", row), shown("host", row), shown("last", row),
    shown("avg", row), shown("worst", row))
end

-- Draws one probe: a column of full cells, and a partial cell on top.
local function bar(canvas, glyphs, x, area, value, top)
  local levels = #glyphs.levels
  local eighths = spark.level(value, top, area.height * levels)
  for row = 0, area.height - 1 do
    local part = math.min(levels, eighths - row * levels)
    if part > 0 then
      canvas:put(x, area.y + area.height - 1 - row, glyphs.levels[part],
        "graph")
    end
  end
end

local function draw_axes(canvas, state, area, top)
  local text = format.kinds.ms.text
  for i = 0, area.height - 1 do
    canvas:put(LABEL, area.y + i, state.glyphs.bar, "dim")
  end
  local labels = { [0] = top, [area.height - 1] = 0 }
  if area.height >= 6 then
    labels[area.height // 2] = top * (area.height - area.height // 2)
      / area.height
  end
  for i, value in pairs(labels) do
    local label = text(value)
    canvas:put(LABEL - 1 - #label, area.y + i, label, "dim")
  end
end

local function draw_times(canvas, state, y, width)
  local tab = state:current()
  local since = tab.history:since(tab.selected, width)
  canvas:put(LABEL, y, state.glyphs.axis, "dim")
  canvas:fill(LABEL + 1, y, state.glyphs.rule, width, "dim")
  if since then
    canvas:put(LABEL + 2, y, (" %s ago "):format(
      format.clock((tab.at_ns - since) // 1000000000)), "dim", width)
    canvas:put(canvas.width - 4, y, " now", "dim")
  end
end

local function draw_latency(canvas, state, area, result)
  local tab = state:current()
  local _, row = chosen(result, tab.selected)
  if not row then
    canvas:put(1, area.y, "No hop is chosen: use the arrow keys", "dim")
    return
  end
  canvas:put(1, area.y, heading(row), "title")
  local width = canvas.width - LABEL
  local values, count = tab.history:last(tab.selected, width)
  local top = spark.top(values, count)
  local plot = { y = area.y + 1, height = area.height - 2 }
  draw_axes(canvas, state, plot, top)
  for i = 1, count do
    local x = canvas.width - count + i
    if values[i] then
      bar(canvas, state.glyphs, x, plot, values[i], top)
    elseif values[i] == false then
      canvas:put(x, plot.y + plot.height - 1, state.glyphs.lost, "bad")
    end
  end
  draw_times(canvas, state, area.y + area.height - 1, width)
end

-- Draws the loss of the hops around the selected one.
local function draw_loss(canvas, state, area, result)
  local tab, hops = state:current(), result.hops
  local count = area.height - 1
  local from = 1
  for i, hop in ipairs(hops) do
    from = hop.ttl == tab.selected and i - count // 2 or from
  end
  from = math.max(1, math.min(from, #hops - count + 1))
  canvas:put(1, area.y, "Loss by hop", "title")
  local wide = math.max(10, math.min(40, canvas.width // 4))
  local room = canvas.width - LABEL - wide - 14
  for i = from, math.min(#hops, from + count - 1) do
    local hop, y = hops[i], area.y + i - from + 1
    local row = { hop = hop, responder = hop.responders[1], first = true }
    canvas:put(1, y, shown("hop", row))
    canvas:put(5, y, shown("host", row), "", wide)
    local x = canvas:put(6 + wide, y, shown("loss", row), "", 14) + 1
    x = math.max(x, wide + LABEL + 6)
    canvas:fill(x, y, state.glyphs.full,
      math.ceil((hop.loss or 0) * math.max(0, room)),
      marks.is_doubtful(hop) and "dim" or "bad")
    if hop.ttl == tab.selected then
      canvas:tint(y, "chosen")
    end
  end
end

--- Draws the chart.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local result = state:current().result
  local rows = {}
  for i, hop in ipairs(result.hops) do
    rows[i] = { hop = hop, first = true }
  end
  state.order = rows
  local lower = math.min(#rows + 1, math.max(2, area.height * 2 // 5))
  draw_latency(canvas, state, { y = area.y, height = area.height - lower },
    result)
  draw_loss(canvas, state, { y = area.y + area.height - lower,
    height = lower }, result)
end

return M
