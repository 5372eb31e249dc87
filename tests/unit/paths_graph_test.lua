-- SPDX-License-Identifier: BSD-2-Clause
-- The graph of all paths, and the flows that cover all of it.
local check = require "check"
local cover = require "mtrtrace.flows.cover"
local flow_worlds = require "sim.flow_worlds"
local graph = require "mtrtrace.flows.graph"
local group = require "mtrtrace.flows.group"
local random = require "sim.random"

-- A search from rows such as "1 A:0-3", "2 B:0,1 C:2,3", "3" (silent),
-- "4p D E" (per packet), "5 F!:0" (the target).
local function flows_in(text)
  local list = {}
  for part in text:gmatch("[^,]+") do
    local from, to = part:match("^(%d+)%-?(%d*)$")
    for flow = math.tointeger(tonumber(from)),
      math.tointeger(tonumber(to)) or math.tointeger(tonumber(from)) do
      list[#list + 1] = flow
    end
  end
  return list
end

local function search(...)
  local hops = {}
  for i, row in ipairs { ... } do
    local ttl, mark, rest = row:match("^(%d+)(p?)(.*)$")
    hops[i] = { ttl = math.tointeger(tonumber(ttl)),
      per_packet = mark == "p", vertices = {} }
    for name, target, flows in rest:gmatch("(%u+)(!?):?([%d,-]*)") do
      table.insert(hops[i].vertices, { address = name,
        target = target == "!", flows = flows_in(flows) })
    end
  end
  return { hops = hops, confidence = 0.9, confidence_per_node = 0.95,
    limited = false, reached = true }
end

local function names(list, of)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = of(item)
  end
  return table.concat(out, "; ")
end

local function drawn(...)
  local g = graph.of_search(search(...))
  return names(g.links, function(l)
    return ("%s > %s"):format(l.from, l.to)
      .. (l.per_packet and "" or " " .. table.concat(l.flows, ","))
  end), g
end

local ROWS = {
  { name = "line_is_a_line", rows = { "1 A:0-2", "2 B:0-2", "3 C!:0-2" },
    want = "1 A > 2 B 0,1,2; 2 B > 3 C 0,1,2" },
  { name = "diamond_has_four_links",
    rows = { "1 A:0-3", "2 B:0,1 C:2,3", "3 D!:0-3" },
    want = "1 A > 2 B 0,1; 1 A > 2 C 2,3; 2 B > 3 D 0,1; 2 C > 3 D 2,3" },
  { name = "meshed_diamond_has_its_cross_links",
    rows = { "1 B:0,1 C:2,3", "2 D:0,2 E:1,3" },
    want = "1 B > 2 D 0; 1 B > 2 E 1; 1 C > 2 D 2; 1 C > 2 E 3" },
  { name = "link_is_claimed_only_where_a_flow_shows_it",
    rows = { "1 A:0,1", "2 B:0 C:1", "3 D!:0" },
    want = "1 A > 2 B 0; 1 A > 2 C 1; 2 B > 3 D 0" },
  { name = "silent_hops_of_two_branches_are_two",
    rows = { "1 A:0 B:1", "2", "3 C:0 D:1" },
    want = "1 A > 2 * behind 1 A 0; 1 B > 2 * behind 1 B 1; "
      .. "2 * behind 1 A > 3 C 0; 2 * behind 1 B > 3 D 1" },
  { name = "silent_hops_in_a_row_are_a_chain", rows = { "1 A:0", "2", "3",
    "4 B!:0" }, want = "1 A > 2 * behind 1 A 0; 2 * behind 1 A > 3 * behind "
      .. "2 * behind 1 A 0; 3 * behind 2 * behind 1 A > 4 B 0" },
  { name = "silent_first_hop_is_unknown", rows = { "1", "2 A!:0,1" },
    want = "1 * behind - > 2 A 0,1" },
  { name = "silent_tail_is_no_part", rows = { "1 A:0", "2", "3" },
    want = "" },
  { name = "nothing_is_behind_the_target", rows = { "1 A!:0 B:1",
    "2 A!:0,1" }, want = "1 B > 2 A 1" },
  { name = "per_packet_hop_hangs_on_single_nodes",
    rows = { "1 A:0,1", "2p B:0 C:0", "3 D!:0,1" },
    want = "1 A > 2 B; 1 A > 2 C; 2 B > 3 D; 2 C > 3 D" },
  { name = "no_links_are_claimed_inside_per_packet_hops",
    rows = { "1 A:0", "2p B:0 C:0", "3p D:0 E:0", "4 F!:0" },
    want = "1 A > 2 B; 1 A > 2 C; 3 D > 4 F; 3 E > 4 F" },
  { name = "per_packet_hop_behind_branches_has_no_links_to_them",
    rows = { "1 A:0 X:1", "2p B:0 C:0", "3 F!:0,1" },
    want = "2 B > 3 F; 2 C > 3 F" },
}
check.rows(ROWS, function(row)
  check.equal((drawn(table.unpack(row.rows))), row.want)
end)

check.case("gaps_are_named", function()
  local _, g = drawn("1 A:0", "2p B:0 C:0", "3p D:0 E:0", "4 F!:0")
  check.equal({ g.gaps, g.per_packet }, { { 2 }, { 2, 3 } })
end)

check.case("what_the_search_knows_is_handed_on", function()
  local s = search("1 A:0,1", "2 B!:0,1")
  s.hops[1].vertices[1].next_hops, s.hops[1].vertices[1].miss_probability = 1,
    0.03
  local g = graph.of_search(s)
  check.equal({ g.confidence, g.confidence_per_node, g.limited, g.reached,
    g.nodes[1].next_hops, g.nodes[1].miss_probability, g.nodes[2].target },
    { 0.9, 0.95, false, true, 1, 0.03, true })
  check.equal(#g.assumptions, #graph.ASSUMPTIONS + 2)
end)

local function world(seed, width, flows)
  local source = flow_worlds.random(seed)
  return { random = source, packets = 5, flows = flows,
    stages = flow_worlds.diamond(source, { before = 2, width = width,
      length = 2, after = 2 }) }
end

check.case("graph_of_flows_has_figures_and_confidence", function()
  local flows, merge = flow_worlds.trace(world(2, 2, 12))
  local result = group.result(flows, merge)
  local g = graph.of_flows(flows, result)
  check.equal({ #g.nodes, #g.links, g.reached, g.flow_count },
    { 8, 8, true, 12 })
  check.equal(g.nodes[3].responder.address, g.nodes[3].address)
  check.equal(g.nodes[3].responder.sent, 5 * #g.nodes[3].flows)
  local fork = g.nodes[2]
  check.equal({ fork.next_hops, fork.answered_flows }, { 2, 12 })
  check.equal(math.abs(fork.miss_probability - 3 * (2 / 3) ^ 12) < 1e-12, true)
  check.equal(g.confidence > 0.5 and g.confidence < 1, true)
end)

check.case("silent_branch_of_flows_is_unknown", function()
  local w = world(2, 2, 12)
  w.stages[3][1].silent = true
  local flows = flow_worlds.trace(w)
  local g = graph.of_flows(flows)
  local unknown = {}
  for _, node in ipairs(g.nodes) do
    unknown[#unknown + 1] = node.unknown and node.id or nil
  end
  check.equal(unknown, { "3 * behind 2 10.2.0.1" })
  check.equal(#g.links, 8)
end)

check.case("cover_of_a_line_is_one_flow", function()
  check.equal(cover.flows(graph.of_search(search("1 A:0-5", "2 B!:0-5"))),
    { 0 })
end)

check.case("cover_of_a_diamond_is_one_flow_a_branch", function()
  local g = graph.of_search(search("1 A:0-5", "2 B:0,1,4 C:2,3 D:5",
    "3 E!:0-5"))
  check.equal(cover.flows(g), { 0, 2, 5 })
  check.equal(cover.flows(g, 2), { 0, 1, 2, 3, 5 })
end)

check.case("cover_prefers_flows_that_pass_more", function()
  local g = graph.of_search(search("1 A:0,1,2,3 B:4", "2 C:0,1 D:2,4 E:3",
    "3 F:0,3 G:1,2,4"))
  local flows = cover.flows(g)
  check.equal(#flows <= 5, true)
end)

check.case("cover_of_nothing_is_nothing", function()
  check.equal(cover.flows { nodes = {}, links = {} }, {})
end)

local function random_search(R)
  local hops, count = {}, R.whole(1, 24)
  for ttl = 1, R.whole(0, 12) do
    local hop = { ttl = ttl, per_packet = R.chance(0.1), vertices = {} }
    for v = 1, R.whole(0, 5) do
      local flows = {}
      for flow = 0, count do
        flows[#flows + 1] = R.chance(0.3) and flow or nil
      end
      hop.vertices[v] = { address = "10.0.0." .. R.whole(1, 9) .. "." .. v,
        flows = flows, target = R.chance(0.1), stop = R.chance(0.05) }
    end
    hops[ttl] = hop
  end
  return { hops = hops, confidence = R.unit() }
end

local function passed(flows, item)
  for _, flow in ipairs(item.flows) do
    for _, other in ipairs(flows) do
      if flow == other then
        return true
      end
    end
  end
  return #item.flows == 0
end

check.case("random_graphs_are_covered_and_the_same_twice", function()
  for seed = 1, 300 do
    local g = graph.of_search(random_search(random.new(seed)))
    local flows = cover.flows(g)
    for _, list in ipairs { g.nodes, g.links } do
      for _, item in ipairs(list) do
        check.equal(passed(flows, item), true)
      end
    end
    check.equal(graph.of_search(random_search(random.new(seed))), g)
  end
end)

-- The best cover of small graphs by exhaustive search, for comparison with the
-- greedy one.
check.case("greedy_cover_is_never_far_from_the_best", function()
  local more = 0
  for seed = 1, 40 do
    local flows = flow_worlds.trace(world(seed, 4, 10))
    local g = graph.of_flows(flows)
    local best = 10
    for set = 1, (1 << 10) - 1 do
      local list = {}
      for flow = 0, 9 do
        list[#list + 1] = set >> flow & 1 == 1 and flow or nil
      end
      local all = #list < best
      for _, item in ipairs(all and g.links or {}) do
        all = all and passed(list, item)
      end
      best = all and #list or best
    end
    more = more + #cover.flows(g) - best
  end
  check.equal(more <= 4, true, "flows too many " .. more)
end)

check.finish()
