-- SPDX-License-Identifier: BSD-2-Clause

--- Draws the whole screen: from the state and a size to a canvas. Pure.
-- @module mtrtrace.screen.draw
local canvas_of = require "mtrtrace.screen.canvas"
local chart = require "mtrtrace.screen.chart"
local chooser = require "mtrtrace.screen.chooser"
local detail = require "mtrtrace.screen.detail"
local format = require "mtrtrace.base.format"
local grid = require "mtrtrace.table.grid"
local help = require "mtrtrace.screen.help"
local path_history = require "mtrtrace.screen.path_history"
local strips = require "mtrtrace.screen.strips"
local ttfb_line = require "mtrtrace.web.line"
local table_view = require "mtrtrace.screen.table"
local unicode = require "mtrtrace.base.unicode"
local words = require "mtrtrace.verdict.words"

local M = {}

local VIEWS = { table = table_view.draw, strips = strips.draw,
  chart = chart.draw }

-- Least number of rows for both table and detail pane; on a lower screen the
-- detail pane replaces the table.
local LEAST_SPLIT = 16

-- ---- header and footer ----------------------------------------------------

local STATES = { waiting = "waiting", done = "done", failed = "failed",
  running = "" }

local function status_of(state)
  local tab = state:current()
  local parts = {}
  if state.paused then
    parts[1] = "paused"
  elseif tab.state == "running" and tab.trace.busy then
    parts[1] = tab.trace.busy
  elseif STATES[tab.state] ~= "" then
    parts[1] = STATES[tab.state]
  end
  if tab.result and tab.result.random_size then
    parts[#parts + 1] = words.sizes(tab.result)
  end
  if state.interval then
    parts[#parts + 1] = ("every %s s"):format(format.decimal(state.interval))
  end
  parts[#parts + 1] = format.clock((tab.at_ns - tab.from_ns) // 1000000000)
  return table.concat(parts, "  ")
end

local function target_of(tab)
  if tab.result then
    return grid.target(tab.result, tab.name)
  end
  return format.clean(tab.name)
end

local function draw_title(canvas, state)
  local status = status_of(state)
  local x = canvas:put(1, 1, "mtr-trace ", "dim")
  canvas:put(x, 1, target_of(state:current()), "title",
    canvas.width - x - #status - 1)
  canvas:put(canvas.width - #status + 1, 1, status, "dim")
end

-- Leaves out tabs to the left of the active one where they do not fit.
local function draw_tabs(canvas, state)
  local first, width = state.active, 0
  while first >= 1 do
    width = width + unicode.width(format.clean(state.tabs[first].name)) + 5
    if width > canvas.width then
      break
    end
    first = first - 1
  end
  local x = 1
  for i = math.min(first + 1, state.active), #state.tabs do
    local tab = state.tabs[i]
    local label = (" %d %s "):format(i, format.clean(tab.name))
    local style = i == state.active and "tab"
      or tab.state == "failed" and "bad" or "dim"
    x = canvas:put(x, 2, label, style) + 1
  end
end

-- Returns the line of the time to first byte, where known and where the screen
-- has a row to spare.
local function web_of(state, height)
  local result = state:current().result
  return height >= LEAST_SPLIT and result and result.ttfb
    and "TTFB: " .. ttfb_line.render(result.ttfb) or nil
end

local HINTS = { { "q", "quit" }, { "?", "help" }, { "p", "pause" },
  { "r", "reset" }, { "d", "display" }, { "enter", "detail" },
  { "O", "columns" }, { "<>", "sort" }, { "i", "interval" },
  { "w", "write" }, { "n", "names" }, { "z", "ASN" } }

local function draw_hints(canvas, y, room)
  local x = 1
  for _, hint in ipairs(HINTS) do
    local width = #hint[1] + #hint[2] + 3
    if x + width - 3 > room then
      return
    end
    canvas:put(canvas:put(x, y, hint[1], "key") + 1, y, hint[2], "dim")
    x = x + width
  end
end

local function count(number, what)
  return number > 0 and ("%d %s%s"):format(number, what,
    number > 1 and "s" or "") or nil
end

-- Returns the longest text that fits on hidden rows and columns and the keys
-- that show them.
local function hidden_text(state, width)
  local hidden = state.hidden or { rows = 0, columns = 0 }
  local texts
  if hidden.all then
    texts = { ("table hidden: needs %d rows"):format(hidden.all),
      ("needs %d rows"):format(hidden.all), "..." }
  else
    local list = { count(hidden.rows, "row"), nil }
    list[#list + 1] = count(hidden.columns, "column")
    local what = table.concat(list, ", ")
    texts = #list == 0 and { "" } or { "hidden: " .. what .. " (arrows)",
      "hidden: " .. what, ("+%d +%d"):format(hidden.rows, hidden.columns),
      "..." }
  end
  for _, text in ipairs(texts) do
    if #text <= width then
      return text
    end
  end
  return ""
end

local function draw_foot(canvas, state)
  local y = canvas.height
  if state.prompt then
    local line = state.prompt.label .. state.prompt.text .. "_"
    canvas:put(1, y, line:sub(-canvas.width), "prompt")
  elseif state.message then
    canvas:put(1, y, format.clean(state.message), "key")
  else
    local text = hidden_text(state, canvas.width)
    draw_hints(canvas, y, canvas.width - (text == "" and 0 or #text + 2))
    canvas:put(math.max(1, canvas.width - #text + 1), y, text, "key")
  end
end

-- ---- body -----------------------------------------------------------------

local function draw_empty(canvas, state, area)
  local tab = state:current()
  local text = tab.err or tab.state == "failed" and "no trace"
    or tab.trace and "Looking for the first hops..."
    or "Waiting for the address, or for its turn (see --parallel)"
  canvas:put(1, area.y, format.clean(text), tab.err and "bad" or "dim")
end

local function draw_path(canvas, state, area)
  local view = VIEWS[state.mode]
  if not state.detail then
    return view(canvas, state, area)
  elseif area.height < LEAST_SPLIT then
    return detail.draw(canvas, state, area)
  end
  local lower = math.max(8, area.height * 2 // 5)
  view(canvas, state, { y = area.y, height = area.height - lower })
  detail.draw(canvas, state, { y = area.y + area.height - lower,
    height = lower })
end

local function draw_middle(canvas, state, area)
  local result = state:current().result
  if state.help then
    help.draw(canvas, state, area)
  elseif state.chooser then
    chooser.draw(canvas, state, area)
  elseif state.past then
    path_history.draw(canvas, state, area)
  elseif not result or #result.hops == 0 then
    draw_empty(canvas, state, area)
  else
    draw_path(canvas, state, area)
  end
end

--- Draws the state.
-- @tparam table state see mtrtrace.screen.state
-- @tparam integer width columns
-- @tparam integer height rows
-- @treturn table canvas
function M.draw(state, width, height)
  local canvas = canvas_of.new(width, height, state.glyphs.show)
  local top, web = #state.tabs > 1 and 2 or 1, web_of(state, height)
  if web then
    top = top + 1
    canvas:put(1, top, web, "dim", canvas.width)
  end
  local area = { y = top + 1, height = height - top - 1 }
  state.hidden = area.height < 2 and { all = top + 3 } or nil
  if area.height >= 2 then
    draw_title(canvas, state)
    if #state.tabs > 1 then
      draw_tabs(canvas, state)
    end
    draw_middle(canvas, state, area)
  end
  draw_foot(canvas, state)
  return canvas
end

return M
