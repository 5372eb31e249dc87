-- SPDX-License-Identifier: BSD-2-Clause

--- Chart of latency and loss: a table with a row for each responder, whose
-- cells hold drawings. A drawing is stretched to its cell and therefore holds
-- no text; the title of the drawing has the figures. Pure.
-- @module mtrtrace.html.chart
local fields = require "mtrtrace.table.fields"
local fill = require "mtrtrace.html.fill"
local format = require "mtrtrace.base.format"
local rows = require "mtrtrace.table.rows"

local M = {}

-- Width of a drawing; addresses of one hop that are drawn.
local WIDTH, MOST = 1000, 8

local STEPS = { 1, 2, 3, 4, 6, 8, 10 }

-- ---- scales ---------------------------------------------------------------

--- A round number at or above another, whose half is round too.
-- @tparam number value above 0
-- @treturn number
function M.round_up(value)
  local power = 10.0 ^ math.floor(math.log(value, 10))
  for _, step in ipairs(STEPS) do
    if value <= step * power * (1 + 1e-9) then
      return step * power
    end
  end
  return 10 * power
end

-- Limits the scale, so that a single slow reply does not squeeze all others
-- into the first pixels.
local function latency_limit(list)
  local worst, median = 0, 0
  for _, row in ipairs(list) do
    local r = row.responder or {}
    worst = math.max(worst, r.worst_ms or 0)
    median = math.max(median, r.median_ms or 0)
  end
  if worst > 4 * median and median > 0 then
    worst = 2.5 * median
  end
  return worst > 0 and M.round_up(worst) or nil
end

-- A hop's own figures, or those of the flows that pass an address.
local function lost_of(row)
  return row.own and row.responder or row.first and row.hop or {}
end

local function loss_limit(list)
  local high = 0.05
  for _, row in ipairs(list) do
    if not row.hop.silent then
      high = math.max(high, lost_of(row).loss_high or 0)
    end
  end
  return math.min(1, M.round_up(high))
end

local function answered(list)
  for _, row in ipairs(list) do
    if row.responder then
      return true
    end
  end
  return false
end

-- ---- drawings -------------------------------------------------------------

local function x_of(value, limit)
  return fill.at(math.min(value / limit, 1) * WIDTH)
end

local function line(class, from, to)
  return from ~= to
    and ('<path class="%s" d="M%s 12H%s"/>'):format(class, from, to) or ""
end

local function tick(class, x, half)
  return ('<path class="%s" d="M%s %sv%s"/>'):format(class, x, 12 - half,
    2 * half)
end

local DRAWING = '<svg class="bar" viewBox="0 0 1000 24" role="img" '
  .. 'preserveAspectRatio="none"><title>$(title)</title>$[drawing]</svg>'

local BEYOND = '<path class="beyond" d="M970 6l28 6l-28 6"/>'

-- A value beyond the scale ends in an arrow instead of a cap.
local function end_of(value, limit)
  return value > limit and BEYOND
    or tick("cap", x_of(value, limit), 5)
end

local SHOWN = { "best", "median", "avg", "p95", "worst" }

local function value_of(key, row)
  return fields.cell(fields.get(key), row)
end

local function latency_title(row)
  local parts = {}
  for i, key in ipairs(SHOWN) do
    parts[i] = ("%s %s"):format(key, value_of(key, row))
  end
  return table.concat(parts, ", ") .. " ms"
end

local function latency(row, limit)
  local r = row.responder
  if not r or not r.avg_ms or not limit then
    return "", ""
  end
  local best, p95 = x_of(r.best_ms, limit), x_of(r.p95_ms, limit)
  local worst = x_of(r.worst_ms, limit)
  return fill.fill(DRAWING, { title = latency_title(row), drawing = line(
    "range", best, worst) .. tick("cap", best, 5)
    .. end_of(r.worst_ms, limit) .. line("most", best, p95)
    .. tick("median", x_of(r.median_ms, limit), 9)
    .. ('<path class="avg" d="M%s 12h0"/>'):format(x_of(r.avg_ms, limit)),
  }), value_of("median", row) .. " ms"
end

local function loss_title(of)
  return ("%s lost, between %s and %s at 95 %% confidence"):format(
    format.kinds.share.text(of.loss), format.kinds.share.text(of.loss_low),
    format.kinds.share.text(of.loss_high))
end

local function loss(row, limit)
  local of = lost_of(row)
  if not of.loss then
    return "", ""
  elseif row.hop.silent then
    return "", "no answer"
  end
  local low, high = x_of(of.loss_low, limit), x_of(of.loss_high, limit)
  return fill.fill(DRAWING, { title = loss_title(of), drawing = line("lost",
    "0", x_of(of.loss, limit)) .. line("interval", low, high)
    .. tick("end", low, 5) .. tick("end", high, 5) }),
    value_of("loss", row)
end

-- ---- the table ------------------------------------------------------------

local ROW = '<tr><th scope="row" class="who">'
  .. '<span class="ttl">$(hop)</span> $(who)</th>'
  .. '<td class="plot">$[latency]</td><td class="value">$(median)</td>'
  .. '<td class="plot">$[loss]</td><td class="value">$(loss_text)</td>'
  .. "</tr>\n"

local MORE = '<tr><th scope="row" class="who"><span class="ttl"></span> '
  .. "and $(count) more: see the table</th>"
  .. '<td class="plot"></td><td class="value"></td>'
  .. '<td class="plot"></td><td class="value"></td></tr>\n'

local HEAD = [[
<table class="chart">
<caption>Latency and loss by hop</caption>
<thead><tr><th scope="col" class="who">Hop</th>
<th scope="col">Latency, ms <span class="axis"><span>0</span> ]]
  .. [[<span>$(latency_half)</span> <span>$(latency_limit)</span></span></th>
<th scope="col" class="value">Median</th>
<th scope="col">Loss, % <span class="axis"><span>0</span> ]]
  .. [[<span>$(loss_half)</span> <span>$(loss_limit)</span></span></th>
<th scope="col" class="value">Loss%</th></tr></thead>
<tbody>
]]

local function row_html(row, latency_max, loss_max)
  local out = { hop = fields.cell(fields.get "hop", row),
    who = value_of("host", row) }
  out.latency, out.median = latency(row, latency_max)
  out.loss, out.loss_text = loss(row, loss_max)
  return fill.fill(ROW, out)
end

-- Rows with those beyond the first few of each hop as one.
local function body(list, latency_max, loss_max)
  local place = 0
  return fill.each(list, function(row)
    place = row.first and 1 or place + 1
    if place == MOST + 1 then
      return fill.fill(MORE, { count = #row.hop.responders - MOST })
    end
    return place <= MOST and row_html(row, latency_max, loss_max) or nil
  end)
end

--- The chart of a trace.
-- @tparam table result judged
-- @tparam table view `max_silent`
-- @treturn string HTML, empty without a reply
function M.render(result, view)
  local list = rows.build(result, view.max_silent)
  if not answered(list) then
    return ""
  end
  local latency_max, loss_max = latency_limit(list), loss_limit(list)
  return fill.fill(HEAD, {
    latency_half = latency_max and format.decimal(latency_max / 2) or "",
    latency_limit = latency_max and format.decimal(latency_max) or "",
    loss_half = format.decimal(loss_max * 50),
    loss_limit = format.decimal(loss_max * 100),
  }) .. body(list, latency_max, loss_max) .. "</tbody>\n</table>\n"
end

return M
