-- SPDX-License-Identifier: BSD-2-Clause
-- Many flows of the engine through simulated forks: paths, graph, verdicts.
-- Flows are UDP traces that differ in their source port; their figures are
-- merged by counting their events again.
local build = require "sim.build"
local check = require "check"
local core = require "mtrtrace.core"
local cover = require "mtrtrace.flows.cover"
local driver = require "sim.driver"
local graph = require "mtrtrace.flows.graph"
local judge = require "mtrtrace.verdict.flows"

local SOURCE_PORT = 28672

local function copy(t, changes)
  local new = {}
  for _, from in ipairs { t, changes } do
    for key, value in pairs(from) do
      new[key] = value
    end
  end
  return new
end

-- Two flows' probes keep apart by their numbers.
local function recount(streams, list)
  local replay = core.replay(30)
  for i, flow in ipairs(list) do
    for _, event in ipairs(streams[flow]) do
      assert(replay:add(copy(event, { flow = 0,
        probe = event.probe and event.probe + i * 100000 })))
    end
  end
  return replay
end

local function traced(world, count, more, seed)
  local options = {}
  for k = 0, count - 1 do
    options[k + 1] = driver.options(world, (seed or 1) + k, copy({
      protocol = "udp", source_port = SOURCE_PORT + k, events = true,
      packets = 20 }, more or {}))
  end
  local flows, streams = {}, {}
  for i, t in ipairs(driver.run(world, options, { seed = 7 })) do
    flows[i] = copy(t.result, { flow = i - 1,
      source_port = SOURCE_PORT + i - 1 })
    streams[i - 1] = t.stream
  end
  return flows, function(list)
    local replay, last = recount(streams, list), 0
    for _, flow in ipairs(list) do
      last = math.max(last, #flows[flow + 1].hops)
    end
    local result = copy(flows[list[1] + 1], { hops = replay:hops(1, last) })
    replay:close()
    return result
  end
end

local function node(address, more)
  return copy({ address = address, link = { delay_ms = 1 } }, more or {})
end

-- r1, a fork of two routers in each branch, r2, the host.
local function forked(balance, nodes)
  return build.line(2, {
    nodes = { a1 = node("10.1.1.1", nodes and nodes.a1),
      a2 = node("10.1.2.1", nodes and nodes.a2),
      b1 = node("10.2.1.1", nodes and nodes.b1),
      b2 = node("10.2.2.1", nodes and nodes.b2) },
    path = { "r1", { balance = balance, { "a1", "a2" }, { "b1", "b2" } },
      "r2", "host" },
  })
end

local function drawn(g)
  local list = {}
  for i, link in ipairs(g.links) do
    list[i] = link.from .. " > " .. link.to
  end
  table.sort(list)
  return list
end

local function texts(result, kind)
  local list = {}
  for _, v in ipairs(result.verdicts) do
    list[#list + 1] = v.kind == kind and v.text or nil
  end
  return list
end

check.case("fork_by_flow_gives_two_paths_and_their_graph", function()
  local flows, merge = traced(forked "flow", 12)
  local result = judge.many(flows, merge)
  check.equal(#result.groups, 2)
  local g = graph.of_flows(flows, result)
  check.equal(drawn(g), { "1 10.0.1.1 > 2 10.1.1.1",
    "1 10.0.1.1 > 2 10.2.1.1", "2 10.1.1.1 > 3 10.1.2.1",
    "2 10.2.1.1 > 3 10.2.2.1", "3 10.1.2.1 > 4 10.0.2.1",
    "3 10.2.2.1 > 4 10.0.2.1", "4 10.0.2.1 > 5 10.9.0.2" })
  check.equal({ #cover.flows(g), g.reached, #g.gaps }, { 2, true, 0 })
  check.equal(#texts(result, "balanced_per_flow"), 2)
  local share = 0
  for _, r in ipairs(result.hops[2].responders) do
    share = share + r.share
    check.equal({ r.sent, r.received }, { 20 * #r.flows, 20 * #r.flows })
  end
  check.equal(share, 1.0)
end)

check.case("two_runs_give_the_same_identifiers", function()
  local function ids(seed)
    local list = {}
    for i, flow in ipairs(judge.many(traced(forked "flow", 8, nil, seed))
      .flows) do
      list[i] = flow.path_id
    end
    return list
  end
  check.equal(ids(1), ids(1000))
end)

check.case("loss_of_one_branch_names_it", function()
  local w = forked("flow", { b1 = { link = { delay_ms = 1,
    loss_forward = 0.3 } } })
  local flows, merge = traced(w, 12, { packets = 30 })
  local result = judge.many(flows, merge)
  local lines = texts(result, "branch_loss")
  check.equal(#lines, 1)
  -- Both routers of the branch may be named: the same flows pass them.
  check.contains(lines[1], "Round-trip loss only through 10.2.")
  check.equal(texts(result, "loss"), {})
end)

check.case("latency_of_one_branch_names_it", function()
  local w = forked("flow", { a2 = { link = { delay_ms = 15 } } })
  local lines = texts(judge.many(traced(w, 12)), "branch_latency")
  check.equal(#lines, 1)
  check.contains(lines[1], "Latency is higher through 10.1.2.1 (hop 3; ")
end)

check.case("silent_routers_of_two_branches_stay_apart", function()
  local w = forked("flow", { a2 = { answers = 0 }, b2 = { answers = 0 } })
  local g = graph.of_flows((traced(w, 12)))
  local unknown = 0
  for _, n in ipairs(g.nodes) do
    unknown = unknown + (n.unknown and 1 or 0)
  end
  check.equal({ unknown, #g.links }, { 2, 7 })
end)

check.case("fork_by_packet_is_reported_without_links_inside", function()
  local flows, merge = traced(forked "packet", 6)
  local result = judge.many(flows, merge)
  check.equal(#texts(result, "balanced_per_packet") > 0, true)
  check.equal(#result.groups, 1)
  local g = graph.of_flows(flows, result)
  check.equal({ g.per_packet, g.gaps }, { { 2, 3 }, { 2 } })
  check.equal(texts(result, "branch_loss"), {})
end)

check.case("fork_by_destination_is_one_path", function()
  local flows, merge = traced(forked "destination", 6)
  local result = judge.many(flows, merge)
  check.equal({ #result.groups, #texts(result, "balanced_per_flow") },
    { 1, 0 })
end)

check.case("rate_limited_routers_of_a_branch_do_not_lose", function()
  local w = forked("flow", { a1 = { rate_limit = "linux4" },
    b2 = { rate_limit = "linux4" } })
  local result = judge.many(traced(w, 8, { packets = 10 }))
  check.equal({ texts(result, "branch_loss"), texts(result, "loss") },
    { {}, {} })
end)

check.finish()
