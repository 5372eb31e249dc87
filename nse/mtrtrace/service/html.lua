-- SPDX-License-Identifier: BSD-2-Clause

--- The HTML pages: the list of targets, and the path history below a report.
-- Pure.
-- @module mtrtrace.service.html
local fill = require "mtrtrace.html.fill"
local format = require "mtrtrace.base.format"
local page = require "mtrtrace.html.page"
local path_words = require "mtrtrace.verdict.path_words"
local request = require "mtrtrace.service.request"

local M = {}

local LIST = [[
<p><a href="metrics">Metrics</a> for Prometheus.</p>
<div class="scroll"><table>
<thead><tr><th class="t">Target</th><th class="t">Protocol</th>
<th class="t">State</th><th>Hops</th><th>Loss</th><th>Loss begins</th>
<th>Path changes</th><th>Last round</th></tr></thead>
<tbody>
$[rows]</tbody>
</table></div>
]]

local ROW = [[
<tr><th class="t"><a href="report/$[link]">$(label)</a></th>
<td class="t">$(protocol)</td>
<td class="t"><span class="status $[class]">$(state)</span></td>
<td>$(hops)</td><td>$(loss)</td><td>$(begins)</td><td>$(changes)</td>
<td>$(ended)</td></tr>
]]

-- Rows of the list; a last row has the number of further targets.
local MOST_ROWS = 2000

local function loss_of(values)
  return values.probes > 0
    and format.kinds.share.text(values.lost / values.probes) or "-"
end

local function row_of(one)
  local values, spec = one.counts.values, one.spec
  return fill.fill(ROW, {
    link = request.encode(spec.label) .. "?protocol="
      .. spec.options.protocol,
    label = spec.label, protocol = spec.options.protocol,
    class = values.reached == 1 and "good" or "bad",
    state = one.err and ("failed: %s"):format(one.err) or one:state(),
    hops = values.path_hops > 0 and values.path_hops or "-",
    loss = loss_of(one.counts.target.values),
    begins = values.loss_begins > 0 and ("hop %d"):format(values.loss_begins)
      or "-",
    changes = values.path_changes,
    ended = one.result_s and format.moment(math.floor(one.result_s)
      * 1000000000):gsub("%.%d+Z$", "Z") or "-" })
end

--- The list of targets.
-- @tparam {table,...} list entries
-- @tparam string version of this program
-- @treturn string
function M.list(list, version)
  local rows = {}
  for i = 1, math.min(#list, MOST_ROWS) do
    rows[i] = row_of(list[i])
  end
  if #list > MOST_ROWS then
    rows[#rows + 1] = ('<tr><td class="t" colspan="8">%d further targets'
      .. "</td></tr>\n"):format(#list - MOST_ROWS)
  end
  local count = ("%d target%s"):format(#list, #list == 1 and "" or "s")
  return page.render {
    title = "mtr-trace", heading = "mtr-trace: " .. count, version = version,
    main = fill.fill(LIST, { rows = table.concat(rows) }),
  }
end

local HISTORY = [[
<h3>Path history, the newest change first</h3>
<ul class="findings">
$[changes]</ul>
]]

local CHANGE = "<li>%s: %s<br>%s</li>\n"

--- The changes of a path.
-- @tparam {table,...} changes see mtrtrace.service.path_log
-- @tparam integer count of all changes, including those no longer kept
-- @treturn string HTML
function M.history(changes, count)
  if #changes == 0 then
    return '<p class="findings">The path has not changed so far.</p>\n'
  end
  local items = {}
  for i = #changes, 1, -1 do
    local change, lines = changes[i], {}
    for j, line in ipairs(path_words.lines(change)) do
      lines[j] = fill.escape(line)
    end
    items[#items + 1] = CHANGE:format(
      os.date("!%Y-%m-%d %H:%M:%SZ", math.floor(change.at_s)),
      fill.escape(path_words.head(change)), table.concat(lines, "<br>"))
  end
  if count > #changes then
    items[#items + 1] = ("<li>%d earlier changes are not kept.</li>\n")
      :format(count - #changes)
  end
  return fill.fill(HISTORY, { changes = table.concat(items) })
end

return M
