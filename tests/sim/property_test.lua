-- SPDX-License-Identifier: BSD-2-Clause
-- What must hold in every world: counts add up, nobody is shown where they
-- cannot be, no answer is faster than the way there and back, a destination
-- that answers is found, and the engine ends.
--
-- property_test.lua        thousands of random worlds
-- property_test.lua SEED   one of them, to replay a failure
local chance = require "sim.chance"
local check = require "check"
local driver = require "sim.driver"

local ASAN = package.cpath:find("asan", 1, true)
local WORLDS = ASAN and 250 or 1600
local LIMIT_S = 120 -- virtual; 20 packets 2.1 s apart take 45
local MOST_SPACING_S = 3.6 -- replies more seldom make no sample
local ENOBUFS, EPERM = 105, 1

-- ---- one run ---------------------------------------------------------------

-- A host that now and then does not send, or whose capture misses a probe.
local function trouble(R)
  local kind = R.pick { "none", "none", "none", "fail", "vanish", "unseen" }
  if kind == "none" then
    return nil
  end
  return function()
    if R.chance(0.03) then
      return kind, R.pick { ENOBUFS, EPERM }
    end
  end, kind
end

local function run(seed)
  local w, options, R = chance.draw(seed)
  options.events = true
  local on_send, kind = trouble(R)
  local result, t = driver.trace(w, options, { seed = seed,
    limit_s = LIMIT_S, on_send = on_send })
  return { world = w, options = options, result = result, t = t,
    truth = chance.truth(w), trouble = kind }
end

-- ---- the properties; each raises -------------------------------------------

local function assert_that(holds, ...)
  if not holds then
    error(string.format(...), 0)
  end
end

-- What a probe's next event may be, by what it was before.
local FOLLOWS = {
  open = { reply = "answered", timeout = "lost", send_error = "failed" },
  answered = { duplicate = "answered" },
  lost = { late = "answered" },
  failed = { late = "answered" },
}

local FATES = { reply = true, timeout = true, send_error = true,
  duplicate = true, late = true }

local function every_probe_has_one_fate(run_)
  local state, count = {}, { open = 0, answered = 0, lost = 0, failed = 0 }
  for _, e in ipairs(run_.t.events) do
    local was = state[e.probe]
    if e.kind == "sent" then
      assert_that(not was, "probe %d is sent twice", e.probe)
      state[e.probe], count.open = "open", count.open + 1
    elseif FATES[e.kind] then
      local is = FOLLOWS[was] and FOLLOWS[was][e.kind]
      assert_that(is, "probe %d: %s after %s", e.probe, e.kind,
        tostring(was))
      state[e.probe] = is
      count[was] = count[was] - 1
      count[is] = count[is] + 1
    end
  end
  local all = count.open + count.answered + count.lost + count.failed
  assert_that(all == run_.result.sent, "%d sent, fates of %d",
    run_.result.sent, all)
  run_.count = count
end

local function new_sums()
  return { sent = 0, received = 0, total_sent = 0, total_received = 0,
    late = 0,
    duplicates = 0, send_errors = 0, in_flight = 0 }
end

