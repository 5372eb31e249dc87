-- SPDX-License-Identifier: BSD-2-Clause
-- The history of a path on the live screen: when it changed, at which hops,
-- how long that lasted, and what it cost at the target.
local actions = require "mtrtrace.screen.actions"
local buckets = require "mtrtrace.screen.buckets"
local check = require "check"
local draw = require "mtrtrace.screen.draw"
local path_history = require "mtrtrace.screen.path_history"
local sample = require "sample"
local screen_sample = require "screen_sample"

local S = 1000000000

local function plain(text)
  return text
end

-- Probes to TTL 3 once a second; from second 40 on every fifth is lost and
-- the others take 20 ms instead of 10.
local function fill(seen, seconds, step)
  for i = 0, seconds - 1, step or 1 do
    local late = i >= 40 and i < 70
    local event = { kind = "sent", class = "counted", ttl = 3, probe = i,
      at_ns = i * S }
    seen:add(event)
    event = { kind = late and i % 5 == 0 and "timeout" or "reply", ttl = 3,
      class = "counted", probe = i, at_ns = i * S + S // 2,
      rtt_ns = (late and 20 or 10) * 1000000 }
    seen:add(event)
  end
  return seen
end

local function hop(ttl, runs)
  return sample.hop(ttl, { sample.responder(runs[1].address) },
    { runs = runs })
end

local function run(address, count, at)
  return { address = address, flow = 0, reply_ttl = 64, count = count,
    at_s = at }
end

local function tab_of(seconds, hops)
  return { at_ns = seconds * S, from_ns = 0,
    buckets = fill(buckets.new(), seconds),
    result = sample.result(hops, { target_ttl = 3 }) }
end

local function changed()
  return tab_of(100, {
    hop(1, { run("192.0.2.1", 100, 0) }),
    hop(2, { run("192.0.2.2", 40, 0.1), run("192.0.2.7", 30, 40.1),
      run("192.0.2.2", 30, 70.1) }),
    hop(3, { run("192.0.2.9", 100, 0.2) }),
  })
end

check.case("changes_with_hops_duration_and_cost", function()
  local list = path_history.list(changed())
  check.equal(#list, 2)
  local one = list[1]
  check.equal({ one.at_s, one.lasted_s, one.is_last },
    { 40.1, 30.0, false })
  check.equal(one.hops, { { ttl = 2, before = "192.0.2.2",
    after = "192.0.2.7" } })
  check.equal(one.figures_before.loss, 0.0)
  check.equal(one.figures_before.avg_ms, 10.0)
  check.equal(one.figures_after.loss, 0.2)
  check.equal(one.figures_after.avg_ms, 20.0)
  check.equal({ list[2].lasted_s > 29, list[2].is_last }, { true, true })
end)

check.case("lines_with_the_newest_first", function()
  local lines = path_history.lines(changed(), 79, plain)
  check.equal(lines, {
    "1:10 path changed, for 0:30",
    "  hop 2: 192.0.2.2 instead of 192.0.2.7",
    "  Target: loss 0.0% instead of 20.0% (30 and 30 probes), mean 10.00 "
      .. "instead of",
    "    20.00 ms",
    "0:40 path changed, which lasted 0:30",
    "  hop 2: 192.0.2.7 instead of 192.0.2.2",
    "  Target: loss 20.0% instead of 0.0% (30 and 40 probes), mean 20.00 "
      .. "instead of",
    "    10.00 ms",
  })
end)

check.case("routers_that_take_turns_are_no_change", function()
  local runs = {}
  for i = 1, 20 do
    runs[i] = run("192.0.2." .. i % 2 + 1, 3, i)
  end
  check.equal(path_history.lines(tab_of(60, { hop(1, runs) }), 79, plain),
    { "The path has not changed so far." })
end)

check.case("buckets_are_bounded_however_long_the_run", function()
  local seen = fill(buckets.new(), 100000, 10)
  local count = 0
  for _ in pairs(seen.hops[3].list) do
    count = count + 1
  end
  check.equal(count <= 1024, true)
  check.equal(seen:between(3, 0, math.huge).sent, 10000)
end)

check.case("a_replaced_sample_costs_nothing", function()
  local seen = fill(buckets.new(), 50)
  seen:add { kind = "rate-limited", ttl = 3 }
  check.equal(seen:between(3, 0, 100), nil)
end)

check.case("the_key_opens_it_and_another_closes_it", function()
  local state = screen_sample.state()
  actions.press(state, "H")
  check.equal(state.past ~= nil, true)
  check.contains(draw.draw(state, 80, 24) and "drawn", "drawn")
  actions.press(state, "down")
  check.equal(state.past ~= nil, true)
  check.equal(actions.press(state, "x"), nil)
  check.equal(state.past, nil)
  actions.press(state, "H")
  check.equal(actions.press(state, "q"), { "quit" })
end)

check.finish()
