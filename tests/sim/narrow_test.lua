-- SPDX-License-Identifier: BSD-2-Clause
-- The tool's own probes on a narrow uplink: they wait for each other for a
-- few milliseconds at most, and none is lost, whatever the queue holds and
-- however many flows there are; a fast link costs no time.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local judge = require "mtrtrace.session.tracer"

local HOPS = 8
local MOST_MS = 5 -- of the tool's own queue

local function world(row)
  local narrow = { delay_ms = row.delay, rate_kbit = row.kbit,
    queue_packets = row.queue }
  return build.line(HOPS - 1, { link = { delay_ms = row.delay },
    nodes = { ["r" .. (row.at or 1)] = { link = narrow },
      r7 = { answers = row.mtu and 0 },
      host = { link = { delay_ms = row.delay, mtu = row.mtu } } } })
end

local function run(row)
  local w, traces = world(row), {}
  for flow = 0, row.flows - 1 do
    traces[flow + 1] = driver.options(w, 1 + flow, { flow = flow,
      packets = row.packets or 10 })
  end
  return driver.run(w, traces, { seed = 1 })
end

local function check_hop(row, hop)
  local name = "hop " .. hop.ttl
  check.equal(hop.loss, 0.0, name .. ": loss")
  check.equal(hop.untested, nil, name .. ": tested")
  check.equal(hop.rate_limit, nil, name .. ": rate limit")
  local delay = hop.responders[1].worst_ms - 2 * row.delay * hop.ttl
  check.equal(delay <= (row.most or MOST_MS), true,
    ("%s: %.2f ms of its own"):format(name, delay))
end

local ROWS = {
  { name = "one_flow_at_1_mbit", kbit = 1000, queue = 50, flows = 1,
    took = 1.10 },
  { name = "four_flows_at_1_mbit", kbit = 1000, queue = 50, flows = 4,
    took = 1.6 },
  { name = "sixteen_flows_at_1_mbit", kbit = 1000, queue = 50, flows = 16,
    took = 4.5 },
  { name = "a_queue_of_1000_packets", kbit = 1000, queue = 1000, flows = 16,
    took = 4.5 },
  { name = "a_link_in_the_middle", kbit = 1000, queue = 50, flows = 4,
    at = 4, took = 1.6 },
  { name = "a_long_run", kbit = 1000, queue = 50, flows = 2, packets = 60,
    took = 9 },
  { name = "one_flow_at_512_kbit", kbit = 512, queue = 50, flows = 1,
    took = 1.10, most = 6 },
  { name = "sixteen_flows_at_512_kbit", kbit = 512, queue = 50, flows = 16,
    took = 5, most = 6 },
  -- Two packets take 8 ms.
  { name = "one_flow_at_256_kbit", kbit = 256, queue = 50, flows = 1,
    took = 1.4, most = 8 },
  { name = "sixteen_flows_at_256_kbit", kbit = 256, queue = 50, flows = 16,
    took = 10, most = 8 },
  { name = "a_link_of_10_mbit", kbit = 10000, queue = 50, flows = 16,
    took = 2.5 },
  { name = "a_fast_link_costs_one_flow_no_time", flows = 1, took = 1.05 },
  { name = "a_fast_link_costs_four_flows_little", flows = 4, took = 1.25 },
}

