-- SPDX-License-Identifier: BSD-2-Clause

--- Legend of the page's figures, marks and drawings. Pure.
-- @module mtrtrace.html.legend
local fields = require "mtrtrace.table.fields"
local fill = require "mtrtrace.html.fill"

local M = {}

local LOSS = "Share of the finished counted probes that were not answered. "
  .. "Sent and Recv count the same probes. In brackets the 95 % interval "
  .. "(Wilson) where fewer than 100 probes stand behind a loss. Loss at a "
  .. "hop that the hops beyond it do not show is not loss on the path."

-- "?" has its numbers among the findings, hop by hop.
local MARKS = {
  { "r", "Bursts were answered only in part: the router rate-limits its "
    .. "answers, "
    .. "so Loss% is of probes sent more slowly." },
  { "s", "Other traces' probes to the same router are counted too." },
  { "?", "Hops beyond do not show these losses: they are replies which the "
    .. "hop did not send." },
}

local DRAWINGS = {
  { '<path class="range" d="M4 12H60"/><path class="cap" d="M4 7v10"/>'
    .. '<path class="cap" d="M60 7v10"/>',
    "Latency: from the best to the worst round trip" },
  { '<path class="most" d="M4 12H60"/>',
    "Latency: from the best to the 95th percentile" },
  { '<path class="median" d="M32 3v18"/>', "Latency: median" },
  { '<path class="avg" d="M32 12h0"/>', "Latency: mean" },
  { '<path class="range" d="M4 12H60"/>'
    .. '<path class="beyond" d="M50 6l10 6l-10 6"/>',
    "Latency: goes on beyond the scale" },
  { '<path class="lost" d="M4 12H40"/>', "Loss: share lost" },
  { '<path class="interval" d="M4 12H60"/><path class="end" d="M4 7v10"/>'
    .. '<path class="end" d="M60 7v10"/>', "Loss: its 95 % interval" },
  { '<path class="edge unsure" d="M4 12H60"/>',
    "Path: several addresses answered; which leads to which is not known" },
}

local PAGE = [[
<section class="legend">
<h2>How to read this page</h2>
<div class="columns">
<div><h3>Loss%</h3>
<p>$(loss)</p>
<dl class="marks">$[marks]</dl>
<p>A hop with * answered no probe; its figures are unknown, not bad.</p>
</div>
<div><h3>Drawings</h3>
<ul class="keys">$[drawings]</ul></div>
<div><h3>Columns</h3>
<dl>$[columns]</dl></div>
</div>
</section>
]]

local KEY = '<li><svg class="key" viewBox="0 0 64 24" aria-hidden="true">'
  .. "$[drawing]</svg> $(about)</li>\n"

local PAIR = "<dt>$(name)</dt><dd>$(about)</dd>\n"

--- The section of a page.
-- @tparam {string,...} columns keys of the fields in its tables
-- @treturn string HTML
function M.render(columns)
  return fill.fill(PAGE, {
    loss = LOSS,
    marks = fill.each(MARKS, function(row)
      return fill.fill(PAIR, { name = row[1], about = row[2] })
    end),
    drawings = fill.each(DRAWINGS, function(row)
      return fill.fill(KEY, { drawing = row[1], about = row[2] })
    end),
    columns = fill.each(columns, function(name)
      local field = fields.get(name)
      return fill.fill(PAIR, { name = field.title, about = field.about })
    end),
  })
end

return M
