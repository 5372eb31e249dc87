-- SPDX-License-Identifier: BSD-2-Clause
-- Rate limits and many traces of one process: what several flows and many
-- targets do to one router's bucket is loss for none of them, and a router
-- that replies to one of them is silent for none.
--
-- limits_test.lua          a few seeds
-- limits_test.lua RUNS     so many seeds each, with the rates of errors
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local judge = require "mtrtrace.verdict.trace"
local marks = require "mtrtrace.table.marks"
local packet = require "sim.packet"

local RUNS = tonumber(arg[1]) or 3

-- The rates, where they are asked for.
local function report(format, ...)
  if arg[1] then
    print("  " .. format:format(...))
  end
end

-- Counted and lost probes of hops, and how many are called rate-limiting.
local function add(sums, result)
  for _, hop in ipairs(result.hops) do
    sums.rows = sums.rows + 1
    sums.sent = sums.sent + hop.sent
    sums.lost = sums.lost + hop.sent - hop.received
    sums.limited = sums.limited + (hop.rate_limit and 1 or 0)
  end
end

local function new_sums()
  return { rows = 0, sent = 0, lost = 0, limited = 0, took_s = 0 }
end

-- ---- several flows ---------------------------------------------------------

-- The kernel's own global limit and no other: 1,000/s, 50 at once.
local GLOBAL = { burst = 50, every_ms = 20, refill = 20 }

-- Flows that start together or one after the other.
local function flows_of(w, seed, count, apart_s, packets)
  local traces = {}
  for flow = 0, count - 1 do
    traces[#traces + 1] = driver.options(w, seed * 100 + flow,
      { flow = flow, packets = packets, at_s = flow * apart_s })
  end
  return traces
end

local function run_flows(limit, count, apart_s, packets)
  local sums = new_sums()
  for seed = 1, RUNS do
    local w = build.line(5, { each = { rate_limit = limit } })
    local traces = flows_of(w, seed, count, apart_s, packets)
    for _, t in ipairs(driver.run(w, traces, { seed = seed })) do
      add(sums, t.result)
      sums.took_s = math.max(sums.took_s, t.elapsed_s)
    end
  end
  return sums
end

for _, count in ipairs { 1, 8, 16, 32 } do
  check.case(("global_limit_%d_flows"):format(count), function()
    for _, apart_s in ipairs { 0, 0.013, 0.11 } do
      local sums = run_flows(GLOBAL, count, apart_s, 10)
      report("%d flows %g s apart: false loss %.2f %%, called rate-limiting "
        .. "%.2f %% of %d hops", count, apart_s, 100 * sums.lost / sums.sent,
        100 * sums.limited / sums.rows, sums.rows)
      check.equal({ sums.lost, sums.limited }, { 0, 0 })
      check.equal(sums.took_s < 1 + 0.1 * count, true,
        ("%.1f s"):format(sums.took_s))
    end
  end)
end

-- ---- how fast a bucket refills ---------------------------------------------

-- By name: a limit, whether it is sampled in each run, how long that may take.
-- A router that replies too seldom gets no figure; none gets a false one.
local REFILLS = {
  one_in_two_seconds = { { burst = 1, every_ms = 2000 }, true, 37 },
  one_in_two_seconds_smooth = { { burst = 6, every_ms = 2000,
    smooth = true }, true, 37 },
  one_in_five_seconds = { { burst = 10, every_ms = 5000 }, false, 47 },
  seven_per_whole_second = { { burst = 7, every_ms = 1000, refill = 7 },
    true, 7 },
  eight_per_whole_second = { { burst = 8, every_ms = 1000, refill = 8 },
    true, 7 },
  three_per_whole_second = { { burst = 3, every_ms = 1000, refill = 3 },
    true, 11 },
  two_per_three_seconds = { { burst = 2, every_ms = 3000, refill = 2 }, true,
    34 },
  five_per_five_seconds = { { burst = 5, every_ms = 5000, refill = 5 }, false,
    47 },
  linux = { "linux4", true, 14.6 },
}

for name, row in pairs(REFILLS) do
  check.case("no_loss_at_" .. name, function()
    local lost, sampled, took_s = 0, 0, 0
    for seed = 1, 15 * RUNS do
      local w = build.line(3, { nodes = { r2 = { rate_limit = row[1] } } })
      local result, t = driver.trace(w, { packets = 10, max_hops = 6 },
        { seed = seed })
      local hop = result.hops[2]
      lost = lost + hop.sent - hop.received
      sampled = sampled + (hop.sent == 10 and 1 or 0)
      took_s = math.max(took_s, t.elapsed_s)
    end
    report("%d runs: %d false losses, %.1f %% with a figure, up to %.1f s",
      15 * RUNS, lost, 100 * sampled / (15 * RUNS), took_s)
    check.equal(lost, 0, "lost")
    if row[2] then
      check.equal(sampled, 15 * RUNS, "runs with a figure")
    end
    check.equal(took_s < row[3], true, ("%.1f s"):format(took_s))
  end)
