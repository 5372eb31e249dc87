-- SPDX-License-Identifier: BSD-2-Clause
-- Groups of targets one after the other in one process, as Nmap has them: a
-- later group is done sooner by what the ones before have shown, and counts
-- and says the same as a process that traces it alone.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local verdict = require "mtrtrace.verdict.trace"

local ROUTERS, GROUP, APART_S = 7, 16, 30

local function targets()
  local list = {}
  for i = 1, 2 * GROUP do
    list[i] = ("10.9.1.%d"):format(i)
  end
  return list
end

local function world(limit)
  return build.line(ROUTERS, { host = { also = targets() },
    each = { rate_limit = limit }, link = { delay_ms = 2 } })
end

-- The traces of the second group, `at_s` after the process began; the first
-- group goes before where that is not at once.
local function second_group(limit, at_s)
  local w = world(limit)
  local sim = driver.new(w, { seed = 1, limit_s = 3000 })
  for i, target in ipairs(targets()) do
    local late = i > GROUP
    if late or at_s > 0 then
      sim.traces[#sim.traces + 1] = driver.start(sim.pace, driver.options(w, i,
        { target = target, at_s = late and at_s or 0 }))
    end
  end
  driver.advance(sim)
  local list = {}
  for _, t in ipairs(sim.traces) do
    list[#list + 1] = t.at_ns == at_s * 1000000000 and t or nil
  end
  return list
end

-- What a trace has counted and says, as text; and how long it took.
local function outcome(t)
  local result = verdict.judge(t.engine:result())
  t.engine:close()
  local out = { tostring(result.reached), result.target_ttl }
  for _, hop in ipairs(result.hops) do
    out[#out + 1] = ("%d %d/%d %s %s"):format(hop.ttl, hop.received, hop.sent,
      hop.loss, tostring(hop.rate_limit ~= nil))
    for _, responder in ipairs(hop.responders) do
      out[#out + 1] = ("%s %d %.3f"):format(responder.address,
        responder.received, responder.avg_ms)
    end
  end
  for _, v in ipairs(result.verdicts) do
    -- It has the numbers of the sample that was replaced: a later trace, which
    -- knows the rate limit from the start, has none.
    if v.kind ~= "rate_limited" then
      out[#out + 1] = v.kind .. " " .. tostring(v.hop)
    end
  end
  return table.concat(out, "\n"), (t.ended_ns - t.at_ns) / 1e9
end

local function outcomes(list)
  local texts, longest, tests = {}, 0, 0
  for i, t in ipairs(list) do
    local took
    texts[i], took = outcome(t)
    longest, tests = math.max(longest, took), tests + t.probes
  end
  return texts, longest, tests
end

local function compare(limit)
  local alone, alone_s, alone_probes = outcomes(second_group(limit, 0))
  local later, later_s, later_probes = outcomes(second_group(limit, APART_S))
  check.equal(#alone, GROUP)
  for i = 1, GROUP do
    check.equal(later[i], alone[i], "trace " .. i)
  end
  return alone_s, later_s, alone_probes, later_probes
end

check.case("a_later_group_waits_for_one_burst_test_not_four", function()
  local alone_s, later_s, alone_probes, later_probes = compare(nil)
  check.equal(later_s < 1.02, true, ("%.3f s"):format(later_s))
  check.equal(alone_s - later_s > 0.1, true,
    ("%.3f s alone, %.3f s later"):format(alone_s, later_s))
  check.equal(later_probes < alone_probes, true,
    ("%d probes alone, %d later"):format(alone_probes, later_probes))
end)

check.case("a_later_group_counts_the_same_where_routers_rate_limit", function()
  local alone_s, later_s = compare("linux4")
  check.equal(later_s <= alone_s, true,
    ("%.3f s alone, %.3f s later"):format(alone_s, later_s))
end)

check.finish()
