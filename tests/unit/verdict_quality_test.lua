-- SPDX-License-Identifier: BSD-2-Clause
-- Limits on wrong verdicts, over a few simulated paths;
-- tests/sim/verdict_quality.lua measures many.
local check = require "check"
local drops = require "sim.drop_questions"
local questions = require "sim.verdict_questions"

local WORLDS, SEED = 1000, 2026
local FEW = 200 -- where loss is to be found, which takes longer

local function at_most(share, limit)
  if share ~= share or share > limit then
    error(("%.4f is over %.2f"):format(share, limit), 0)
  end
end

local FALSE = {
  { name = "false_loss_in_clean_worlds_with_60_packets",
    question = "false_loss", packets = 60 },
  { name = "false_loss_in_clean_worlds_with_10_packets",
    question = "false_loss", packets = 10 },
  { name = "false_rate_limit_in_lossy_worlds_with_60_packets",
    question = "false_rate_limited", packets = 60 },
  { name = "false_rate_limit_in_lossy_worlds_with_10_packets",
    question = "false_rate_limited", packets = 10 },
}
check.rows(FALSE, function(row)
  local counts = questions.count(row.question, WORLDS, row.packets, SEED)
  at_most(counts.wrong / WORLDS, 0.01)
end)

-- With few worlds a limit of 1 % must allow for chance; the bench has enough
-- worlds.
check.case("hops_that_drop_replies_are_no_loss", function()
  for _, mix in ipairs(drops.MIXES) do
    for i, packets in ipairs { 10, 60 } do
      for _, target in ipairs { "clean", "silent" } do
        local wrong = drops.false_loss(mix, target, 40, packets, SEED + i)
        check.equal(wrong <= 2, true, ("%s, %s target, %d packets: %d of 40")
          :format(mix, target, packets, wrong))
      end
    end
  end
end)

check.case("twenty_percent_from_hop_4_is_named", function()
  local counts = questions.count("power_20", FEW, 60, SEED)
  at_most(0.97, counts.likeliest / FEW)
  at_most(0.97, counts.contained / counts.found)
end)

check.case("five_percent_of_loss_is_named_at_its_hop", function()
  local counts = questions.count("five_percent", FEW, 60, SEED)
  at_most(0.80, counts.likeliest / FEW)
  at_most(0.97, counts.contained / counts.found)
end)

check.case("range_has_the_hop_wherever_loss_is_found", function()
  local counts = questions.count("anywhere", FEW, 60, SEED)
  at_most(0.5, counts.found / FEW)
  at_most(0.97, counts.contained / counts.found)
end)

check.case("one_seed_gives_one_answer", function()
  local a = questions.count("anywhere", 20, 60, SEED)
  local b = questions.count("anywhere", 20, 60, SEED)
  check.equal({ a.found, a.contained }, { b.found, b.contained })
end)

check.finish()
