-- SPDX-License-Identifier: BSD-2-Clause

--- The table of targets of a page with several. Pure.
-- @module mtrtrace.html.overview
local fields = require "mtrtrace.table.fields"
local fill = require "mtrtrace.html.fill"
local grid = require "mtrtrace.table.grid"
local trace = require "mtrtrace.html.trace"

local M = {}

local ROW = '<tr$[class]><th scope="row" class="t">'
  .. '<a href="#$(id)">$(name)</a></th><td class="t">$(status)</td>'
  .. '<td>$(loss)</td><td>$(avg)</td><td class="t say">$(finding)</td>'
  .. "</tr>\n"

local TABLE = [[
<section class="overview">
<h2>Targets</h2>
<div class="scroll" role="region" tabindex="0" aria-label="Targets">
<table class="sortable">
<caption>$(count) targets, $(reached) reached</caption>
<thead><tr><th scope="col" class="t">Target</th>]]
  .. [[<th scope="col" class="t">Result</th>]]
  .. [[<th scope="col">Loss%</th><th scope="col">Avg(ms)</th>]]
  .. [[<th scope="col" class="t say">Finding</th></tr></thead>
<tbody>
$[rows]</tbody>
</table>
</div>
</section>
]]

-- The figures of the target itself.
local function of_target(result, key)
  local hop = result.reached and result.hops[#result.hops]
  for _, responder in ipairs(hop and hop.responders or {}) do
    if responder.target then
      return fields.cell(fields.get(key),
        { hop = hop, responder = responder, first = true })
    end
  end
  return "-"
end

--- The row of a trace.
-- @tparam table result judged
-- @tparam table view `name`, `columns`
-- @tparam string id of its section
-- @treturn string HTML
-- @treturn boolean whether the target was reached
function M.row(result, view, id)
  local status, reached = trace.status(result)
  return fill.fill(ROW, { id = id, name = grid.target(result, view.name),
    class = reached and "" or ' class="missed"', status = status,
    loss = of_target(result, "loss"), avg = of_target(result, "avg"),
    finding = grid.remarks(result, { columns = {} })[1] or "" }), reached
end

--- The row of a target that was not traced.
-- @tparam string err why
-- @tparam string name
-- @tparam string id of its section
-- @treturn string HTML
function M.failure(err, name, id)
  return fill.fill(ROW, { id = id, name = name, class = ' class="missed"',
    status = "Not traced", loss = "-", avg = "-", finding = err })
end

--- The table.
-- @tparam {string,...} rows
-- @tparam integer reached how many targets were
-- @treturn string HTML
function M.render(rows, reached)
  return fill.fill(TABLE, { count = #rows, reached = reached,
    rows = table.concat(rows) })
end

return M
