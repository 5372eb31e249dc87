-- SPDX-License-Identifier: BSD-2-Clause

--- Graph of all discovered paths: interfaces, the links between them with the
-- flows that took each link, and the assumptions. Built from multipath
-- detection or from traced flows. Pure.
--
-- A link needs one flow with replies from both its ends. A silent hop is one
-- node beyond each node that leads to it, never one node of unrelated paths.
-- Between hops with per-packet load balancing there are no links.
-- @module mtrtrace.flows.graph
local group = require "mtrtrace.flows.group"
local ident = require "mtrtrace.flows.ident"

local M = {}

--- Assumptions of the confidence; multipath detection has more of them.
M.ASSUMPTIONS = {
  "routes did not change while it ran",
  "balancers choose evenly and independently among their next hops",
  "one flow takes one path: balancing per packet is reported, not resolved",
  "an address that replies at a TTL is one router's there",
  "only answered probes count",
}
local OF_A_SEARCH = {
  "this host has one first hop",
  "a router that delivers to the target delivers all flows to it",
}

local function new_node(graph, node)
  graph.nodes[#graph.nodes + 1] = node
  graph.by_id[node.id] = node
  return node
end

local function vertex_node(graph, hop, vertex)
  return new_node(graph, {
    id = ("%d %s"):format(hop.ttl, vertex.address), ttl = hop.ttl,
    address = vertex.address, flows = vertex.flows or {},
    target = vertex.target or false, stop = vertex.stop or false,
    type = vertex.type, code = vertex.code, per_packet = hop.per_packet
      or false, next_hops = vertex.next_hops,
      answered_flows = vertex.answered_flows,
    miss_probability = vertex.miss_probability,
  })
end

-- Records which node each flow passes at each TTL.
local function place_flows(graph, hops)
  local at = {}
  for _, hop in ipairs(hops) do
    local of_flow = {}
    at[hop.ttl] = of_flow
    for _, vertex in ipairs(hop.vertices or {}) do
      local node = vertex.address and vertex_node(graph, hop, vertex)
      for _, flow in ipairs(node and not hop.per_packet and node.flows
        or {}) do
        of_flow[flow] = of_flow[flow] or node
      end
    end
  end
  return at
end

-- Returns the flows without a reply at a TTL that have replies beyond: all
-- flows at a silent hop, else those that the search lists as unanswered.
local function unanswered(hop, before, after)
  local set = {}
  if #(hop.vertices or {}) == 0 then
    for flow in pairs(before or {}) do
      set[flow] = true
    end
    for flow in pairs(after or {}) do
      set[flow] = true
    end
  end
  for _, flow in ipairs(hop.unanswered or {}) do
    set[flow] = true
  end
  local list = {}
  for flow in pairs(set) do
    list[#list + 1] = flow
  end
  table.sort(list)
  return list
end

-- Returns the node of a silent hop, one for each node that leads to the hop.
local function unknown_node(graph, hop, flow, before)
  local behind = before and before[flow]
  local id = ("%d * behind %s"):format(hop.ttl, behind and behind.id or "-")
  local node = graph.by_id[id] or new_node(graph, { id = id, ttl = hop.ttl,
    unknown = true, flows = {}, target = false, stop = false,
    per_packet = false })
  node.flows[#node.flows + 1] = flow
  return node
end

local function last_of(hops)
  local last = 0
  for _, hop in ipairs(hops) do
    last = #(hop.vertices or {}) > 0 and hop.ttl or last
  end
  return last
end

-- Returns the flows that go on beyond a hop: those of the next TTL with
-- replies.
local function going_on(hops, i, at)
  for j = i + 1, #hops do
    if #(hops[j].vertices or {}) > 0 then
      return at[hops[j].ttl], hops[j].per_packet
    end
  end
end

local function ends(before, flow)
  local node = before and before[flow]
  return node and (node.target or node.stop)
end

local function place_unknown(graph, hops, at)
  local last = last_of(hops)
  for i, hop in ipairs(hops) do
    if hop.ttl < last and not hop.per_packet then
      local before = hops[i - 1] and at[hops[i - 1].ttl]
      local after, blurred = going_on(hops, i, at)
      for _, flow in ipairs(unanswered(hop, before, after)) do
        local goes_on = blurred or after and after[flow]
        local came = not before or before[flow]
        if goes_on and came and not at[hop.ttl][flow]
          and not ends(before, flow) then
          at[hop.ttl][flow] = unknown_node(graph, hop, flow, before)
        end
      end
    end
  end
end

local function link_of(graph, from, to)
  local key = from.id .. " > " .. to.id
  local link = graph.by_link[key]
  if not link then
    link = { from = from.id, to = to.id, ttl = from.ttl, flows = {} }
    graph.by_link[key] = link
    graph.links[#graph.links + 1] = link
  end
  return link
end

local function flows_of(of_flow)
  local list = {}
  for flow in pairs(of_flow) do
    list[#list + 1] = flow
  end
  table.sort(list)
  return list
end

-- Links a hop with per-packet load balancing to a neighbouring hop of a single
-- node, which every packet passes.
local function link_all(graph, before, after)
  if #before == 1 or #after == 1 then
    for _, from in ipairs(before) do
      for _, to in ipairs(after) do
        if not from.target and not from.stop then
          link_of(graph, from, to).per_packet = true
        end
      end
    end
    return #before > 0 and #after > 0
  end
  return false
end

local function nodes_at(graph, ttl)
  local list = {}
  for _, node in ipairs(graph.nodes) do
    list[#list + 1] = node.ttl == ttl and node or nil
  end
  return list
end

local function link_flows(graph, before, after)
  for _, flow in ipairs(flows_of(before)) do
    local from, to = before[flow], after[flow]
    if to and not from.target and not from.stop then
      local link = link_of(graph, from, to)
      link.flows[#link.flows + 1] = flow
    end
  end
end

local function add_links(graph, hops, at)
  for i = 2, #hops do
    local before, after = hops[i - 1], hops[i]
    if before.ttl + 1 ~= after.ttl then
      graph.gaps[#graph.gaps + 1] = before.ttl
    elseif before.per_packet or after.per_packet then
      local linked = not (before.per_packet and after.per_packet)
        and link_all(graph, nodes_at(graph, before.ttl),
          nodes_at(graph, after.ttl))
      if not linked and after.ttl <= last_of(hops) then
        graph.gaps[#graph.gaps + 1] = before.ttl
      end
    else
      link_flows(graph, at[before.ttl], at[after.ttl])
    end
  end
end

-- Attaches the hop and responder with the table's figures to each node.
local function attach(graph, result)
  for _, node in ipairs(graph.nodes) do
    local hop = result and group.hop(result, node.ttl)
    node.hop = hop
    for _, responder in ipairs(hop and node.address and hop.responders
      or {}) do
      if ident.plain(responder.address) == ident.plain(node.address) then
        node.responder = responder
      end
    end
  end
end

local function in_order(a, b)
  if a.ttl ~= b.ttl then
    return a.ttl < b.ttl
  end
  local one, two = a.flows[1] or -1, b.flows[1] or -1
  return one < two or one == two and (a.id or a.from .. a.to)
    < (b.id or b.from .. b.to)
end

local function build(hops, result)
  local graph = { nodes = {}, links = {}, gaps = {}, by_id = {},
    by_link = {}, assumptions = M.ASSUMPTIONS, per_packet = {} }
  local at = place_flows(graph, hops)
  place_unknown(graph, hops, at)
  add_links(graph, hops, at)
  attach(graph, result)
  for _, hop in ipairs(hops) do
    graph.per_packet[#graph.per_packet + 1] = hop.per_packet and hop.ttl
      or nil
  end
  graph.by_link, graph.by_id = nil, nil
  table.sort(graph.nodes, in_order)
  table.sort(graph.links, in_order)
  return graph
end

-- Where a TTL has a single node, all flows that did not end before pass that
-- node, although the search did not probe with each of them.
local function spread(search)
  local hops, ended = {}, {}
  for i, hop in ipairs(search.hops) do
    local only = search.flow_count and not hop.per_packet
      and #hop.vertices == 1 and hop.vertices[1]
    hops[i] = hop
    if only then
      local flows = {}
      for flow = 0, search.flow_count - 1 do
        flows[#flows + 1] = not ended[flow] and flow or nil
      end
      only = setmetatable({ flows = flows }, { __index = only })
      hops[i] = setmetatable({ vertices = { only } }, { __index = hop })
    end
    for _, vertex in ipairs(hop.vertices) do
      for _, flow in ipairs((vertex.target or vertex.stop) and vertex.flows
        or {}) do
        ended[flow] = true
      end
    end
  end
  return hops
end

--- Returns the graph of a search.
-- @tparam table search
-- @tparam ?table result of the search's flows, by mtrtrace.flows.group, whose
--   figures are attached to the nodes
-- @treturn table `nodes`: { id, ttl, address, flows, target, stop, type,
--   code, per_packet, next_hops, answered_flows, miss_probability,
--   hop, responder }, for a silent hop without address and with `unknown`;
--   `links`: { from, to (ids), ttl, flows, per_packet }; `gaps`: TTLs beyond
--   which links are unknown; `per_packet`: TTLs of hops with per-packet load
--   balancing; `confidence`, `confidence_per_node`, `limited`, `reached`,
--   `assumptions`; `whole`: false where the measured flows do not pass every
--   node and link
function M.of_search(search, result)
  local graph = build(spread(search), result)
  graph.assumptions = { table.unpack(M.ASSUMPTIONS) }
  table.move(OF_A_SEARCH, 1, #OF_A_SEARCH, #M.ASSUMPTIONS + 1,
    graph.assumptions)
  for _, key in ipairs { "confidence", "confidence_per_node", "limited",
    "reached",
    "flow_count", "target", "protocol", "sent", "whole" } do
    graph[key] = search[key]
  end
  return graph
end

-- ---- from flows ------------------------------------------------------------

local function hop_of_flows(flows, ttl)
  local passing = group.passing(flows, ttl)
  local hop = { ttl = ttl, vertices = {}, unanswered = passing.silent,
    per_packet = group.is_per_packet(flows, ttl) }
  for i, entry in ipairs(passing) do
    hop.vertices[i] = { address = entry.address, flows = entry.main,
      target = entry.target }
  end
  return hop
end

-- Returns the probability that one further next hop exists but no flow took
-- it, with flows balanced evenly over all next hops.
local function miss_of(next_hops, flows)
  return math.min(1, (next_hops + 1) * (1 - 1 / (next_hops + 1)) ^ flows)
end

local function judge(graph)
  local confidence, links = 1, {}
  for _, link in ipairs(graph.links) do
    local of = links[link.from] or { next = 0, tested = 0 }
    links[link.from] = of
    of.next, of.tested = of.next + 1, of.tested + #link.flows
  end
  for _, node in ipairs(graph.nodes) do
    local of = links[node.id]
    if of and not node.per_packet then
      node.next_hops, node.answered_flows = of.next, of.tested
      node.miss_probability = miss_of(of.next, of.tested)
      confidence = confidence * (1 - node.miss_probability)
    end
  end
  graph.confidence = confidence
end

--- Returns the graph of traced flows.
-- @tparam {table,...} flows results of one flow each
-- @tparam ?table result of these flows, by mtrtrace.flows.group
-- @treturn table as of_search gives it; `confidence` that no next hop is
--   missing
function M.of_flows(flows, result)
  local hops, first, last = {}, math.huge, 0
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(flow.hops) do
      first, last = math.min(first, hop.ttl), math.max(last, hop.ttl)
    end
  end
  for ttl = last > 0 and first or 1, last do
    hops[#hops + 1] = hop_of_flows(flows, ttl)
  end
  local graph = build(hops, result)
  judge(graph)
  graph.flow_count = #flows
  graph.reached = false
  for _, flow in ipairs(flows) do
    graph.reached = graph.reached or flow.reached or false
  end
  return graph
end

return M
