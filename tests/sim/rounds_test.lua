-- SPDX-License-Identifier: BSD-2-Clause
--- Targets that are traced again and again, as the service does it: what one
-- round leaves in the process for the next.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local packet = require "sim.packet"

local RUNS = tonumber(arg[1]) or 3
local S = 1000000000

-- What the first round found out about a router's rate limit holds for the
-- next ones, what it sampled does not.
check.case("rounds_after_the_first_test_nothing_and_sample_anew", function()
  for seed = 1, RUNS do
    local w = build.line(3, { nodes = { r2 = { rate_limit = "linux4" } } })
    local starts, traces = { 0, 30, 32, 150, 600 }, {}
    for i, at_s in ipairs(starts) do
      traces[i] = driver.options(w, seed * 100 + i, { packets = 10,
        at_s = at_s, shared_age = i > 1 and 0.001 or nil })
    end
    for i, t in ipairs(driver.run(w, traces, { seed = seed })) do
      local hop = t.result.hops[2]
      check.equal({ hop.sent, hop.received }, { 10, 10 })
      -- The first probe meets the router before anything is known of it.
      check.equal(hop.total_sent - hop.sent > 12, i == 1,
        ("round %d: %d unsampled probes"):format(i,
        hop.total_sent - hop.sent))
      check.equal(t.elapsed_s > 9 * 1.05, true,
        ("round %d: %.1f s"):format(i, t.elapsed_s))
    end
  end
end)

-- ---- targets that come and go ----------------------------------------------

local EVERY_S, PACKETS = 2, 20

local function targets(count)
  local list = {}
  for i = 1, count do
    list[i] = { address = ("10.9.1.%d"):format(i), due_s = 0.05 * i,
      rounds = {} }
    list[i].bytes = packet.address(list[i].address)
  end
  return list
end

