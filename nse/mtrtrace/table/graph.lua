-- SPDX-License-Identifier: BSD-2-Clause

--- The path as nodes and edges, for reports that draw the path. An address is
-- one node at whatever TTLs it replied; a silent hop is a node of its own in
-- each trace. With multipath detection (`result.graph`, made by
-- mtrtrace.flows.graph) the edges are the links found. Pure.
-- @module mtrtrace.table.graph
local fields = require "mtrtrace.table.fields"
local special = require "mtrtrace.base.special"

local M = {}

-- Returns the start of the silent hops at the end, drawn as one node.
local function silent_tail(result)
  local from = #result.hops + 1
  while from > 1 and #result.hops[from - 1].responders == 0 do
    from = from - 1
  end
  return from
end

local function cell(key, hop, responder, own)
  local text = fields.cell(fields.get(key),
    { hop = hop, responder = responder, first = true,
      own = own or #hop.responders > 1 and responder.sent ~= nil })
  return text ~= "-" and text or nil
end

local function network(hop, responder)
  local asn = cell("asn", hop, responder)
  local organization = cell("organization", hop, responder)
  if asn and organization and organization:sub(1, #asn) == asn then
    return organization -- such as "Private Network" without an AS number
  end
  return asn and organization and asn .. " " .. organization or asn
end

local function node_of(hop, responder)
  local address = responder.address
  return {
    id = (special.bytes(address) and address:gsub("%%.*", "") or address),
    lines = { responder.name or address,
      responder.name and address or network(hop, responder),
      responder.name and network(hop, responder) or nil },
    target = responder.target or false,
  }
end

local function figures(hop, responder, own)
  local avg = cell("avg", hop, responder)
  return ("%s%s"):format(cell("loss", hop, responder, own) or "",
    avg and (" %s ms"):format(avg) or "")
end

local function silent_node(trace, hop, last)
  local text = last and last > hop.ttl and ("%d-%d"):format(hop.ttl, last)
    or tostring(hop.ttl)
  return { id = ("silent %s %d"):format(trace, hop.ttl), silent = true,
    lines = { "* (hop " .. text .. ")" } }
end

-- Returns the nodes of a hop; the silent hops at the end are one node.
local function stage(trace, result, i, tail)
  local hop = result.hops[i]
  local list = {}
  for _, responder in ipairs(hop.responders) do
    local node = node_of(hop, responder)
    node.figures, node.ttl = figures(hop, responder), hop.ttl
    list[#list + 1] = node
  end
  if #list == 0 then
    list[1] = silent_node(trace, hop, i == tail
      and result.hops[#result.hops].ttl or nil)
  end
  return list
end

local function distinct(list)
  local seen, out = {}, {}
  for _, node in ipairs(list) do
    out[#out + 1] = not seen[node.id] and node or nil
    seen[node.id] = true
  end
  return out
end

local function connect(graph, before, after)
  for _, from in ipairs(before) do
    for _, to in ipairs(after) do
      graph.edges[#graph.edges + 1] = { from = from.id, to = to.id,
        sure = #before == 1 and #after == 1, figures = to.figures,
        ttl = to.ttl }
    end
  end
end

--- Returns the nodes of a trace hop by hop, the silent hops at the end as one.
-- @tparam table result judged
-- @treturn {{table,...},...} nodes as in the graph; those of responders have
--   `ttl` and `figures`
function M.stages(result)
  local stages, tail = {}, silent_tail(result)
  for i = 1, math.min(tail, #result.hops) do
    stages[i] = distinct(stage(result.target, result, i, tail))
  end
  return stages
end

-- ---- with multipath detection

local function drawn_node(trace, known)
  if known.responder then
    local node = node_of(known.hop, known.responder)
    node.figures = figures(known.hop, known.responder)
    node.target = known.target or node.target
    return node
  elseif known.address then
    return { id = known.address, lines = { known.address },
      target = known.target }
  end
  local node = silent_node(trace, known)
  node.id = ("silent %s %s"):format(trace, known.id)
  return node
end

-- Draws every possible edge as unsure where no flow shows the links between
-- two TTLs.
local function connect_gap(graph, by_ttl, ttl)
  for _, from in ipairs(distinct(by_ttl[ttl] or {})) do
    for _, to in ipairs(distinct(by_ttl[ttl + 1] or {})) do
      graph.edges[#graph.edges + 1] = { from = from.id, to = to.id,
        sure = false, figures = to.figures, ttl = to.ttl }
    end
  end
end

local function links_into(links)
  local count = {}
  for _, link in ipairs(links) do
    count[link.to] = (count[link.to] or 0) + 1
  end
  return count
end

local function of_known(result)
  local source = { id = result.source or "here", source = true,
    lines = { result.source or "here" } }
  local graph = { nodes = { source }, edges = {} }
  local by_id, by_ttl, first = {}, {}, math.huge
  for _, known in ipairs(result.graph.nodes) do
    local node = drawn_node(result.target, known)
    node.ttl, node.hop = known.ttl, known.hop
    by_id[known.id] = node
    by_ttl[known.ttl] = by_ttl[known.ttl] or {}
    table.insert(by_ttl[known.ttl], node)
    graph.nodes[#graph.nodes + 1] = node
    first = math.min(first, known.ttl)
  end
  graph.nodes = distinct(graph.nodes)
  for _, node in ipairs(distinct(by_ttl[first] or {})) do
    graph.edges[#graph.edges + 1] = { from = source.id, to = node.id,
      sure = true, figures = node.figures, ttl = first }
  end
  local incoming = links_into(result.graph.links)
  for _, link in ipairs(result.graph.links) do
    local from, to = by_id[link.from], by_id[link.to]
    graph.edges[#graph.edges + 1] = { from = from.id, to = to.id,
      sure = true, ttl = to.ttl,
      figures = incoming[link.to] == 1 and to.figures
        or link.sent and figures(to.hop, link, true) or nil }
  end
  for _, ttl in ipairs(result.graph.gaps) do
    connect_gap(graph, by_ttl, ttl)
  end
  return graph
end

-- ---- layers, for drawings with a row for each hop

local function layers_of_stages(result)
  local layers, links = {}, {}
  for i, here in ipairs(M.stages(result)) do
    here.ttl, layers[i] = result.hops[i].ttl, here
    for _, from in ipairs(layers[i - 1] or {}) do
      for _, to in ipairs(here) do
        links[#links + 1] = { from = from, to = to,
          sure = #layers[i - 1] == 1 and #here == 1 }
      end
    end
  end
  return layers, links
end

-- Orders a layer by the mean position of the nodes before, so that edges cross
-- less often.
local function untangle(layer, links)
  local sum, count, place = {}, {}, {}
  for _, link in ipairs(links) do
    if link.from.place then
      sum[link.to] = (sum[link.to] or 0) + link.from.place
      count[link.to] = (count[link.to] or 0) + 1
    end
  end
  for i, node in ipairs(layer) do
    place[node] = i
  end
  local function weight(node)
    return count[node] and sum[node] / count[node] or math.huge
  end
  table.sort(layer, function(a, b)
    local one, two = weight(a), weight(b)
    return one < two or one == two and place[a] < place[b]
  end)
  for i, node in ipairs(layer) do
    node.place = i
  end
end

-- Adds the silent hops at the end beyond every node at which no path ends.
local function add_tail(result, layers, links)
  local tail = silent_tail(result)
  local hop, last = result.hops[tail], layers[#layers]
  if not hop or last and hop.ttl <= last.ttl then
    return
  end
  local node = silent_node(result.target, hop,
    result.hops[#result.hops].ttl)
  layers[#layers + 1] = { node, ttl = hop.ttl }
  for _, from in ipairs(last or {}) do
    links[#links + 1] = not from.ends and { from = from, to = node,
      sure = #last == 1 } or nil
  end
end

local function layers_of_known(result)
  local layers, by_ttl, by_id, links = {}, {}, {}, {}
  for _, known in ipairs(result.graph.nodes) do
    local layer = by_ttl[known.ttl] or { ttl = known.ttl }
    if not by_ttl[known.ttl] then
      by_ttl[known.ttl], layers[#layers + 1] = layer, layer
    end
    local node = drawn_node(result.target, known)
    node.ends = known.target or known.stop
    by_id[known.id], layer[#layer + 1] = node, node
  end
  for i, link in ipairs(result.graph.links) do
    links[i] = { from = by_id[link.from], to = by_id[link.to], sure = true }
  end
  for _, ttl in ipairs(result.graph.gaps) do
    for _, from in ipairs(by_ttl[ttl] or {}) do
      for _, to in ipairs(by_ttl[ttl + 1] or {}) do
        links[#links + 1] = { from = from, to = to, sure = false }
      end
    end
  end
  for _, layer in ipairs(layers) do
    untangle(layer, links)
  end
  add_tail(result, layers, links)
  return layers, links
end

--- Returns the nodes of a trace hop by hop, and the links between them.
-- @tparam table result judged
-- @treturn {{table,...},...} nodes as in the graph; each layer has its `ttl`
-- @treturn {table,...} links { from, to, sure }: nodes of two layers
function M.layers(result)
  return (result.graph and layers_of_known or layers_of_stages)(result)
end

-- ---- graph

--- Returns the graph of a trace.
-- @tparam table result judged
-- @treturn table `nodes`: { id, lines, silent, target, source }; `edges`:
--   { from, to, sure, figures, ttl }, not `sure` where several addresses
--   replied and the links between them are unknown
function M.of(result)
  if result.graph then
    return of_known(result)
  end
  local source = { id = result.source or "here", source = true,
    lines = { result.source or "here" } }
  local graph, before = { nodes = { source }, edges = {} }, { source }
  for _, here in ipairs(M.stages(result)) do
    for _, node in ipairs(here) do
      graph.nodes[#graph.nodes + 1] = node
    end
    connect(graph, before, here)
    before = here
  end
  return graph
end

return M
