-- SPDX-License-Identifier: BSD-2-Clause
--- Made-up networks with several paths, and what the engine would count on
-- them flow by flow, and of any flows together. Seeded; no clock, no bytes.
--
-- A world is { random, packets, flows = how many, stages = { nodes of each
-- TTL } }. A node is { address, loss (of the link to it), delay_ms (of that
-- link, both ways), slow_ms (its own answers), silent, withholds (share of
-- its answers), jitter_ms, from = { addresses of the nodes before it that
-- lead here; all where nil } }. Balancers choose evenly, flow by flow.
-- @module sim.flow_worlds
local loss = require "mtrtrace.base.proportion"
local worlds = require "sim.verdict_worlds"

local M = {}

M.random = worlds.random

local function leads(node, before)
  if not node.from or not before then
    return true
  end
  for _, address in ipairs(node.from) do
    if address == before.address then
      return true
    end
  end
  return false
end

local function draw_path(world)
  local path = {}
  for ttl, nodes in ipairs(world.stages) do
    local choice = {}
    for _, node in ipairs(nodes) do
      choice[#choice + 1] = leads(node, path[ttl - 1]) and node or nil
    end
    path[ttl] = world.random:one(choice)
  end
  return path
end

local function exponential(random, mean)
  return -mean * math.log(1 - random:share())
end

local function probe(world, path, ttl, burst)
  local rtt, random = 0, world.random
  for i = 1, ttl do
    local link = (path[i].loss or 0)
    if random:share() < link or burst and path[i].burst then
      return nil
    end
    rtt = rtt + (path[i].delay_ms or 1)
      + exponential(random, path[i].jitter_ms or 0.1)
  end
  local node = path[ttl]
  if node.silent or random:share() < (node.withholds or 0) then
    return nil
  end
  return rtt + (node.slow_ms and exponential(random, node.slow_ms) or 0)
end

local function sample(world, path, ttl)
  local s = { lost = {}, rtts = {} }
  for round = 1, world.packets do
    local rtt = probe(world, path, ttl, world.bursts and world.bursts[round])
    if rtt then
      s.rtts[#s.rtts + 1] = rtt
    else
      s.lost[#s.lost + 1] = round
    end
  end
  return s
end

local function quantile(sorted, share)
  return sorted[math.max(1, math.ceil(share * #sorted))]
end

local function responder_of(node, flow, rtts)
  local sorted, sum = { table.unpack(rtts) }, 0
  table.sort(sorted)
  for _, rtt in ipairs(sorted) do
    sum = sum + rtt
  end
  return {
    address = node.address, flow = flow, target = node.target or false,
    received = #rtts, late = 0, duplicates = 0, reply_ttl = 64, codes = {},
    avg_ms = sum / #rtts, best_ms = sorted[1], worst_ms = sorted[#sorted],
    median_ms = quantile(sorted, 0.5), p25_ms = quantile(sorted, 0.25),
    p75_ms = quantile(sorted, 0.75), p95_ms = quantile(sorted, 0.95),
    answers = node.answers,
  }
end

-- The hop of some flows, from their samples.
local function hop_of(world, ttl, drawn)
  local by_address, order, lost, received = {}, {}, {}, 0
  local runs = {}
  for i, d in ipairs(drawn) do
    local node, s = d.path[ttl], d.samples[ttl]
    local cell = by_address[node.address]
    if not cell and #s.rtts > 0 then
      cell = { node = node, flow = d.flow, rtts = {} }
      by_address[node.address] = cell
      order[#order + 1] = cell
    end
    for _, rtt in ipairs(s.rtts) do
      cell.rtts[#cell.rtts + 1] = rtt
    end
    for _, round in ipairs(s.lost) do
      lost[#lost + 1] = (i - 1) * world.packets + round
    end
    received = received + #s.rtts
    runs[i] = #s.rtts > 0 and { address = node.address, flow = d.flow,
      reply_ttl = 64, count = #s.rtts, at_s = 0.0 } or nil
  end
  table.sort(order, function(a, b)
    return #a.rtts > #b.rtts
      or #a.rtts == #b.rtts and a.node.address < b.node.address
  end)
  local responders = {}
  for i, cell in ipairs(order) do
    responders[i] = responder_of(cell.node, cell.flow, cell.rtts)
  end
  local sent = world.packets * #drawn
  local low, high = loss.wilson(sent - received, sent, loss.Z95)
  return { ttl = ttl, sent = sent, received = received, lost = lost,
    loss = 1 - received / sent, loss_low = low, loss_high = high,
    silent = received == 0, total_sent = sent + 3, total_received = received,
    late = 0, duplicates = 0, send_errors = 0, in_flight = 0,
    responders = responders, runs = #drawn == 1 and runs or {} }
end

local function result_of(world, drawn)
  local hops, last = {}, 0
  for ttl = 1, #world.stages do
    hops[ttl] = hop_of(world, ttl, drawn)
    last = #hops[ttl].responders > 0 and ttl or last
  end
  local reached = last == #hops
  return { target = world.stages[#hops][1].address, source = "10.255.0.1",
    protocol = "udp", hops = hops, first_hop = 1, probed_hop = #hops,
    reached = reached, ending = reached and "reached" or "silent",
    target_ttl = reached and #hops or nil, packets = world.packets,
    done = true, elapsed_s = 1.0, sent = 0, capture_drops = 0,
    clock_adjustments = 0, missing_tx_timestamp = 0, size = 40 }
end

--- Traces a world with all its flows.
-- @tparam table world
-- @treturn {table,...} results of one flow each
-- @treturn function merge (list of flow numbers) to their result
-- @treturn {{table,...},...} the nodes each flow passes
function M.trace(world)
  local drawn, flows, paths = {}, {}, {}
  for i = 1, world.flows do
    paths[i] = draw_path(world)
  end
  for i = 1, world.flows do
    local d = { flow = i - 1, path = paths[i], samples = {} }
    for ttl = 1, #world.stages do
      d.samples[ttl] = sample(world, d.path, ttl)
    end
    drawn[i] = d
    flows[i] = result_of(world, { d })
    flows[i].flow, flows[i].source_port = i - 1, 28672 + i - 1
  end
  return flows, function(list)
    local chosen = {}
    for i, number in ipairs(list) do
      chosen[i] = drawn[number + 1]
    end
    return result_of(world, chosen)
  end, paths
end

--- Stages of a diamond: routers in a row, a fork of branches, routers.
-- @tparam table random
-- @tparam table shape { before, width, length, after }: how many
-- @treturn {{table,...},...} stages; addresses are 10.TTL.BRANCH.1
function M.diamond(random, shape)
  local stages = {}
  local function node(branch)
    return { address = ("10.%d.%d.1"):format(#stages + 1, branch),
      delay_ms = 1 + 4 * random:share() }
  end
  for _ = 1, shape.before do
    stages[#stages + 1] = { node(0) }
  end
  for step = 1, shape.length do
    local nodes = {}
    for branch = 1, shape.width do
      nodes[branch] = node(branch)
      nodes[branch].delay_ms = 2
      nodes[branch].from = step > 1
        and { ("10.%d.%d.1"):format(#stages, branch) } or nil
    end
    stages[#stages + 1] = nodes
  end
  for _ = 1, shape.after do
    stages[#stages + 1] = { node(0) }
  end
  stages[#stages][1].target = true
  return stages
end

return M
