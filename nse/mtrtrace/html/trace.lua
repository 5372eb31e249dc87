-- SPDX-License-Identifier: BSD-2-Clause

--- The section of one trace: how it went, what was found, the table of hops,
-- the chart, the path. Pure; every value is written by the field table.
-- @module mtrtrace.html.trace
local chart = require "mtrtrace.html.chart"
local fields = require "mtrtrace.table.fields"
local fill = require "mtrtrace.html.fill"
local format = require "mtrtrace.base.format"
local graph = require "mtrtrace.html.graph"
local grid = require "mtrtrace.table.grid"
local ttfb_line = require "mtrtrace.web.line"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Columns that the drawings show, behind the mean.
local DRAWN = { "best", "median", "p95", "worst" }

-- ---- columns --------------------------------------------------------------

--- The columns of the page's tables: what is drawn is there to be read.
-- @tparam table view `columns`, `chosen` where the user did that
-- @treturn {string,...}
function M.columns(view)
  if view.chosen then
    return view.columns
  end
  local keys, has = {}, {}
  for _, key in ipairs(view.columns) do
    has[key] = true
  end
  for _, key in ipairs(view.columns) do
    keys[#keys + 1] = key
    for _, drawn in ipairs(key == "avg" and DRAWN or {}) do
      keys[#keys + 1] = not has[drawn] and drawn or nil
    end
  end
  return keys
end

-- Whether a column of the body has any value.
local function says(cells, c)
  for r = 2, #cells do
    local text = cells[r][c]
    if text ~= "-" and text ~= "" then
      return true
    end
  end
  return #cells == 1
end

-- Returns the indices of the columns that are shown; empty ones are left out.
local function shown_of(cells, keys, view)
  local shown = {}
  for c in ipairs(keys) do
    shown[#shown + 1] = (view.chosen or says(cells, c)) and c or nil
  end
  return shown
end

-- ---- the table ------------------------------------------------------------

local TABLE = [[
<div class="scroll" role="region" tabindex="0" aria-label="Hops to $(name)">
<table class="hops">
<caption>Hops</caption>
<thead><tr>$[head]</tr></thead>
<tbody>
$[body]</tbody>
</table>
</div>
]]

local function cell_html(key, text)
  if key == "hop" and text ~= "" then
    return ('<th scope="row">%s</th>'):format(fill.escape(text))
  end
  return ("<td%s>%s</td>"):format(
    fields.get(key).kind == "name" and ' class="t"' or "",
    fill.escape(text))
end

local function table_html(result, view, keys, name)
  local cells = grid.cells(result, { columns = keys,
    max_silent = view.max_silent })
  if #cells == 1 then
    return ""
  end
  keys = grid.keys(keys, result)
  local shown = shown_of(cells, keys, view)
  local head = fill.each(shown, function(c)
    return ('<th scope="col"%s>%s</th>'):format(
      fields.get(keys[c]).kind == "name" and ' class="t"' or "",
      (fill.escape(cells[1][c]):gsub("%(", "<wbr>(")))
  end)
  local body = fill.each(cells, function(row, r)
    return r > 1 and "<tr>" .. fill.each(shown, function(c)
      return cell_html(keys[c], row[c])
    end) .. "</tr>\n" or nil
  end)
  return fill.fill(TABLE, { name = name, head = head, body = body })
end

-- ---- how it was traced ----------------------------------------------------

local PROBES = { icmp = "ICMP echo requests", udp = "UDP datagrams",
  tcp = "TCP SYNs", ["tcp-session"] = "TCP segments in a connection" }

local function probes(result)
  local ports = ""
  if result.port then
    ports = (" to port %d"):format(result.port)
      .. (result.source_port and (" from port %d"):format(result.source_port)
        or "")
  end
  return ("%s%s, %s; %d counted per hop, %d sent in all"):format(
    PROBES[result.protocol] or result.protocol, ports, words.sizes(result),
    result.packets, result.sent)
end

-- HTML knows no more than three decimals of a second.
local function moment(ns)
  local text = format.moment(ns):gsub("(%.%d%d%d)%d*Z$", "%1Z")
  return ('<time datetime="%s">%s</time>'):format(text, text)
end

local function from(result)
  return ("%s%s%s"):format(result.source or "unknown",
    result.interface and " on " .. result.interface or "",
    result.mtu and (", MTU %d"):format(result.mtu) or "")
end

local function ttls(result)
  return ("TTL %d to %d probed"):format(result.first_hop, result.probed_hop)
end

local function facts(result)
  local list = {
    { "Target", fill.escape(result.target) },
    { "Started", result.started_ns and moment(result.started_ns)
      or "not recorded" },
    { "Took", format.kinds.seconds.text(result.elapsed_s) .. " s" },
    { "Probes", fill.escape(probes(result)) },
    { "Hops", ttls(result) },
    { "From", fill.escape(from(result)) },
    result.ttfb and { "First byte",
      fill.escape(ttfb_line.render(result.ttfb)) },
  }
  return '<ul class="facts">' .. fill.each(list, function(row)
    return ("<li><b>%s</b> <span>%s</span></li>\n"):format(row[1], row[2])
  end) .. "</ul>\n"
end

-- ---- the section ----------------------------------------------------------

--- How a trace ended, in a few words.
-- @tparam table result
-- @treturn string
-- @treturn boolean whether the target was reached
function M.status(result)
  if result.reached then
    return ("Reached at hop %d"):format(result.target_ttl), true
  end
  return result.ending == "unreachable" and "Unreachable"
    or result.ending == "silent" and "Not reached" or "Not finished", false
end

local function findings(result, keys)
  local remarks = grid.remarks(result, { columns = keys })
  if #remarks == 0 then
    return '<p class="findings">Nothing stands out on this path.</p>\n'
  end
  return '<ul class="findings">\n' .. fill.each(remarks, function(text)
    return "<li>" .. fill.escape(text) .. "</li>\n"
  end) .. "</ul>\n"
end

local DRAWINGS = [[
<div class="panes">
$[chart]
<figure class="pane scroll" role="region" tabindex="0" ]]
  .. [[aria-label="Path to $(name)">
<figcaption>Path</figcaption>
$[graph]</figure>
</div>
]]

local function chart_html(result, view)
  local html = chart.render(result, view)
  return html ~= "" and '<div class="pane wide">' .. html .. "</div>" or ""
end

--- The parts of a section, below its heading.
-- @tparam table result judged
-- @tparam table view `columns`, `chosen`, `max_silent`, `name`
-- @tparam boolean drawn whether with chart and path
-- @treturn string HTML
function M.render(result, view, drawn)
  local keys, name = M.columns(view), grid.target(result, view.name)
  local parts = { facts(result), findings(result, keys),
    table_html(result, view, keys, name) }
  if drawn and #result.hops > 0 then
    parts[#parts + 1] = fill.fill(DRAWINGS, { name = name,
      chart = chart_html(result, view),
      graph = graph.render(result, "Path to " .. name) })
  end
  return table.concat(parts)
end

return M