-- The counts of each TTL once more, from the events, the plain way.
local function recount(events)
  local hops, counted = {}, {}
  for _, e in ipairs(events) do
    local hop = hops[e.ttl] or new_sums()
    hops[e.ttl] = hop
    local c = counted[e.probe]
    if e.kind == "sent" then
      counted[e.probe] = { counts = not e.test, state = "open" }
      hop.total_sent = hop.total_sent + 1
    elseif e.kind == "rate-limited" then
      for _, other in pairs(counted) do
        other.counts = other.counts and other.ttl ~= e.ttl
      end
    elseif e.kind == "duplicate" then
      hop.duplicates = hop.duplicates + 1
    elseif e.kind == "reply" or e.kind == "late" then
      hop.total_received = hop.total_received + 1
      hop.late = hop.late + (e.kind == "late" and 1 or 0)
      if c.state == "failed" then
        hop.total_sent, hop.send_errors = hop.total_sent + 1,
          hop.send_errors - 1
      end
      c.state = "answered"
    elseif e.kind == "send_error" then
      hop.total_sent, hop.send_errors = hop.total_sent - 1, hop.send_errors + 1
      c.state = "failed"
    elseif e.kind == "timeout" then
      c.state = "lost"
    end
    if counted[e.probe] and e.kind == "sent" then
      counted[e.probe].ttl = e.ttl
    end
  end
  for _, c in pairs(counted) do
    local hop = hops[c.ttl]
    if c.counts and c.state == "open" then
      hop.in_flight = hop.in_flight + 1
    elseif c.counts and c.state ~= "failed" then
      hop.sent = hop.sent + 1
      hop.received = hop.received + (c.state == "answered" and 1 or 0)
    end
  end
  return hops
end

local function hops_agree_with_the_events(run_)
  local want = recount(run_.t.events)
  for _, hop in ipairs(run_.result.hops) do
    for key, value in pairs(want[hop.ttl] or new_sums()) do
      assert_that(hop[key] == value, "hop %d: %s is %s, events say %s",
        hop.ttl, key, tostring(hop[key]), value)
    end
  end
end

local function rows_add_up(run_)
  local result = run_.result
  for _, hop in ipairs(result.hops) do
    local received = 0
    for _, responder in ipairs(hop.responders) do
      received = received + responder.received
    end
    -- One probe each looks for a path behind the last sampled TTL.
    local beyond = result.ending == "silent" and hop.silent and hop.sent <= 1
    assert_that(not hop.untested or beyond, "hop %d: untested at the end",
      hop.ttl)
    assert_that(received == hop.received,
      "hop %d: %d received, its responders %d", hop.ttl, hop.received,
      received)
    -- A probe that the capture missed is sent anew; its own answer may follow.
    local most = result.packets + (run_.trouble == "unseen" and hop.late or 0)
    assert_that(hop.received <= hop.sent and hop.sent <= most,
      "hop %d: %d of %d received, %d packets", hop.ttl, hop.received,
      hop.sent, result.packets)
    assert_that(hop.total_received <= hop.total_sent,
      "hop %d: raw %d of %d received", hop.ttl, hop.total_received,
      hop.total_sent)
    assert_that(hop.in_flight == 0 or result.ending == "silent",
      "hop %d: %d in flight at the end", hop.ttl, hop.in_flight)
    if not run_.trouble and result.ending ~= "silent" then
      -- One that fell silent while its refill was measured has no figure.
      local want = hop.rate_limit
        and hop.rate_limit.sample_interval_s > MOST_SPACING_S and 0
        or result.packets
      assert_that(hop.sent == want, "hop %d: %d sent, want %d", hop.ttl,
        hop.sent, want)
    end
    if hop.loss then
      assert_that(math.abs(hop.loss - (1 - hop.received / hop.sent)) < 1e-12
        and hop.loss_low <= hop.loss and hop.loss <= hop.loss_high,
        "hop %d: loss %s", hop.ttl, tostring(hop.loss))
    end
  end
end

local function nobody_is_where_they_cannot_be(run_)
  for _, e in ipairs(run_.t.events) do
    if e.from then
      local places = run_.truth.places[e.from]
      assert_that(places, "%s is nobody, at hop %d", e.from, e.ttl)
      assert_that(places[e.ttl], "%s cannot be at hop %d", e.from, e.ttl)
    end
  end
end

local function no_answer_is_too_fast(run_)
  for _, e in ipairs(run_.t.events) do
    if e.from and e.rtt_ns >= 0 then
      local least = run_.truth.least_ns[e.from]
      assert_that(e.rtt_ns >= least, "%s answered in %d ns, least is %d",
        e.from, e.rtt_ns, least)
    end
  end
end

