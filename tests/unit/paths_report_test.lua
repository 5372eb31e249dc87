-- SPDX-License-Identifier: BSD-2-Clause
-- Several flows in the table, in structured output and in drawn graphs.
local chart = require "mtrtrace.html.chart"
local check = require "check"
local dot = require "mtrtrace.report.dot"
local drawing = require "mtrtrace.table.graph"
local fields = require "mtrtrace.table.fields"
local flow_worlds = require "sim.flow_worlds"
local graph = require "mtrtrace.flows.graph"
local outcome = require "mtrtrace.session.outcome"
local page_graph = require "mtrtrace.html.graph"
local ordered = require "mtrtrace.base.ordered"
local rows = require "mtrtrace.table.rows"
local sample = require "sample"
local structured = require "mtrtrace.report.structured"

local function traced(change)
  local random = flow_worlds.random(2)
  local w = { random = random, packets = 10, flows = 8,
    stages = flow_worlds.diamond(random, { before = 1, width = 2,
      length = 2, after = 1 }) }
  if change then
    change(w.stages)
  end
  local flows, merge = flow_worlds.trace(w)
  return outcome.of(flows, merge)
end

check.case("links_have_figures_of_the_flows_that_take_them", function()
  local result = traced(function(stages) stages[3][2].loss = 1 / 2 end)
  local meeting, seen = result.graph.nodes[#result.graph.nodes], {}
  for _, link in ipairs(result.graph.links) do
    if link.to == meeting.id then
      check.equal({ link.measured_flows, link.sent },
        { #link.flows, 10 * #link.flows })
      check.equal(link.received, math.floor(link.sent * (1 - link.loss)
        + 0.5))
      seen[#seen + 1] = link.loss
    end
  end
  check.equal(#seen, 2)
  check.equal(math.min(table.unpack(seen)) == 0, true)
  check.equal(math.max(table.unpack(seen)) > 0.2, true)
  local labels = {}
  for _, edge in ipairs(drawing.of(result).edges) do
    labels[#labels + 1] = edge.to == meeting.address
      and edge.figures:match "^%S+" or nil
  end
  table.sort(labels)
  check.equal({ #labels, labels[1] }, { 2, "0.0%" })
  local shown = structured.build(result, {}, ordered.new).graph.links
  check.equal(shown[1].sent, 10 * #result.graph.links[1].flows)
end)

local function cells(result, ...)
  local out = {}
  for i, row in ipairs(rows.build(result, 5)) do
    local parts = {}
    for j, key in ipairs { ... } do
      parts[j] = fields.cell(fields.get(key), row)
    end
    out[i] = table.concat(parts, " ")
  end
  return out
end

check.case("rows_of_a_fork_have_their_own_figures", function()
  local result = traced(function(stages) stages[2][1].loss = 0.4 end)
  local shown = cells(result, "hop", "ip", "loss", "sent", "received", "share",
    "flows", "path")
  local hop = result.hops[2]
  for i, r in ipairs(hop.responders) do
    check.contains(shown[1 + i], ("%d %d "):format(r.sent, r.received))
    check.equal(r.sent, 10 * #r.flows)
    check.contains(shown[1 + i], "% ")
  end
  check.contains(shown[1], "1 10.1.0.1 0.0% 80 80 100.0% 0-7 ")
  check.equal(shown[3]:sub(1, 1), " ")
end)

local function count(text, part)
  return select(2, text:gsub(part, ""))
end

-- Two branches of two hops: each is drawn below itself, and nothing across.
check.case("page_draws_the_links_that_were_found", function()
  local result = traced()
  local layers, links = drawing.layers(result)
  check.equal({ #layers, #layers[2], #layers[3], #links }, { 4, 2, 2, 6 })
  for _, link in ipairs(links) do
    check.equal(link.sure, true)
    if link.from.ttl == 2 then
      check.equal(link.from.place, link.to.place)
    end
  end
  local text = page_graph.render(result, "x")
  check.equal({ count(text, '<g class="node'), count(text, "unsure") },
    { 7, 0 })
  local curves = 0
  for d in text:gmatch 'class="edge" d="(.-)"' do
    curves = curves + count(d, "M")
  end
  check.equal(curves, 1 + #links)
end)

check.case("page_draws_silence_behind_the_paths_known", function()
  local result = traced()
  local last = result.hops[#result.hops].ttl
  result.hops[#result.hops + 1] = sample.silent(last + 1)
  result.hops[#result.hops + 1] = sample.silent(last + 2)
  for _, node in ipairs(result.graph.nodes) do
    node.target = false
  end
  local layers, links = drawing.layers(result)
  check.equal(layers[#layers][1].lines[1],
    ("* (hop %d-%d)"):format(last + 1, last + 2))
  check.equal(links[#links].to, layers[#layers][1])
end)

check.case("page_has_the_loss_of_each_branch", function()
  local result = traced(function(stages) stages[2][1].loss = 0.4 end)
  local text, rows_with_loss = chart.render(result, { max_silent = 5 }), 0
  for _, row in ipairs(rows.build(result, 5)) do
    rows_with_loss = rows_with_loss + (row.own and 1 or row.first and 1 or 0)
  end
  check.equal(count(text, "at 95 %% confidence"), rows_with_loss)
end)

check.case("rows_of_one_flow_are_as_ever", function()
  local r = sample.responder
  local result = sample.result { sample.hop(1, { r "10.0.0.1",
    r("10.0.0.2", { received = 3 }) }) }
  check.equal(cells(result, "hop", "loss", "sent", "received", "share"),
    { "1 0.0% 10 10 -", " - - 3 -" })
end)

check.case("labels_and_hops_back_have_columns", function()
  local result = sample.result { sample.hop(1, { sample.responder("10.0.0.1",
    { reply_ttl = 62, answers = { { extensions = { mpls = { { label = 16,
      tc = 0, ttl = 1 } } } } } }) }) }
  check.equal(cells(result, "mpls", "back", "interfaces", "objects"),
    { "16 tc0 ttl1 3 - -" })
  local out = structured.build(result, {}, ordered.new)
  local label = out.hops[1].responders[1].labels[1]
  check.equal({ label.label, label.tc, label.ttl }, { 16, 0, 1 })
end)

check.case("structured_output_has_flows_and_graph", function()
  local result = traced()
  local out = structured.build(result, {}, ordered.new)
  check.equal(#out.flows, 8)
  local flow = out.flows[3]
  check.equal({ flow.flow, flow.source_port, #flow.path, #flow.sha256,
    flow.loss_percent, flow.reached }, { 2, 28674, 4, 64, "0", true })
  check.equal({ #out.graph.nodes, #out.graph.links, out.graph.nodes[1].id },
    { 6, 6, "1 10.1.0.1" })
  check.equal(#out.graph.assumptions, #graph.ASSUMPTIONS)
  check.equal(structured.build(sample.result({}), {}, ordered.new).flows,
    nil)
end)

local function edges(result)
  local list = {}
  for i, edge in ipairs(drawing.of(result).edges) do
    list[i] = edge.from .. (edge.sure and " > " or " ? ") .. edge.to
  end
  return list
end

check.case("drawn_edges_are_the_links_found", function()
  check.equal(edges(traced()), { "10.255.0.1 > 10.1.0.1",
    "10.1.0.1 > 10.2.2.1", "10.1.0.1 > 10.2.1.1", "10.2.2.1 > 10.3.2.1",
    "10.2.1.1 > 10.3.1.1", "10.3.2.1 > 10.4.0.1", "10.3.1.1 > 10.4.0.1" })
end)

check.case("silent_routers_of_branches_are_drawn_apart", function()
  local result = traced(function(stages)
    stages[2][1].silent, stages[2][2].silent = true, true
    stages[1][2] = { address = "10.1.9.1" }
    stages[2][1].from, stages[2][2].from = { "10.1.0.1" }, { "10.1.9.1" }
  end)
  local silent = {}
  for _, node in ipairs(drawing.of(result).nodes) do
    silent[#silent + 1] = node.silent and node.lines[1] or nil
  end
  check.equal(silent, { "* (hop 2)", "* (hop 2)" })
  check.contains(dot.trace(result, { targets = 1 }), "style=dashed")
end)

check.case("gaps_are_drawn_as_not_sure", function()
  local result = { source = "S", target = "T", graph = graph.of_search {
    hops = { { ttl = 1, per_packet = true, vertices = { { address = "A" },
      { address = "B" } } }, { ttl = 2, per_packet = true,
      vertices = { { address = "C" }, { address = "D" } } } } } }
  check.equal(edges(result), { "S > A", "S > B", "A ? C", "A ? D", "B ? C",
    "B ? D" })
end)

check.finish()