for _, row in ipairs(ROWS) do
  for _, delay in ipairs { 0.05, 1, 3 } do
    row.delay = delay
    check.case(("%s_%g_ms_a_hop"):format(row.name, delay), function()
      for _, t in ipairs(run(row)) do
        local result = judge.enrich(t.result)
        check.equal(#result.hops, HOPS)
        for _, hop in ipairs(result.hops) do
          check_hop(row, hop)
        end
        for _, v in ipairs(result.verdicts) do
          check.equal(v.kind ~= "loss" and v.kind ~= "rate_limited", true,
            v.text)
        end
        local narrow = row.kbit and row.kbit <= 1000
        if narrow and row.flows > 1 then
          local off = (result.link_rate or 0) / (row.kbit * 1000) - 1
          check.equal(math.abs(off) < 0.3, true,
            "link_rate " .. tostring(result.link_rate))
        end
        check.equal(result.link_rate == nil or narrow, true,
          "a narrow link is named")
        check.equal(t.elapsed_s <= row.took, true,
          ("took %.3f s"):format(t.elapsed_s))
      end
    end)
  end
end

-- A link of which the RTTs give no clear picture: jitter on the way, or a
-- network that holds packets back for a moment and lets them go at once. The
-- rate must not be raised by chance. What a stall lets go fits in the queue.
local SEEDS = 40

local function unclear(row, seed)
  local link = { delay_ms = { base_ms = 1, jitter_ms = row.jitter_ms or 0,
    shape = "exponential" } }
  local w = build.line(HOPS - 1, { link = link, nodes = {
    r1 = { link = { delay_ms = 1, stalls = row.stalls } },
    r2 = { link = { delay_ms = 1, rate_kbit = row.kbit, queue_packets = 50 } },
  } })
  local traces = {}
  for flow = 0, row.flows - 1 do
    traces[flow + 1] = driver.options(w, seed * 100 + flow, { flow = flow })
  end
  local lost, link_rate = 0, nil
  for _, t in ipairs(driver.run(w, traces, { seed = seed })) do
    for _, hop in ipairs(t.result.hops) do
      lost = lost + hop.loss
    end
    link_rate = link_rate or t.result.link_rate
  end
  return lost, link_rate
end

for _, row in ipairs {
  { name = "jitter_at_4_mbit", kbit = 4000, jitter_ms = 0.2 },
  { name = "stalls_at_256_kbit", kbit = 256,
    stalls = { every_ms = 200, for_ms = 8 } },
  { name = "long_stalls_at_256_kbit", kbit = 256,
    stalls = { every_ms = 400, for_ms = 20 } },
} do
  for _, flows in ipairs { 4, 16 } do
    row.flows = flows
    check.case(("%s_raise_no_rate_of_%d_flows"):format(row.name, flows),
      function()
        local lossy = {}
        for seed = 1, SEEDS do
          if unclear(row, seed) > 0 then
            lossy[#lossy + 1] = seed
          end
        end
        check.equal(table.concat(lossy, " "), "", "seeds with losses")
      end)
  end
end

-- Jitter alone is no narrow link.
for _, flows in ipairs { 1, 4, 16 } do
  check.case(("jitter_is_no_narrow_link_for_%d_flows"):format(flows),
    function()
      local named = {}
      for seed = 1, SEEDS do
        local _, link_rate = unclear({ flows = flows, jitter_ms = 2 }, seed)
        named[#named + 1] = link_rate
      end
      check.equal(named, {}, "links that are not there")
    end)
end

-- What is sent beside a trace delays its replies, and must not lose them.
for _, kind in ipairs { "paths", "pmtu" } do
  check.case("the_search_for_" .. kind .. "_waits_as_traces_do", function()
    local row = { kbit = 1000, queue = 50, flows = 1, delay = 1, mtu = 1400 }
    local w = world(row)
    local sim = driver.new(w, { seed = 1 })
    local beside = { engine = sim.pace[kind](sim.pace, driver.options(w, 7, {
      protocol = "udp", source_port = 40000, now_ns = 0 })),
      at_ns = 0, drops = 0 }
    local trace = driver.start(sim.pace, driver.options(w, 1))
    sim.traces = { trace, beside }
    driver.advance(sim)
    check.equal(beside.engine:result().reached ~= false, true, "reached")
    check.equal(beside.probes > 20, true, "probes beside it")
    -- A packet of 1,500 bytes takes 12 ms, and goes out alone.
    row.most = kind == "pmtu" and 12 + MOST_MS or nil
    for _, hop in ipairs(trace.engine:result().hops) do
      if hop.ttl ~= 7 then -- a black hole for larger packets
        check_hop(row, hop)
      end
    end
  end)
end

check.finish()
