-- SPDX-License-Identifier: BSD-2-Clause

--- Details of one hop: responders and their replies, every figure, verdicts
-- with their evidence, and the distribution of RTTs. Pure.
-- @module mtrtrace.screen.detail
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local history = require "mtrtrace.screen.history"
local rows = require "mtrtrace.table.rows"
local unicode = require "mtrtrace.base.unicode"
local wrap = require "mtrtrace.screen.wrap"

local M = {}

local BARS, LEAST_SIDE = 8, 76

-- ---- lines ----------------------------------------------------------------

local function codes_of(responder)
  local out = {}
  for i, c in ipairs(responder.codes or {}) do
    local code = c.type and ("%d/%d "):format(c.type, c.code) or ""
    out[i] = ("%s%s: %d"):format(code, c.name or "", c.count or 0)
  end
  return table.concat(out, ", ")
end

local function responder_line(responder)
  return ("%s%s%s  %d replies  %s"):format(responder.address,
    responder.name and " " .. responder.name or "",
    responder.target and "  (the target)" or "", responder.received or 0,
    codes_of(responder))
end

local SAID = { hop = true, host = true, ip = true, name = true,
  codes = true, received = true }

-- Returns every column that has a value in a row.
local function figures(row, show)
  local out = {}
  for _, field in ipairs(fields.all()) do
    local text = not SAID[field.name] and fields.cell(field, row) or "-"
    if text ~= "-" and text ~= "" and text ~= "no" then
      out[#out + 1] = ("%s %s"):format(field.title, show(text))
    end
  end
  return out
end

-- Appends texts side by side, as many in a line as fit.
local function flow(lines, texts, width)
  local line = ""
  for _, text in ipairs(texts) do
    if line ~= ""
      and unicode.width(line) + unicode.width(text) + 3 > width then
      lines[#lines + 1] = line
      line = ""
    end
    line = line == "" and text or line .. "   " .. text
  end
  lines[#lines + 1] = line ~= "" and line or nil
end

local function speaks_of(verdict, ttl)
  if verdict.from and verdict.to then
    return ttl >= verdict.from and ttl <= verdict.to
  end
  return verdict.hop == ttl
end

-- Returns the sequence of responders over time, by flow.
local function in_turn(hop)
  local seen, last = {}, nil
  for _, run in ipairs(hop.runs) do
    if last and last.address == run.address then
      last.count = last.count + run.count
    else
      last = { address = run.address, count = run.count }
      seen[#seen + 1] = last
    end
  end
  for i, run in ipairs(seen) do
    seen[i] = ("%s x%d"):format(run.address, run.count)
  end
  return seen
end

local function evidence(lines, result, hop, width, show)
  for _, verdict in ipairs(result.verdicts or {}) do
    if speaks_of(verdict, hop.ttl) then
      wrap.add(lines, show(format.clean(verdict.text)), width)
    end
  end
  local seen = in_turn(hop)
  if #seen > 1 then
    wrap.add(lines, "Answered in turn: " .. table.concat(seen, ", "), width)
  end
end

--- Returns the text on a hop.
-- @tparam table result judged
-- @tparam table hop one of its hops
-- @tparam integer width columns
-- @tparam function show converts a text to what the terminal can display
-- @treturn {string,...} lines
function M.lines(result, hop, width, show)
  local lines = {}
  for _, row in ipairs(rows.of(hop)) do
    wrap.add(lines, row.responder
      and show(format.clean(responder_line(row.responder)))
      or "No reply at this TTL.", width)
    flow(lines, figures(row, show), width)
  end
  evidence(lines, result, hop, width, show)
  return lines
end

-- ---- distribution of RTTs -------------------------------------------------

--- Counts RTTs in bins of equal width between the shortest and the longest.
-- @tparam table values as mtrtrace.screen.history gives them
-- @tparam integer count
-- @tparam integer parts
-- @treturn {table,...} { low, high, count } in ms
function M.histogram(values, count, parts)
  local low, high = math.huge, 0
  for i = 1, count do
    if values[i] then
      low, high = math.min(low, values[i]), math.max(high, values[i])
    end
  end
  if low > high then
    return {}
  end
  parts = low == high and 1 or parts
  local step, out = (high - low) / parts, {}
  for i = 1, parts do
    out[i] = { low = low + (i - 1) * step, high = low + i * step, count = 0 }
  end
  for i = 1, count do
    if values[i] then
      local at = step > 0 and (values[i] - low) // step + 1 or 1
      at = math.tointeger(math.min(parts, at))
      out[at].count = out[at].count + 1
    end
  end
  return out
end

-- Returns the histogram as text: a heading, then a line for each bin.
local function histogram_lines(state, ttl, parts, width)
  local values, count = state:current().history:last(ttl, history.LENGTH)
  local list, most = M.histogram(values, count, parts), 0
  for _, part in ipairs(list) do
    most = math.max(most, part.count)
  end
  local text = format.kinds.ms.text
  local lines = { ("Round trips (ms), newest %d probes"):format(count) }
  for _, part in ipairs(list) do
    local label = ("%8s-%-8s %4d "):format(text(part.low), text(part.high),
      part.count)
    lines[#lines + 1] = label .. state.glyphs.full:rep(math.ceil(part.count
      / most * math.max(0, width - #label)))
  end
  return lines
end

-- ---- the pane -------------------------------------------------------------

local function hop_of(result, ttl)
  for _, hop in ipairs(result.hops) do
    if hop.ttl == ttl then
      return hop
    end
  end
end

local function put_lines(canvas, lines, from, x, y, room, width)
  for i = from, math.min(#lines, from + room - 1) do
    canvas:put(x, y + i - from, lines[i], "", width)
  end
end

--- Draws the details.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local tab = state:current()
  local hop = hop_of(tab.result, tab.selected)
  canvas:fill(1, area.y, state.glyphs.rule, canvas.width, "dim")
  if not hop then
    canvas:put(3, area.y, " No hop is chosen ", "title")
    return
  end
  canvas:put(3, area.y, (" Hop %d "):format(hop.ttl), "title")
  local beside = canvas.width >= LEAST_SIDE
  local width = beside and canvas.width * 3 // 5 or canvas.width
  local lines = M.lines(tab.result, hop, width - 1, state.glyphs.show)
  local room = area.height - 1
  local bars = histogram_lines(state, hop.ttl,
    beside and math.max(1, math.min(BARS, room - 1)) or BARS,
    beside and canvas.width - width or canvas.width)
  if beside then
    put_lines(canvas, bars, 1, width + 1, area.y + 1, room)
  else
    table.move(bars, 1, #bars, #lines + 1, lines)
  end
  local from = math.max(1, math.min(state.detail_top or 1,
    #lines - room + 1))
  state.detail_top = from
  put_lines(canvas, lines, from, 1, area.y + 1, room, width - 1)
  if from > 1 or #lines - from >= room then
    canvas:put(canvas.width - 11, area.y, " [ ] scroll ", "key")
  end
end

return M