end

-- ---- a hop that stops ------------------------------------------------------

local R2 = packet.address(build.router(2))

-- A hop that falls silent has no rate limit for that.
for _, preset in ipairs { false, "linux4", "iosxr" } do
  check.case("a_hop_that_stops_replying_" .. (preset or "unlimited"),
    function()
    for seed = 1, 2 * RUNS do
      local until_s = 0.3 + 0.1 * seed
      local w = build.line(4,
        { nodes = { r2 = { rate_limit = preset or nil } } })
      local result = driver.trace(w, { packets = 10, max_hops = 7 }, {
        seed = seed, on_receive = function(delivery, now)
          return now < until_s * 1e9
            or delivery.packet:sub(13, 16) ~= R2
        end })
      judge.judge(result)
      local hop = result.hops[2]
      check.equal({ hop.sent, hop.rate_limited, marks.of(hop) },
        { 0, nil, "" })
      local stopped
      for _, v in ipairs(result.verdicts) do
        check.equal(v.kind ~= "rate_limited" and not v.lost, true, v.text)
        stopped = v.kind == "stopped" and v or stopped
      end
      check.equal(stopped and stopped.hop, 2)
      check.equal(stopped.at <= until_s and stopped.at > until_s - 1.1, true,
        stopped.text)
    end
  end)
end

