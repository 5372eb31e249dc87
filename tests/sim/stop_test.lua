-- SPDX-License-Identifier: BSD-2-Clause
-- A run may be stopped at any moment and shows nothing that is not true:
-- where the network loses nothing, no figure is loss, no verdict is about it,
-- and no hop that answers is called silent; where a link loses, hops before
-- it lose nothing.
--
-- stop_test.lua        hundreds of random runs
-- stop_test.lua SEED   one of them, to replay a failure
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local random = require "sim.random"
local text = require "mtrtrace.report.text"
local tracer = require "mtrtrace.session.tracer"

local ASAN = package.cpath:find("asan", 1, true)
local RUNS = ASAN and 60 or 400
local STOPS = 6 -- moments in each run
local S = 1000000000

local LIMITS = { "linux4", "linux4", "linux6_48", "ios", "iosxr", "junos",
  { preset = "linux4", start = "empty" },
  { preset = "iosxr", start = "empty" } }

-- Short runs and long ones, each with the interval that it may have.
local SHAPES = {
  { packets = 10 }, { packets = 30 }, { packets = 60 }, { packets = 100 },
  { packets = 1000, interval = 0.2 }, { packets = 100, interval = 0.5 },
  { packets = 20, interval = 1.5 }, { packets = 1000, interval = 0.1 },
}

local function draw(seed)
  local R = random.new(seed)
  local routers, nodes = R.whole(2, 7), {}
  for i = 1, routers do
    nodes["r" .. i] = {
      rate_limit = R.chance(0.6) and R.pick(LIMITS) or nil,
      answers = R.chance(0.1) and 0 or nil,
      link = { delay_ms = R.whole(0, 12) },
    }
  end
  local lossy = R.chance(0.3) and R.whole(1, routers) or nil
  if lossy then
    nodes["r" .. lossy].link.loss_forward = 0.2
  end
  local options = {}
  for key, value in pairs(R.pick(SHAPES)) do
    options[key] = value
  end
  options.protocol = R.pick { "icmp", "icmp", "udp" }
  return { R = R, options = options, lossy = lossy, nodes = nodes,
    world = build.line(routers, { nodes = nodes,
      host = { echo = R.chance(0.8), udp = R.pick { "closed", "open" } } }) }
end

local function assert_that(holds, ...)
  if not holds then
    error(string.format(...), 0)
  end
end

local function check_hop(case, hop)
  local node = case.nodes["r" .. hop.ttl]
  local answers = node and node.answers ~= 0
  if not answers or case.lossy and hop.ttl >= case.lossy then
    return
  end
  assert_that(not hop.loss or hop.loss == 0,
    "hop %d shows %.1f %% loss: %d of %d answered", hop.ttl,
    100 * (hop.loss or 0), hop.received, hop.sent)
  assert_that(hop.untested or hop.sent <= hop.received,
    "hop %d: %d of %d answered, not called untested", hop.ttl,
    hop.received, hop.sent)
end

local function check_verdict(case, verdict)
  if verdict.kind == "loss" then
    assert_that(case.lossy and case.lossy <= (verdict.to or verdict.hop),
      "%s", verdict.text)
  elseif verdict.kind == "silent" then
    for ttl = verdict.hop or verdict.from, verdict.hop or verdict.to do
      local node = case.nodes["r" .. ttl]
      assert_that(node and (node.answers == 0 or node.rate_limit), "%s",
        verdict.text)
    end
  end
end

local function check_moment(case, t, at_ns)
  local result = tracer.enrich(t.engine:result())
  local ok, why = pcall(function()
    for _, hop in ipairs(result.hops) do
      check_hop(case, hop)
    end
    for _, verdict in ipairs(result.verdicts) do
      check_verdict(case, verdict)
    end
  end)
  if not ok then
    error(("stopped at %.3f s: %s\n%s"):format(at_ns / S, why,
      text.render(result, { columns = { "hop", "ip", "loss", "sent",
        "received" }, max_silent = 5, name = "x" })), 0)
  end
end

-- The moments lie closer in the beginning, where everything happens.
local function run(seed)
  local case = draw(seed)
  local longest = case.options.packets * (case.options.interval or 0.1) + 5
  local moments = {}
  for i = 1, STOPS do
    moments[i] = case.R.unit() ^ 2 * math.min(longest, 40) * S // 1 | 0
  end
  table.sort(moments)
  local sim = driver.new(case.world, { seed = seed })
  local options = driver.options(case.world, seed, case.options)
  local t = driver.start(sim.pace, options)
  sim.traces[1] = t
  for _, at_ns in ipairs(moments) do
    driver.advance(sim, at_ns)
    check_moment(case, t, at_ns)
  end
  t.engine:close()
end

if arg[1] then
  run(tonumber(arg[1]))
  return
end
check.case("a_run_stopped_at_any_moment_shows_nothing_false", function()
  local failed, why = {}, nil
  for seed = 1, RUNS do
    local ok, err = pcall(run, seed)
    if not ok then
      failed[#failed + 1], why = seed, why or err
    end
  end
  assert_that(#failed == 0, "%d of %d runs, seeds %s: %s", #failed, RUNS,
    table.concat(failed, " ", 1, math.min(#failed, 12)), tostring(why))
end)

-- The issue's case: -i 0.2 -c 1000, stopped after 20 s, routers as Linux is
-- by default, a target behind a filter.
check.case("a_long_run_stopped_after_20_s_has_its_samples", function()
  local world = build.line(5, { each = { rate_limit = "linux4" },
    host = { echo = false } })
  local sim = driver.new(world, { seed = 1 })
  local t = driver.start(sim.pace, driver.options(world, 1,
    { packets = 1000, interval = 0.2 }))
  sim.traces[1] = t
  driver.advance(sim, 20 * S)
  local result = tracer.enrich(t.engine:result())
  local probes = 0
  for ttl = 1, 5 do
    local hop = result.hops[ttl]
    check.equal({ hop.loss, hop.untested }, { 0.0, nil })
    check.equal(hop.sent >= 14, true, "sent")
    probes = probes + hop.total_sent
  end
  for _, verdict in ipairs(result.verdicts) do
    check.equal(verdict.kind ~= "loss", true, verdict.text)
  end
  check.equal(probes < 5 * 80, true, "probes that nobody would answer")
  t.engine:close()
end)

check.finish()
