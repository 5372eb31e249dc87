-- SPDX-License-Identifier: BSD-2-Clause
--- Quality of the verdicts on branches: random networks with known properties,
-- and the share of correct verdicts. Seeded; no clock.
-- @module sim.branch_questions
local flow_worlds = require "sim.flow_worlds"
local judge = require "mtrtrace.verdict.flows"

local M = {}

-- One diamond or two in a row, one in four of them meshed.
local function network(random)
  local stages = flow_worlds.diamond(random, { before = random:whole(1, 3),
    width = random:whole(2, 5), length = random:whole(1, 3), after = 1 })
  local second = random:share() < 0.5
  if second then
    for ttl, nodes in ipairs(flow_worlds.diamond(random, { before = 0,
      width = random:whole(2, 4), length = random:whole(1, 2), after = 2 }))
    do
      for branch, node in ipairs(nodes) do
        node.address = ("10.%d.%d.2"):format(100 + ttl, branch)
        node.from = node.from and { ("10.%d.%d.2"):format(99 + ttl, branch) }
      end
      stages[#stages + 1] = nodes
    end
  end
  if random:share() < 0.25 then
    for _, nodes in ipairs(stages) do
      for _, node in ipairs(nodes) do
        node.from = nil
      end
    end
  end
  return stages
end

local function any(random, stages, forked)
  local list = {}
  for _, nodes in ipairs(stages) do
    if not forked or #nodes > 1 then
      list[#list + 1] = nodes
    end
  end
  local nodes = random:one(list)
  return random:one(nodes), nodes
end

-- Random properties other than loss and delay of a branch.
local function trouble(random, stages, spare)
  for _ = 1, random:whole(0, 3) do
    local node = any(random, stages)
    if node ~= spare and not node.target then
      local kind = random:whole(1, 3)
      node.silent = kind == 1 or nil
      node.withholds = kind == 2 and 0.02 + 0.5 * random:share() or nil
      node.slow_ms = kind == 3 and 30 * random:share() or nil
    end
  end
  for _, nodes in ipairs(stages) do
    local jitter = 2 * random:share() ^ 2
    for _, node in ipairs(nodes) do
      node.jitter_ms = jitter
    end
  end
end

-- Loss and delay at hops that all flows pass.
local function shared(random, stages)
  for _, nodes in ipairs(stages) do
    if #nodes == 1 and random:share() < 0.2 then
      nodes[1].loss = 0.2 * random:share() ^ 2
    end
    if #nodes == 1 and random:share() < 0.1 then
      nodes[1].delay_ms = 40 * random:share()
    end
  end
end

local function world_of(random, packets, flows)
  local stages = network(random)
  return { random = random, packets = packets, flows = flows,
    stages = stages }
end

local function of_kind(world, kind)
  local flows, merge, paths = flow_worlds.trace(world)
  local list = {}
  for _, v in ipairs(judge.many(flows, merge).verdicts) do
    list[#list + 1] = v.kind == kind and v or nil
  end
  return list, paths, flows
end

local function clean(world, random)
  trouble(random, world.stages)
  shared(random, world.stages)
  local flows, merge = flow_worlds.trace(world)
  local seen = {}
  for _, v in ipairs(judge.many(flows, merge).verdicts) do
    seen.loss = seen.loss or v.kind == "branch_loss"
    seen.latency = seen.latency or v.kind == "branch_latency"
  end
  return seen
end

-- The same, but loss comes in bursts that hit all flows at once.
local function bursts(world, random)
  world.bursts = {}
  for round = 1, world.packets do
    world.bursts[round] = random:share() < 0.1
  end
  local singles = {}
  for _, nodes in ipairs(world.stages) do
    singles[#singles + 1] = #nodes == 1 and nodes[1] or nil
  end
  random:one(singles).burst = true
  return clean(world, random)
end

-- Whether the flows of a claim are those that pass the node.
local function same_flows(v, paths, node)
  local passing, named = {}, {}
  for i, path in ipairs(paths) do
    for _, other in ipairs(path) do
      passing[i] = passing[i] or other == node
      named[i] = named[i] or other.address == v.address
    end
  end
  for i in ipairs(paths) do
    if passing[i] ~= named[i] then
      return false
    end
  end
  return true
end

local function passes_some(paths, node)
  local some, all = false, true
  for _, path in ipairs(paths) do
    local passes = false
    for _, other in ipairs(path) do
      passes = passes or other == node
    end
    some, all = some or passes, all and passes
  end
  return some and not all
end

local function located(world, node, kind)
  local list, paths = of_kind(world, kind)
  if not passes_some(paths, node) then
    return { passed = true }
  end
  local seen = { total = true, found = #list > 0, more = #list > 1 }
  for _, v in ipairs(list) do
    seen.address = seen.address or v.address == node.address
    seen.branch = seen.branch or same_flows(v, paths, node)
  end
  return seen
end

local function one_loses(share)
  return function(world, random)
    local node = any(random, world.stages, true)
    trouble(random, world.stages, node)
    node.loss = share or 0.02 * 15 ^ random:share()
    return located(world, node, "branch_loss")
  end
end

local function one_delays(world, random)
  local node = any(random, world.stages, true)
  trouble(random, world.stages, node)
  node.delay_ms = node.delay_ms + 20
  return located(world, node, "branch_latency")
end

--- The names of the questions.
M.QUESTIONS = {
  clean = clean, bursts = bursts, ten_percent = one_loses(0.1),
  any_loss = one_loses(), delay = one_delays,
}

--- Counts the correct and wrong verdicts over many worlds.
-- @tparam string question a key of QUESTIONS
-- @tparam integer count of worlds
-- @tparam integer packets per hop and flow
-- @tparam integer flows
-- @tparam integer seed not 0
-- @treturn table how often each was so: of the clean ones `loss`, `latency`
--   (claims that are wrong); else of the `total`: `found`, `address` (the
--   very one named), `branch` (the flows named are the right ones), `more`
--   (more than one claim)
function M.count(question, count, packets, flows, seed)
  local random = flow_worlds.random(seed)
  local sums = setmetatable({}, { __index = function() return 0 end })
  for _ = 1, count do
    local world = world_of(random, packets, flows)
    local seen = M.QUESTIONS[question](world, random)
    for key, is_so in pairs(seen) do
      sums[key] = sums[key] + (is_so and 1 or 0)
    end
  end
  return sums
end

return M