-- A target that has no token at first may reply to a probe with a greater TTL
-- first, and where no reply quotes how much of that was left (here: echo
-- replies), it must not stay behind hops that are not there.
check.case("a_target_without_tokens_is_no_farther_than_it_is", function()
  local host = packet.address(build.line(4).target)
  for seed = 1, 4 * RUNS do
    local free_s = 0.2 + 0.1 * seed
    local result = driver.trace(build.line(4, { each = { rate_limit =
      "linux4" } }), { packets = 3 }, {
      seed = seed, on_receive = function(delivery, now)
        if delivery.packet:sub(13, 16) ~= host then
          return true
        elseif now < free_s * 1e9 then
          return false
        end
        free_s = now / 1e9 + 1
        return true
      end })
    check.equal({ #result.hops, result.reached }, { 5, true },
      ("seed %d: the target is hop %d"):format(seed, #result.hops))
  end
end)

-- ---- many targets ----------------------------------------------------------

local LIMITED, SILENT = { rate_limit = "linux4" }, { answers = 0 }

-- So many addresses of one host in a /24.
local function targets(count)
  local list = {}
  for i = 1, count do
    list[i] = ("10.9.1.%d"):format(i)
  end
  return list
end

local function node(address, fields)
  local made = { address = address, link = { delay_ms = 1 } }
  for key, value in pairs(fields) do
    made[key] = value
  end
  return made
end

-- Five hops to the targets, all limited; the third one of two, as `balance`
-- says, and the second of these as `other` says.
local function forked(list, balance, other)
  return build.line(4, { each = LIMITED, host = { also = list },
    nodes = { a = node("10.1.0.1", LIMITED), b = node("10.1.1.1", other) },
    path = { "r1", "r2", { balance = balance, { "a" }, { "b" } }, "r3", "r4",
      "host" } })
end

-- The addresses of the routers that a target's probes pass.
local function truth(sim, w, target)
  local hops = {}
  local probe = { target = packet.address(target), version = 4, header = 20,
    source = packet.address(w.prober), protocol = 1, bytes = ("\0"):rep(40) }
  for ttl, hop in ipairs(sim.model.route(probe)) do
    hops[ttl] = hop.address
  end
  return hops
end

-- Starts traces to targets[from..to] and lets them end.
local function trace_group(sim, w, list, from, to, more)
  local group = {}
  for i = from, math.min(#list, to) do
    local options = driver.options(w, i, { target = list[i], packets = 10,
      now_ns = sim.now_ns, max_hops = 12 })
    for key, value in pairs(more or {}) do
      options[key] = value
    end
    group[#group + 1] = { engine = sim.pace:trace(options), drops = 0,
      at_ns = sim.now_ns, target = list[i] }
  end
  sim.traces = { table.unpack(group) }
  driver.advance(sim)
  for _, t in ipairs(group) do
    t.result = t.engine:result()
    t.engine:close()
    sim.now_ns = math.max(sim.now_ns, t.ended_ns)
  end
  return group
end

-- What the tables of all targets show: rows, those without a responder (and
-- of these those called silent), responders that are not there, losses.
local function count_row(sums, hop, address, beyond)
  sums.rows = sums.rows + 1
  if not hop or #hop.responders == 0 then
    sums.none = sums.none + 1
    sums.silent = sums.silent
      + (beyond and hop and not hop.no_token and 1 or 0)
    return
  end
  for _, responder in ipairs(hop.responders) do
    sums.invented = sums.invented + (responder.address == address and 0 or 1)
  end
  sums.lost, sums.sent = sums.lost + hop.sent - hop.received,
    sums.sent + hop.sent
  sums.whole = sums.whole + (hop.sent == 10 and 1 or 0)
  sums.inferred = sums.inferred
    + (hop.rate_limit and hop.rate_limit.inferred and 1 or 0)
end

local function run_targets(w, list, at_once, more, seed)
  local sums = { rows = 0, none = 0, silent = 0, invented = 0, lost = 0,
    sent = 0, whole = 0, inferred = 0 }
  local sim = driver.new(w, { seed = seed or 1, limit_s = 2000 })
  for from = 1, #list, at_once do
    local group = trace_group(sim, w, list, from, from + at_once - 1, more)
    for _, t in ipairs(group) do
      local hops, beyond = truth(sim, w, t.target), t.result.reached
      for ttl = #hops - 1, 1, -1 do
        local hop = t.result.hops[ttl]
        count_row(sums, hop, hops[ttl], beyond)
        beyond = beyond or hop and #hop.responders > 0
      end
    end
  end
  sums.took_s = sim.now_ns / 1e9
  report("%d targets, %d at once: of %d hops %d open, %d called silent, %d "
    .. "taken over, %d wrong; false loss of %d probes; %.1f s", #list, at_once,
    sums.rows, sums.none, sums.silent, sums.inferred, sums.invented,
    sums.lost, sums.took_s)
  return sums
end

-- At once as the command does, or one group after another as Nmap does.
for _, row in ipairs {
  { 2, 2, 16 }, { 16, 16, 26 }, { 64, 64, 26 }, { 64, 16, 40 },
  { 248, 248, 26 }, { 248, 16, 70 },
} do
  check.case(("%d_targets_%d_at_once"):format(row[1], row[2]), function()
    local list = targets(row[1])
    local w = build.line(5, { each = LIMITED, host = { also = list } })
    local sums = run_targets(w, list, row[2])
    check.equal({ sums.rows, sums.whole, sums.none, sums.invented, sums.lost },
      { 5 * row[1], 5 * row[1], 0, 0, 0 })
    check.equal(sums.took_s < row[3], true, ("%.1f s"):format(sums.took_s))
    if row[1] > 16 then
      check.equal(sums.inferred > 0, true, "none is marked as taken over")
    end
  end)
end

-- A hop is never taken from a path that differs, and one that replies to
-- some is not called silent. What nothing is known of may stay open.
for _, row in ipairs {
  { "two_routers_by_prefix", "prefix", LIMITED },
  { "two_routers_by_destination", "destination", LIMITED },
  { "a_silent_router_by_prefix", "prefix", SILENT },
} do
  check.case("no_hop_is_invented_" .. row[1], function()
    for _, at_once in ipairs { 16, 64 } do
      for seed = 1, RUNS do
        local list = targets(64 + 190 * (at_once // 64))
        local w = forked(list, row[2], row[3])
        local sums = run_targets(w, list, at_once, nil, seed)
        check.equal({ sums.invented, sums.lost }, { 0, 0 },
          ("seed %d, %d at once"):format(seed, at_once))
        if row[3] == LIMITED then
          check.equal(sums.silent, 0, "called silent")
        end
      end
    end
  end)
end

check.case("a_silent_router_by_destination_is_not_overlooked", function()
  for seed = 1, RUNS do
    local list = targets(64)
    local sums = run_targets(forked(list, "destination", SILENT), list, 64,
      nil, seed)
    check.equal({ sums.invented, sums.lost }, { 0, 0 })
  end
end)

-- A filter may stand anywhere: a trace that nothing farther on replied to
-- takes over the first hop alone, and the others are called unknown.
check.case("filtered_targets", function()
  local list = targets(100)
  local w = build.line(5, { each = LIMITED, host = { also = list,
    echo = false } })
  local sums = run_targets(w, list, 100, { max_silent = 3 })
  check.equal({ sums.invented, sums.lost, sums.silent }, { 0, 0, 0 })
end)

-- A path on which the few probes of a hop were lost may stay open there.
check.case("real_loss_before_many_targets_is_one_sample_for_all", function()
  local rows, none = 0, 0
  for seed = 1, 10 do
    local list = targets(40)
    local w = build.line(5, { each = LIMITED, host = { also = list },
      nodes = { r2 = { link = { delay_ms = 1, loss_back = 0.2 } } } })
    local sums = run_targets(w, list, 40, nil, seed)
    check.equal(sums.invented, 0, "seed " .. seed)
    rows, none = rows + sums.rows, none + sums.none
  end
  check.equal(none <= 0.05 * rows, true, ("%d of %d open"):format(none, rows))
end)

check.case("targets_without_rate_limits_take_no_longer", function()
  local list = targets(248)
  local sums = run_targets(build.line(5, { host = { also = list } }), list,
    248)
  check.equal({ sums.whole, sums.lost }, { 5 * 248, 0 })
  -- The first probes go slowly, until round trips show what the uplink bears.
  check.equal(sums.took_s < 1.5, true, ("%.2f s"):format(sums.took_s))
end)

check.finish()
