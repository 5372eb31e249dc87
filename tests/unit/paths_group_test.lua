-- SPDX-License-Identifier: BSD-2-Clause
-- Many flows as one result: paths, shares, figures of each branch.
local check = require "check"
local flow_worlds = require "sim.flow_worlds"
local group = require "mtrtrace.flows.group"
local sample = require "sample"

local function world(seed, shape, flows, packets)
  local random = flow_worlds.random(seed)
  return { random = random, packets = packets or 10, flows = flows,
    stages = flow_worlds.diamond(random, shape) }
end

local DIAMOND = { before = 2, width = 2, length = 1, after = 2 }

local function of(w)
  local flows, merge, paths = flow_worlds.trace(w)
  return group.result(flows, merge), paths, merge
end

check.case("one_path_is_one_group_of_all_flows", function()
  local result = of(world(1, { before = 3, width = 1, length = 0,
    after = 1 }, 4))
  check.equal({ #result.groups, result.groups[1].flows },
    { 1, { 0, 1, 2, 3 } })
  local r = result.hops[2].responders[1]
  check.equal({ r.share, r.flows, r.flow_count, r.paths, r.sent },
    { 1.0, { 0, 1, 2, 3 }, 4, { 1 }, 40 })
end)

check.case("branches_have_their_flows_and_shares", function()
  local result, paths = of(world(3, DIAMOND, 16))
  local total = 0
  for _, r in ipairs(result.hops[3].responders) do
    local want = {}
    for i, path in ipairs(paths) do
      want[#want + 1] = path[3].address == r.address and i - 1 or nil
    end
    check.equal(r.flows, want)
    check.equal(r.share, #want / 16)
    total = total + r.share
  end
  check.equal({ #result.hops[3].responders, total, #result.groups },
    { 2, 1.0, 2 })
  check.equal(result.hops[4].responders[1].paths, { 1, 2 })
end)

check.case("loss_of_a_branch_is_its_own", function()
  local w = world(5, DIAMOND, 16, 50)
  w.stages[3][1].loss = 0.3
  local result, _, merge = of(w)
  for _, r in ipairs(result.hops[3].responders) do
    local lossy = r.address == w.stages[3][1].address
    check.equal(r.loss > 0.2, lossy, r.address)
    check.equal({ r.sent, r.received }, { 50 * #r.flows,
      merge(r.flows).hops[3].received })
  end
  check.equal(result.hops[3].loss < 0.25, true)
end)

check.case("flow_has_its_ports_path_and_identifier", function()
  local flows, merge = flow_worlds.trace(world(3, DIAMOND, 3))
  flows[2].checksum, flows[2].flow_label = 7, 8
  local flow = group.result(flows, merge).flows[2]
  check.equal({ flow.flow, flow.source_port, flow.checksum, flow.flow_label,
    flow.reached, #flow.path, #flow.path_id.sha256, flow.sent, flow.loss },
    { 1, 28673, 7, 8, true, 5, 64, 10, 0.0 })
end)

check.case("two_runs_give_the_same_identifiers", function()
  local a = flow_worlds.trace(world(3, DIAMOND, 1))[1]
  local w = world(3, DIAMOND, 1)
  w.packets = 25
  local b = flow_worlds.trace(w)[1]
  local function id(flow)
    return group.result({ flow }, function() return flow end)
      .flows[1].path_id.crc32
  end
  check.equal(id(a), id(b))
end)

check.case("silent_branch_is_no_loss_of_the_other", function()
  local w = world(5, DIAMOND, 16, 20)
  w.stages[3][1].silent = true
  local result, paths = of(w)
  local silent = {}
  for i, path in ipairs(paths) do
    silent[#silent + 1] = path[3].silent and i - 1 or nil
  end
  local hop = result.hops[3]
  check.equal(hop.silent_flows, silent)
  check.equal({ hop.loss, hop.sent, #hop.responders },
    { 0.0, 20 * (16 - #silent), 1 })
  check.equal(hop.responders[1].share, 1.0)
  check.equal(result.hops[2].silent_flows, nil)
end)

-- A flow to which both addresses reply counts for the loss of neither.
check.case("flow_with_two_responders_is_in_the_loss_of_none", function()
  local function flow(number, list)
    return sample.result({ sample.hop(1, list) }, { flow = number })
  end
  local a, b = sample.responder "10.0.0.1", sample.responder("10.0.0.2",
    { received = 5 })
  local flows = { flow(0, { a }), flow(1, { sample.responder("10.0.0.1",
    { received = 5 }), b }) }
  local asked = {}
  local result = group.result(flows, function(list)
    asked[#asked + 1] = table.concat(list, ",")
    return sample.result { sample.hop(1, { sample.responder "10.0.0.1",
      sample.responder("10.0.0.2", { received = 5 }) }) }
  end)
  local one, two = table.unpack(result.hops[1].responders)
  check.equal({ one.share, one.flows, one.sent }, { 0.75, { 0, 1 }, 10 })
  check.equal({ two.share, two.flows, two.sent }, { 0.25, { 1 } })
  check.equal(asked, { "0,1", "0" })
end)

check.case("merged_results_are_left_as_they_are", function()
  local flows, merge = flow_worlds.trace(world(3, DIAMOND, 8))
  local given = merge { 0, 1, 2, 3, 4, 5, 6, 7 }
  local before = check.show(given)
  group.result(flows, function() return given end)
  check.equal(check.show(given), before)
end)

check.case("random_worlds_add_up_and_are_the_same_twice", function()
  for seed = 1, 60 do
    local random = flow_worlds.random(seed)
    local shape = { before = random:whole(0, 3), width = random:whole(1, 5),
      length = random:whole(1, 3), after = random:whole(1, 3) }
    local flows, packets = random:whole(1, 20), random:whole(1, 12)
    local function run()
      local w = world(seed, shape, flows, packets)
      w.stages[1][1].silent = seed % 3 == 0
      w.stages[#w.stages][1].withholds = seed % 5 == 0 and 0.9 or nil
      return of(w)
    end
    local result = run()
    for _, hop in ipairs(result.hops) do
      local share = 0
      for _, r in ipairs(hop.responders) do
        share = share + r.share
      end
      check.equal(#hop.responders == 0 or math.abs(share - 1) < 1e-9, true)
    end
    local count = 0
    for _, g in ipairs(result.groups) do
      count = count + #g.flows
    end
    check.equal(count, flows)
    check.equal(check.show(run()), check.show(result))
  end
end)

check.finish()
