-- SPDX-License-Identifier: BSD-2-Clause
-- ICMP errors that are no replies of a hop: outages that a router reports,
-- invalid Packet Too Big from a firewall, hops beyond a NAT with the target's
-- address, paths of unequal length, replies from another address. Checked in
-- reports, over random seeds, families and protocols.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"
local driver = require "sim.driver"
local recording = require "sim.recording"
local text = require "mtrtrace.report.text"
local tracer = require "mtrtrace.session.tracer"

local PROTOCOLS = { "icmp", "udp", "tcp" }
local HOST_UNREACHABLE = { [4] = { 3, 1 }, [6] = { 1, 3 } }
local NAMES = { [4] = "host unreachable", [6] = "address unreachable" }
local TOO_BIG = { [4] = { 3, 4 }, [6] = { 2, 0 } }

local function everywhere(body)
  for _, version in ipairs { 4, 6 } do
    for i, protocol in ipairs(PROTOCOLS) do
      local ok, err = pcall(body, version, protocol, version * 10 + i)
      if not ok then
        error(("%s over IPv%d: %s"):format(protocol, version, err), 0)
      end
    end
  end
end

local function kinds(result)
  local set = {}
  for _, v in ipairs(result.verdicts) do
    set[v.kind] = v
  end
  return set
end

local FALSE = { "balanced_per_packet", "balanced_per_flow", "rate_limited",
  "silent", "path_changed", "return_path_changed", "tunnel", "hidden_tunnel",
  "cannot_tell" }

local function assert_no_false_word(result, what)
  local set = kinds(result)
  for _, kind in ipairs(FALSE) do
    check.equal(set[kind] and set[kind].text, nil, what)
  end
end

local function assert_near(value, want, by, what)
  check.equal(math.abs(value - want) <= by, true,
    ("%s: %s, about %s"):format(what, tostring(value), tostring(want)))
end

-- The report of a trace of one flow, as the command prints it.
local function trace(world, options, seed)
  options.events = true
  local result, t = driver.trace(world, options, { seed = seed })
  result.started_ns = 1795274108541135313
  return tracer.enrich(result), t
end