local function start(sim, w, one, seed)
  local t = driver.start(sim.pace, driver.options(w, seed, {
    target = one.address, packets = PACKETS, interval = 0.05, max_hops = 12,
    at_s = sim.now_ns / S, shared_age = #one.rounds > 0 and 0.001 or nil }))
  one.running, sim.traces[#sim.traces + 1] = t, t
end

local function finish(sim, one)
  local t = one.running
  one.rounds[#one.rounds + 1] = { at_s = t.at_ns / S, ended_s = t.ended_ns / S,
    took_s = (t.ended_ns - t.at_ns) / S, result = t.engine:result() }
  t.engine:close()
  one.running = nil
  for i, other in ipairs(sim.traces) do
    if other == t then
      table.remove(sim.traces, i)
      break
    end
  end
end

-- Traces each target every EVERY_S until `until_s`; a round that lasts longer
-- skips some. `gone(one, now_s)`: whether the target does not reply then.
local function serve(w, list, until_s, seed, gone)
  local by_address = {}
  for _, one in ipairs(list) do
    by_address[one.bytes] = one
  end
  local sim = driver.new(w, { seed = seed, limit_s = until_s + 60,
    on_receive = function(delivery, now)
      local one = by_address[delivery.packet:sub(13, 16)]
      return not one or not gone(one, now / S)
    end })
  for step = 0, until_s * 20 do
    sim.now_ns = step * S // 20
    for i, one in ipairs(list) do
      if one.running and one.running.ended_ns then
        finish(sim, one)
      end
      if not one.running and one.due_s <= sim.now_ns / S then
        start(sim, w, one, seed * 100000 + i * 1000 + #one.rounds)
        while one.due_s <= sim.now_ns / S do
          one.due_s = one.due_s + EVERY_S
        end
      end
    end
    driver.advance(sim, (step + 1) * S // 20)
  end
end

-- The first round that began after a time.
local function round_after(one, at_s)
  for _, round in ipairs(one.rounds) do
    if round.at_s >= at_s then
      return round
    end
  end
end

local function longest_round(one)
  local longest = 0
  for _, round in ipairs(one.rounds) do
    longest = math.max(longest, round.took_s)
  end
  return longest
end

local function addresses(list)
  local out = {}
  for i, one in ipairs(list) do
    out[i] = one.address
  end
  return out
end

-- The first round after the target vanished, and the first after its return.
local function check_gone(one, within_s, what)
  local down = round_after(one, one.from_s)
  check.equal(down and down.result.ending, "silent", what)
  check.equal(down.ended_s < one.from_s + within_s, true,
    ("%s: down after %.1f s"):format(what, down.ended_s - one.from_s))
  local up = round_after(one, one.to_s)
  check.equal(up and up.result.ending, "reached", what)
  local hop = up.result.hops[#up.result.hops]
  check.equal({ hop.sent, hop.received, hop.rate_limited },
    { PACKETS, PACKETS, nil }, what .. ", back again")
end

-- Half of the targets vanish, at different times of their rounds, and come
-- back. A round in which a target vanishes ends within the time that its
-- bursts take, the next one says that it is not reached, and one that begins
-- after its return measures it as if nothing had been. (A sample of a router
-- that rate-limits takes 21 s.)
for preset, longest_s in pairs { unlimited = 13, linux4 = 45 } do
  check.case("targets_that_vanish_and_return_" .. preset, function()
    local each = preset ~= "unlimited" and { rate_limit = preset } or nil
    for seed = 1, RUNS do
      local list = targets(12)
      for i, one in ipairs(list) do
        one.from_s = i <= 6 and 13 + 0.37 * i or math.huge
        one.to_s = one.from_s + 100
      end
      local w = build.line(3, { each = each,
        host = { also = addresses(list) } })
      serve(w, list, 170, seed, function(one, now_s)
        return now_s >= one.from_s and now_s < one.to_s
      end)
      for i, one in ipairs(list) do
        local what, longest = ("seed %d, target %d"):format(seed, i),
          longest_round(one)
        check.equal(longest < longest_s, true,
          ("%s: a round of %.1f s"):format(what, longest))
        if i <= 6 then
          check_gone(one, 2 * longest_s + EVERY_S, what)
        end
      end
    end
  end)
end

local function beside(address, fields)
  fields.address, fields.link = address, { delay_ms = 1 }
  return fields
end

-- Three routers side by side at TTL 2, two of which rate-limit, and one that
-- never replies: there is always a sample, and always a hop that waits for its
-- tokens. Neither may wait for the other without end.
check.case("samples_and_silent_hops_share_tokens", function()
  for seed = 1, RUNS do
    local list = targets(24)
    local w = build.line(3, { host = { also = addresses(list) },
      nodes = { a = beside("10.1.0.1", { rate_limit = "linux4" }),
        b = beside("10.1.1.1", { rate_limit = "linux4" }),
        c = beside("10.1.2.1", { answers = 0 }) },
      path = { "r1", { balance = "destination", { "a" }, { "b" }, { "c" } },
        "r3", "host" } })
    serve(w, list, 300, seed, function() return false end)
    for i, one in ipairs(list) do
      local what = ("seed %d, target %d: %d rounds of up to %.1f s"):format(
        seed, i, #one.rounds, longest_round(one))
      check.equal({ #one.rounds >= 4, longest_round(one) < 90 },
        { true, true }, what)
    end
  end
end)

-- Real loss before many targets: among their many bursts of tests some look as
-- if the bucket of a router were empty. No router rate-limits for that, and no
-- round waits.
for loss, most_s in pairs { [0.3] = 6, [0.5] = 20 } do
  local name = ("loss_of_%d_percent_before_many_targets_is_no_rate_limit")
    :format(loss * 100)
  check.case(name, function()
    local rows, limited, lost, sent = 0, 0, 0, 0
    for seed = 1, RUNS do
      local list = targets(40)
      local w = build.line(6, { host = { also = addresses(list) },
        link = { delay_ms = 0.05 },
        nodes = { r5 = { link = { delay_ms = 0.05, loss_forward = loss } } } })
      serve(w, list, 20, seed, function() return false end)
      for i, one in ipairs(list) do
        local longest = longest_round(one)
        check.equal(longest < most_s, true, ("seed %d, target %d: a round of "
          .. "%.1f s"):format(seed, i, longest))
        for _, round in ipairs(one.rounds) do
          for ttl = 5, #round.result.hops do
            local hop = round.result.hops[ttl]
            rows = rows + 1
            limited = limited + (hop.rate_limit and 1 or 0)
            sent, lost = sent + hop.sent, lost + hop.sent - hop.received
          end
        end
      end
    end
    check.equal(limited <= rows * 0.005, true,
      ("%d of %d rows called rate-limiting"):format(limited, rows))
    check.equal(math.abs(lost / sent - loss) < 0.01, true,
      ("%.1f %% lost"):format(100 * lost / sent))
  end)
end

check.finish()
