-- SPDX-License-Identifier: BSD-2-Clause
-- UDP to several addresses at one place: of one host, whose rate limit knows
-- the prober alone, or of hosts of their own. What the addresses of one host
-- lose to each other is called loss of none.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local marks = require "mtrtrace.table.marks"
local notes = require "mtrtrace.table.notes"
local verdict = require "mtrtrace.verdict.trace"

local COUNT, ROUTERS, SEEDS = 8, 2, tonumber(arg[1]) or 2

local function targets()
  local list = {}
  for i = 1, COUNT do
    list[i] = ("10.9.1.%d"):format(i)
  end
  return list
end

local function world(limit, more)
  local host = { also = targets(), rate_limit = limit }
  for key, value in pairs(more or {}) do
    host[key] = value
  end
  return build.line(ROUTERS, { host = host })
end

-- Traces to all addresses, one begun after the other.
local function start(w, seed, apart_s, more)
  local sim = driver.new(w, { seed = seed, limit_s = 3000 })
  for i, target in ipairs(targets()) do
    local options = driver.options(w, seed * 100 + i, { target = target,
      protocol = "udp", packets = 10, max_hops = 8, at_s = (i - 1) * apart_s })
    for key, value in pairs(more or {}) do
      options[key] = value
    end
    sim.traces[i] = driver.start(sim.pace, options)
  end
  return sim
end

local function results(sim)
  local list = {}
  for i, t in ipairs(sim.traces) do
    list[i] = verdict.judge(t.engine:result())
    list[i].took_s = (t.ended_ns - t.at_ns) / 1e9
    t.engine:close()
  end
  return list
end

local function run(...)
  local sim = start(...)
  driver.advance(sim)
  return results(sim)
end

local function explains(result)
  return table.concat(notes.list(result), " "):find("one host", 1, true) ~= nil
end

-- What is lost at the target is marked, explained, and no verdict.
local function assert_honest(result, name)
  local hop = result.hops[ROUTERS + 1]
  check.equal(hop ~= nil, true, name .. ": the target's row")
  local missing = hop.received < hop.sent or not result.reached
  check.equal(marks.of(hop):find("?", 1, true) ~= nil, missing,
    name .. ": the mark")
  check.equal(explains(result), missing, name .. ": the line")
  for _, v in ipairs(result.verdicts) do
    check.equal(v.lost, nil, name .. ": " .. v.text)
  end
  return missing
end

-- Buckets of one token, Linux' six and fifty.
local LIMITS = { one = { burst = 1, every_ms = 1000 }, linux = "linux4",
  fifty = { burst = 50, every_ms = 1000 } }

for name, limit in pairs(LIMITS) do
  check.case("one_host_with_eight_addresses_" .. name, function()
    local lost = 0
    for _, more in ipairs { {}, { interval = 1.05 }, { packets = 30 } } do
      for _, apart_s in ipairs { 0, 0.05, 0.3, 1, 3, 8 } do
        for seed = 1, SEEDS do
          for i, result in ipairs(run(world(limit), seed, apart_s, more)) do
            lost = lost + (assert_honest(result, ("%g s apart, seed %d, "
              .. "target %d"):format(apart_s, seed, i)) and 1 or 0)
          end
        end
      end
    end
    check.equal(lost > 0, true, "the case shows nothing")
  end)
end

-- Losses at the target as they are known so far.
local function assert_honest_so_far(t, name)
  local result = verdict.judge(t.engine:result())
  local hop = result.hops[ROUTERS + 1]
  if hop and #hop.responders > 0 and hop.received < hop.sent then
    check.equal(marks.of(hop):find("[?u]") ~= nil, true, name)
  end
  for _, v in ipairs(result.verdicts) do
    check.equal(v.lost, nil, name .. ": " .. v.text)
  end
end

check.case("stopped_at_any_moment_nothing_is_lost_without_a_mark", function()
  for _, apart_s in ipairs { 0, 0.3, 3 } do
    local sim = start(world("linux4"), 1, apart_s)
    for tenths = 2, 700, 6 do
      driver.advance(sim, tenths * 100000000)
      for i, t in ipairs(sim.traces) do
        if t.at_ns < sim.now_ns then
          assert_honest_so_far(t, ("%g s apart, target %d at %.1f s"):format(
            apart_s, i, tenths / 10))
        end
      end
    end
  end
end)

-- As Nmap's host groups do.
check.case("addresses_of_one_host_traced_in_two_groups", function()
  local w = world("linux4")
  for _, pause_s in ipairs { 0, 2 } do
    local sim = start(w, 1, 0)
    local all = sim.traces
    for from = 1, COUNT, COUNT // 2 do
      sim.traces = {}
      for i = from, from + COUNT // 2 - 1 do
        all[i].at_ns = sim.now_ns
        sim.traces[#sim.traces + 1] = all[i]
      end
      driver.advance(sim)
      for _, t in ipairs(sim.traces) do
        sim.now_ns = math.max(sim.now_ns, t.ended_ns + pause_s * 1000000000)
      end
    end
    sim.traces = all
    for i, result in ipairs(results(sim)) do
      assert_honest(result, ("%d s, target %d"):format(pause_s, i))
    end
  end
end)

check.case("eight_hosts_with_a_bucket_each_are_fast_and_unmarked", function()
  local own = { preset = "linux4", scope = "pair" }
  for _, apart_s in ipairs { 0, 0.3, 3 } do
    for seed = 1, SEEDS do
      for i, result in ipairs(run(world(own), seed, apart_s)) do
        local hop = result.hops[ROUTERS + 1]
        local name = ("%g s apart, seed %d, target %d"):format(apart_s,
          seed, i)
        check.equal({ hop.sent, hop.received, hop.shared_rate_limit,
          marks.of(hop) },
          { 10, 10, nil, " r" }, name)
        check.equal(explains(result), false, name)
        check.equal(result.took_s < 20, true,
          ("%s: %.1f s"):format(name, result.took_s))
      end
    end
  end
end)

-- No rate limit: what is lost is the path's, and is said to be.
-- At 36 % there and back a burst in four calls for another one: what ends
-- beside it waits for that.
check.case("loss_at_hosts_without_a_limit_has_no_mark", function()
  local found = 0
  for seed = 1, 4 do
    local w = world(nil, { link = { delay_ms = 1, loss = 0.2 } })
    for _, result in ipairs(run(w, seed, 0, { packets = 60 })) do
      local hop = result.hops[ROUTERS + 1]
      found = found + (hop.shared_rate_limit and 0 or 1)
    end
  end
  check.equal(found, 4 * COUNT, "without a mark")
end)

check.finish()
