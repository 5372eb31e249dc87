-- SPDX-License-Identifier: BSD-2-Clause
-- What whole runs of the engine must not say: late replies are neither loss
-- nor rate limiting, and loss on one branch is no rate limit of the hops
-- beyond it.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"
local driver = require "sim.driver"
local verdict = require "mtrtrace.verdict.trace"

local RUNS = 12

local LATE = {
  { name = "late_replies_of_a_hop", who = "r3", packets = 10 },
  { name = "late_replies_of_a_hop_in_a_longer_run", who = "r3",
    packets = 30 },
  { name = "late_replies_of_the_target", who = "host", packets = 10 },
  { name = "late_replies_of_the_target_in_a_longer_run", who = "host",
    packets = 30 },
}
check.rows(LATE, function(row)
  local world = build.line(5, { nodes = {
    [row.who] = { late = { share = 0.3, delay_ms = 1500 } } } })
  for seed = 1, RUNS do
    local result = verdict.judge(driver.trace(world,
      { packets = row.packets, max_hops = 8 }, { seed = seed }))
    for ttl, hop in ipairs(result.hops) do
      check.equal({ hop.received, hop.rate_limited }, { hop.sent, nil },
        ("seed %d, hop %d"):format(seed, ttl))
    end
    for _, v in ipairs(result.verdicts) do
      check.equal(v.kind ~= "loss" and v.kind ~= "rate_limited", true,
        ("seed %d: %s"):format(seed, v.text))
    end
  end
end)

-- 1.2 s are the survey before the sample, 2 s the grace of its last probe.
check.case("lost_probes_cost_a_second_at_most", function()
  local world = build.line(3, { nodes = {
    r2 = { link = { delay_ms = 1, loss_forward = 0.3 } } } })
  for seed = 1, RUNS do
    local result = driver.trace(world, { packets = 10, max_hops = 6,
      interval = 1.1 }, { seed = seed })
    check.equal(result.elapsed_s < 9 * 1.1 + 3.3, true,
      ("seed %d: %.2f s"):format(seed, result.elapsed_s))
  end
end)

local function branches()
  local nodes = {}
  for i = 1, 3 do
    nodes["a" .. i] = { address = "10.64.0." .. i,
      link = { delay_ms = 1, loss_forward = i == 2 and 0.3 or nil } }
  end
  return build.line(5, { nodes = nodes, path = { "r1", "r2",
    { balance = "flow", { "a1" }, { "a2" }, { "a3" } }, "r3", "r4", "r5",
    "host" } })
end

check.case("loss_on_one_branch_is_one_verdict_and_no_rate_limit", function()
  for seed = 1, 4 do
    local result = core.run(branches(), { flows = 12, packets = 60 },
      { seed = seed })
    for _, v in ipairs(result.verdicts) do
      check.equal(v.kind == "branch_loss" or v.kind == "balanced_per_flow",
        true, ("seed %d: %s"):format(seed, v.text))
      if v.kind == "branch_loss" then
        check.equal({ v.hop, v.address }, { 3, "10.64.0.2" })
      end
    end
    check.equal(result.verdicts[1].kind, "branch_loss", tostring(seed))
  end
end)

check.finish()