-- Where each of three or more counted probes may be lost, one may be missed.
-- Hops whose samples are finished are not probed again, so a change in the
-- last second of a run may be seen at some of them only.
local function changed_at_the_end(run_)
  for _, change in ipairs(run_.world.changes or {}) do
    local before_end = run_.result.elapsed_s - change.at_s
    if before_end >= 0 and before_end < 1.5 then
      return true
    end
  end
  return false
end

local function the_destination_is_found(run_)
  local host, result = run_.world.nodes.host, run_.result
  local sure = run_.options.packets >= 10 and not run_.trouble
    and not host.answers and not (host.rate_limit and host.rate_limit.start)
    and not changed_at_the_end(run_)
  if sure then
    assert_that(result.reached, "not reached: %s", tostring(result.ending))
  end
  if result.reached then
    assert_that(run_.truth.target_ttls[result.target_ttl] or
      result.target_ttl > run_.truth.nearest and (not sure),
      "target at hop %d", result.target_ttl)
    assert_that(#result.hops == result.target_ttl, "%d rows, target at %d",
      #result.hops, result.target_ttl)
  end
end

local REFILL_BURSTS = 8 -- see refill.h

local function it_ends_in_bounds(run_)
  local packets, rate_limits = run_.options.packets, {}
  for _, hop in ipairs(run_.result.hops) do
    rate_limits[hop.ttl] = hop.rate_limit and REFILL_BURSTS * 16 or 0
  end
  for ttl, hop in ipairs(recount(run_.t.events)) do
    -- Two samples, the tests, two proofs, and where it rate-limits the bursts
    -- that measure the refill; all of it once more for what went wrong. A
    -- silent one
    -- is woken at most once a second, by three.
    local waking = 3 * (1 + math.ceil(run_.result.elapsed_s))
    local most = (2 * packets + 12 + 2 * 16 + (rate_limits[ttl] or 0) + waking)
      * (1 + run_.count.failed)
    assert_that(hop.total_sent <= most, "hop %d: %d probes", ttl,
      hop.total_sent)
  end
  assert_that(run_.result.ending, "no ending")
end

-- ---- all of them -----------------------------------------------------------

local PROPERTIES = {
  { "every_probe_has_one_fate", every_probe_has_one_fate },
  { "hops_agree_with_the_events", hops_agree_with_the_events },
  { "rows_add_up", rows_add_up },
  { "nobody_is_where_they_cannot_be", nobody_is_where_they_cannot_be },
  { "no_answer_is_too_fast", no_answer_is_too_fast },
  { "the_destination_is_found", the_destination_is_found },
  { "it_ends_in_bounds", it_ends_in_bounds },
}

local broken = {} -- property to "seed N: why", the first few

local function note(name, seed, why)
  local list = broken[name] or { seeds = {} }
  broken[name] = list
  list.why = list.why or ("seed %d: %s"):format(seed, why)
  list.seeds[#list.seeds + 1] = seed
end

local function try(seed)
  local ok, run_ = pcall(run, seed)
  if not ok then
    note("it_runs_to_its_end", seed, run_)
    return
  end
  for _, property in ipairs(PROPERTIES) do
    local holds, why = pcall(property[2], run_)
    if not holds then
      note(property[1], seed, why)
    end
  end
  return run_
end

local function report()
  table.insert(PROPERTIES, 1, { "it_runs_to_its_end" })
  for _, property in ipairs(PROPERTIES) do
    check.case(property[1], function()
      local list = broken[property[1]]
      if list then
        error(("%s (%d worlds: %s)"):format(list.why, #list.seeds,
          table.concat(list.seeds, " ", 1, math.min(#list.seeds, 12))), 0)
      end
    end)
  end
  check.finish()
end

if arg[1] then
  local run_ = try(tonumber(arg[1]))
  if run_ then
    print(check.show(run_.world))
    print(check.show(run_.options), run_.trouble)
    print(check.show(run_.result))
  end
else
  for seed = 1, WORLDS do
    try(seed)
  end
end
report()