local function assert_rows(result, rows, version, what)
  check.equal({ result.ending, #result.hops }, { "reached", rows }, what)
  for ttl = 1, rows - 1 do
    local hop = result.hops[ttl]
    check.equal({ #hop.responders, hop.responders[1].address },
      { 1, build.router(ttl, version) }, ("%s hop %d"):format(what, ttl))
  end
  check.equal(#result.hops[rows].responders, 1, what .. " target")
end

-- ---- 1.1: an outage that a router reports ----------------------------------

local function flapping(version, rate_limit, outage)
  local kind = HOST_UNREACHABLE[version]
  outage.type, outage.code = kind[1], kind[2]
  return build.line(4, { version = version, nodes = { r1 = {
    rate_limit = rate_limit, outage = outage } } })
end

-- The share of the sample's time in which the link was down.
local function assert_outage(result, version, share, what)
  assert_rows(result, 5, version, what)
  -- A router's errors about the outage use tokens of its own hop.
  if what ~= "linux4" then
    check.equal(result.hops[1].received, result.hops[1].sent, what)
  end
  for ttl = 2, 5 do
    local hop = result.hops[ttl]
    assert_near(hop.loss, share, 0.08, what .. " loss at " .. ttl)
    check.equal(hop.received + hop.unreachable <= hop.sent, true, what)
  end
  assert_no_false_word(result, what)
  local v = kinds(result).unreachable
  check.equal({ v.address, v.hop, v.what }, { build.router(1, version), 1,
    NAMES[version] }, what)
  return v
end

check.case("outage_is_loss_and_is_named_slow_rounds", function()
  for _, rate_limit in ipairs { false, "linux4" } do
    everywhere(function(version, protocol, seed)
      local w = flapping(version, rate_limit or nil, { from_s = 3, down_s = 9,
        every_s = 19 })
      local result = trace(w, { packets = 55, interval = 1.05,
        protocol = protocol }, seed)
      local v = assert_outage(result, version, 27 / 57.75,
        rate_limit or "no limit")
      check.equal(v.periods >= 2, true)
      check.equal(v.at >= 3 and v.until_s < 50.1, true)
      if not rate_limit then
        check.equal(v.periods, 3)
        assert_near(v.at, 3, 1.1, "begins")
        assert_near(v.until_s, 50, 1.2, "ends")
        local reported = 0
        for ttl = 2, 5 do
          reported = reported + result.hops[ttl].unreachable
          check.equal(result.hops[ttl].unreachable,
            result.hops[ttl].sent - result.hops[ttl].received)
        end
        check.equal(v.lost, reported, "reported")
      end
      check.contains(v.text, ("%s at hop 1 reported %s for %d of "):format(
        build.router(1, version), NAMES[version], v.lost))
    end)
  end
end)

-- A router without a route sends unreachable before it checks the TTL; that is
-- a reply, too.
check.case("outage_without_a_route_leaves_the_router_its_replies", function()
  for _, interval in ipairs { 1.05, 0.3 } do
    everywhere(function(version, protocol, seed)
      local w = flapping(version, nil, { from_s = 3, down_s = 9,
        every_s = 19, early = true })
      local result = trace(w, { packets = math.floor(57 / interval),
        interval = interval, protocol = protocol }, seed)
      local v = assert_outage(result, version, 27 / 57, "no route")
      check.equal(result.hops[1].responders[1].received,
        result.hops[1].sent)
      check.equal({ result.hops[1].loss, result.hops[1].unreachable },
        { 0.0, 0 })
      check.equal(v.from, 1)
      check.equal(kinds(result).loss.hop, 2)
    end)
  end
end)

-- The share of a time in which the link was down.
local function away(outage, from, seconds)
  local down = 0
  for i = 0, seconds * 100 - 1 do
    local since = from + i / 100 - outage.from_s
    down = down + (since >= 0 and since % outage.every_s < outage.down_s
      and 1 or 0)
  end
  return down / (seconds * 100)
end

-- The burst tests may fall into an outage, too.
check.case("outage_is_no_rate_limit_at_any_pace", function()
  for _, rate_limit in ipairs { false, "linux4" } do
    for seed = 1, 12 do
      local version = seed % 2 == 0 and 4 or 6
      local outage = { from_s = seed * 0.7, down_s = 4, every_s = 9 }
      local w = flapping(version, rate_limit or nil, outage)
      local result = trace(w, { packets = 60, interval = 0.3,
        protocol = PROTOCOLS[seed % 3 + 1] }, seed)
      local what = ("seed %d %s"):format(seed, rate_limit or "no limit")
      check.equal({ result.ending, #result.hops }, { "reached", 5 }, what)
      for ttl = 2, 5 do
        local hop = result.hops[ttl]
        check.equal(#hop.responders, 1, what)
        -- If the router has no token left to report it, an outage during two
        -- whole bursts cannot be distinguished from a rate limit.
        check.equal(rate_limit == "linux4" or hop.rate_limit == nil, true,
          what .. " hop " .. ttl)
        check.equal(hop.rate_limited, nil, what .. " hop " .. ttl)
        -- The pace is found before the sample begins.
        if not hop.rate_limit then
          assert_near(hop.loss, away(outage, result.elapsed_s - 18.5, 18), 0.1,
            what .. " hop " .. ttl)
        end
      end
      -- All tokens of a router may go to probes that expire there.
      local v = kinds(result).unreachable
      check.equal(v and v.hop, (v or not rate_limit) and 1 or nil, what)
      check.equal(kinds(result).balanced_per_packet, nil, what)
    end
  end
end)

-- The path is dead when the trace begins, and again when it ends.
check.case("outage_at_the_start_and_at_the_end", function()
  everywhere(function(version, protocol, seed)
    local w = flapping(version, nil, { down_s = 5, every_s = 25 })
    local result = trace(w, { packets = 40, interval = 1.05,
      protocol = protocol }, seed)
    check.equal({ result.ending, #result.hops }, { "reached", 5 })
    for ttl = 2, 5 do
      check.equal(result.hops[ttl].sent, 40)
      check.equal(result.hops[ttl].received
        + result.hops[ttl].unreachable, 40)
    end
    check.equal(#result.hops[2].responders, 1)
  end)
end)

check.case("a_path_that_nothing_passes_ends_at_who_says_so", function()
  for _, rate_limit in ipairs { false, "linux4" } do
    everywhere(function(version, protocol, seed)
      local kind = HOST_UNREACHABLE[version]
      local w = build.line(4, { version = version, nodes = { r3 = {
        rate_limit = rate_limit or nil,
        reject = { type = kind[1], code = kind[2] } } } })
      local result = trace(w, { protocol = protocol }, seed)
      check.equal({ result.ending, #result.hops, result.ending_code },
        { "unreachable", 4, kind[2] })
      local last = result.hops[4]
      check.equal({ last.responders[1].address, last.sent, last.received },
        { build.router(3, version), 10, 10 })
      check.equal(kinds(result).unreachable, nil)
      check.equal(kinds(result).tunnel, nil)
    end)
  end
end)

-- A firewall at hop 3 rejects some of the probes, of any TTL.
check.case("a_firewall_that_refuses_some_makes_no_branches", function()
  for seed = 1, 12 do
    local version = seed % 2 == 0 and 4 or 6
    local code = version == 4 and { 3, 13 } or { 1, 1 }
    local w = build.line(6, { version = version, nodes = { r3 = {
      reject = { type = code[1], code = code[2], share = 1 / 3 } } } })
    local result = trace(w, { packets = 60,
      protocol = PROTOCOLS[seed % 3 + 1] }, seed)
    assert_rows(result, 7, version, "seed " .. seed)
    assert_no_false_word(result, "seed " .. seed)
    for ttl = 4, 7 do
      assert_near(result.hops[ttl].loss, 1 / 3, 0.22, "seed " .. seed)
    end
    check.equal(kinds(result).unreachable.hop, 3)
  end
end)

-- A search for paths: refused probes show no next hop, and end nothing that
-- goes on.
check.case("outage_during_a_search_for_paths_makes_no_links", function()
  for seed = 1, 6 do
    local version = seed % 2 == 0 and 4 or 6
    local w = flapping(version, nil, { from_s = 0.03 + 0.01 * seed,
      down_s = 0.5, every_s = 900 })
    local result = core.run(w, { paths = 95, packets = 30,
      protocol = PROTOCOLS[seed % 2 + 2] }, { seed = seed })
    local what = "seed " .. seed
    check.equal(result.reached, true, what)
    for _, node in ipairs(result.graph.nodes) do
      check.equal(node.stop or false, false, what)
      check.equal(node.address, node.target and w.target
        or build.router(node.ttl, version), what)
    end
    check.equal({ #result.graph.nodes, #result.graph.links }, { 5, 4 },
      what)
  end
end)

-- ---- 1.2: impossible Packet Too Big ----------------------------------------

check.case("an_impossible_too_big_is_loss_and_named", function()
  for _, mtu in ipairs { 9000, 0, 68, 576 } do
    everywhere(function(version, protocol, seed)
      local kind = TOO_BIG[version]
      local w = build.line(6, { version = version, nodes = { r3 = {
        reject = { type = kind[1], code = kind[2], mtu = mtu,
          share = 1 / 3 } } } })
      local result = trace(w, { packets = 60, protocol = protocol,
        size = version == 4 and 64 or nil }, seed)
      assert_rows(result, 7, version, "mtu " .. mtu)
      assert_no_false_word(result, "mtu " .. mtu)
      for ttl = 4, 7 do
        assert_near(result.hops[ttl].loss, 1 / 3, 0.22, "mtu " .. mtu)
      end
      local v = kinds(result).invalid_too_big
      check.equal({ v.hop, v.mtu, v.address },
        { 3, mtu, build.router(3, version) })
      check.contains(v.text, "invalid Packet Too Big")
    end)
  end
end)

check.case("an_impossible_too_big_for_all_is_no_tunnel", function()
  everywhere(function(version, protocol, seed)
    local kind = TOO_BIG[version]
    local w = build.line(6, { version = version, nodes = { r3 = {
      reject = { type = kind[1], code = kind[2], mtu = 9000 } } } })
    local result = trace(w, { protocol = protocol }, seed)
    check.equal({ result.ending, #result.hops }, { "unreachable", 4 })
    assert_no_false_word(result, protocol)
    check.equal(kinds(result).invalid_too_big.hop, 3)
  end)
end)

check.case("a_possible_too_big_is_not_called_invalid", function()
  local w = build.line(5, { nodes = { r3 = { reject = { type = 3, code = 4,
    mtu = 1400, share = 0.3 } } } })
  local result = trace(w, { size = 1500, packets = 60 }, 3)
  assert_rows(result, 6, 4, "mtu 1400")
  check.equal(kinds(result).invalid_too_big, nil)
  check.contains(kinds(result).unreachable.text,
    "reported fragmentation needed (MTU 1400) for ")
end)

-- ---- 1.3: the target's address on hops beyond a NAT ------------------------

local INSIDE = { [4] = "192.168.7.7", [6] = "fd00::7" }

local function hidden(version, hops)
  return build.line(hops, { version = version,
    host = { address = INSIDE[version] },
    nodes = { r3 = { nat = { target = INSIDE[version], hides = true },
      from = version == 4 and "10.9.0.2" or "2001:db8:ffff::2" } } })
end

check.case("hops_beyond_a_nat_are_hops_and_the_target_the_target", function()
  for _, hops in ipairs { 3, 4, 6, 12 } do
    everywhere(function(version, protocol, seed)
      local result = trace(hidden(version, hops), { protocol = protocol },
        seed)
      local what = ("%d hops"):format(hops)
      check.equal({ result.ending, #result.hops, result.target_ttl },
        { "reached", hops + 1, hops + 1 }, what)
      for ttl, hop in ipairs(result.hops) do
        check.equal({ hop.received, #hop.responders }, { 10, 1 }, what)
        check.equal(hop.responders[1].best_ms, 2.0 * ttl, what)
        check.equal(hop.responders[1].target, ttl == hops + 1, what)
      end
      local v = kinds(result).nat
      check.equal(v.hop, 3, what)
      check.equal(v.text:find "cannot be told", nil, what)
      check.equal(kinds(result).tunnel, nil, what)
    end)
  end
end)

-- A search for paths goes on to the target's own reply.
check.case("a_search_for_paths_passes_the_hops_beyond_a_nat", function()
  for _, hops in ipairs { 3, 4, 6, 12 } do
    everywhere(function(version, protocol, seed)
      local w = hidden(version, hops)
      local result = core.run(w, { paths = 95, packets = 3,
        protocol = protocol }, { seed = seed })
      local what = ("%d hops, %s"):format(hops, protocol)
      check.equal({ result.reached, #result.hops }, { true, hops + 1 }, what)
      local nodes = {}
      for _, node in ipairs(result.graph.nodes) do
        nodes[node.ttl] = (nodes[node.ttl] or 0) + 1
        check.equal(node.target or false, node.ttl == hops + 1, what)
      end
      for ttl, hop in ipairs(result.hops) do
        check.equal({ nodes[ttl], hop.responders[1].best_ms },
          { 1, 2.0 * ttl }, what)
      end
    end)
  end
end)

-- A target that sends only time exceeded itself is one node.
check.case("a_search_for_paths_ends_where_the_target_is_met_twice", function()
  for _, reply in ipairs { true, false } do
    local w = build.line(4, { host = { echo = reply },
      nodes = { r4 = { from = "10.9.0.2" } } })
    local result = core.run(w, { paths = 95, packets = 3, protocol = "icmp",
      max_silent = 3 })
    check.equal({ result.reached, #result.hops }, { true, reply and 5 or 4 })
    local last = result.graph.nodes[#result.graph.nodes]
    check.equal({ last.ttl, last.target }, { #result.hops, true })
  end
end)

-- ---- 1.4: paths of unequal length ------------------------------------------

local function unequal(version, silent)
  local address = version == 4 and "10.7.%d.1" or "2001:db8:7:%d::1"
  local nodes, long = {}, {}
  for i = 1, 5 do
    nodes["l" .. i] = { address = address:format(i),
      link = { delay_ms = 1 }, answers = silent[i] and 0 or nil }
    long[i] = "l" .. i
  end
  return build.line(4, { version = version, nodes = nodes,
    path = { "r1", "r2", { balance = "flow", long, { "r3", "r4" } },
      "host" } })
end

check.case("flows_of_unequal_length_end_each_where_it_ends", function()
  for seed = 1, 8 do
    local version = seed % 2 == 0 and 4 or 6
    -- the longer path has 8 hops, of which 6 and 7 are silent
    local w = unequal(version, { [4] = true, [5] = true })
    local result = core.run(w, { flows = 8, packets = 30,
      protocol = PROTOCOLS[seed % 2 + 2] }, { seed = seed })
    local ends = {}
    for _, flow in ipairs(result.flows) do
      ends[flow.target_ttl] = (ends[flow.target_ttl] or 0) + 1
    end
    local what = ("seed %d: %s short, %s long"):format(seed,
      tostring(ends[5]), tostring(ends[8]))
    check.equal((ends[5] or 0) + (ends[8] or 0), 8, what)
    for _, hop in ipairs(result.hops) do
      for _, responder in ipairs(hop.responders) do
        check.equal(responder.target,
          responder.address == w.target, what)
        if responder.target then
          check.equal(ends[hop.ttl] ~= nil, true, what)
          check.equal(responder.flow_count == 8
            and #responder.flows, ends[hop.ttl], what)
          check.equal(responder.loss, 0.0, what)
        end
      end
      if hop.ttl == 6 or hop.ttl == 7 then
        check.equal({ #hop.responders, hop.silent }, { 0, true }, what)
        check.equal(hop.sent, 30 * (ends[8] or 0), what)
      end
    end
    local shown = result.hops[5].responders
    for _, responder in ipairs(shown) do
      assert_near(responder.share,
        (responder.target and ends[5] or ends[8]) / 8, 1e-9, what)
    end
  end
end)

-- ---- 1.5: another address of the target ------------------------------------

local OTHER = { [4] = "10.9.0.99", [6] = "2001:db8:ffff::99" }

check.case("a_target_that_replies_from_another_address_is_reached", function()
  everywhere(function(version, protocol, seed)
    for _, ttl in ipairs { 64, 255 } do
      local result = trace(build.line(4, { version = version, host = {
        from = OTHER[version], ttl = ttl } }), { protocol = protocol }, seed)
      check.equal({ result.ending, #result.hops, result.target_ttl },
        { "reached", 5, 5 })
      local last = result.hops[5]
      check.equal({ last.responders[1].address, last.responders[1].target,
        last.received }, { OTHER[version], true, 10 })
      check.contains(text.render(result, { columns = { "hop", "ip" },
        max_silent = 5, name = "x" }),
        "it replied from " .. OTHER[version])
    end
  end)
end)

check.case("a_firewalls_port_unreachable_is_not_the_target", function()
  for version, code in pairs { [4] = { 3, 3 }, [6] = { 1, 4 } } do
    for _, answers in ipairs { 1, 0 } do
      -- Its own TTL exceeded may be silent: then it sits one hop before.
      local w = build.line(5, { version = version, nodes = { r3 = {
        reject = { type = code[1], code = code[2] } },
        r2 = { answers = answers } } })
      local result = trace(w, { protocol = "udp" }, 5)
      check.equal({ result.ending, result.reached, #result.hops },
        { "unreachable", false, 4 })
    end
  end
end)

-- ---- 1.6: this host's own address ------------------------------------------

check.case("an_error_with_this_hosts_address_is_no_hop", function()
  everywhere(function(version, protocol, seed)
    local plan = build.line(1, { version = version })
    local w = build.line(4, { version = version, nodes = { r2 = {
      from = plan.prober } } })
    local result = trace(w, { protocol = protocol }, seed)
    check.equal({ result.ending, #result.hops }, { "reached", 5 })
    check.equal(#result.hops[2].responders, 0)
    check.equal(result.hops[2].received, 0)
    check.contains(kinds(result).unreachable.text, "this host's own address")
    check.equal(kinds(result).silent, nil)
  end)
end)

-- Firewall rules of this host that reject one TTL, from its own address.
check.case("a_ttl_that_this_host_refuses_is_a_send_error", function()
  everywhere(function(version, protocol, seed)
    local w = build.line(4, { version = version })
    for _, fate in ipairs { "fail", "vanish" } do
      local result = driver.trace(w, { protocol = protocol }, { seed = seed,
        on_send = function(_, ttl)
          return ttl == 3 and fate or nil, 1
        end })
      tracer.enrich(result)
      check.equal({ result.ending, #result.hops }, { "reached", 5 })
      check.equal(result.hops[3].send_errors > 0, true)
      check.equal(kinds(result).silent, nil, fate)
    end
  end)
end)

-- ---- 3.3: a timeout that was given -----------------------------------------

check.case("a_hop_that_takes_3_s_is_waited_for_5_s", function()
  for _, packets in ipairs { 1, 3, 10, 40 } do
    for _, slow in ipairs { "r2", "host" } do
      local version = packets % 2 == 0 and 4 or 6
      local w = build.line(4, { version = version, nodes = { [slow] = {
        answer_ms = 3000 } } })
      local result = trace(w, { packets = packets, timeout = 5 }, packets)
      local what = ("%s, %d packets"):format(slow, packets)
      check.equal({ result.ending, #result.hops }, { "reached", 5 }, what)
      for ttl, hop in ipairs(result.hops) do
        check.equal({ hop.sent, hop.received, hop.loss },
          { packets, packets, 0.0 }, ("%s hop %d"):format(what, ttl))
      end
      check.equal(kinds(result).silent, nil, what)
      check.equal(kinds(result).rate_limited, nil, what)
    end
  end
end)

-- ---- recordings ------------------------------------------------------------

local has_core, engine = pcall(require, "mtrtrace.core")
local has_dkjson, dkjson = pcall(require, "dkjson")

check.case("a_recording_of_an_outage_replays_digit_for_digit", function()
  if not has_core or not has_dkjson then
    return
  end
  local function rendered(result)
    return text.render(result, { columns = { "hop", "ip", "loss", "sent",
      "received", "unreachable", "avg" }, max_silent = 5, name = "x" })
  end
  local worlds = {
    flapping(4, "linux4", { from_s = 1, down_s = 3, every_s = 7 }),
    flapping(6, nil, { down_s = 2, every_s = 5 }),
    hidden(4, 6), build.line(4, { host = { from = OTHER[4] } }),
    build.line(4, { nodes = { r3 = { reject = { type = 3, code = 1 } } } }),
    build.line(4, { nodes = { r3 = { reject = { type = 3, code = 4,
      mtu = 9000, share = 0.4 } } } }),
  }
  for i, w in ipairs(worlds) do
    local options = { packets = 20, interval = 0.4, protocol = "udp" }
    local result, t = trace(w, options, i)
    local again = recording.replay(engine, dkjson.decode,
      recording.lines(result, t, options))
    check.equal(rendered(again), rendered(result), "world " .. i)
  end
end)

check.finish()
