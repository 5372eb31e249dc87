-- SPDX-License-Identifier: BSD-2-Clause
-- Prints the quality of the verdicts, measured over simulated paths, and
-- fails where a limit is broken:
--
--   tests/lua lua5.4 tests/sim/verdict_quality.lua [WORLDS [SEED]]
local questions = require "sim.verdict_questions"

local WORLDS = math.tointeger(tonumber(arg[1] or 5000))
local SEED = math.tointeger(tonumber(arg[2] or 1))

-- What is counted, of what (of all worlds where nil), at most or at least.
local FIGURES = {
  { question = "false_loss", packets = 60, share = "wrong", most = 1,
    about = "loss claimed where there is none" },
  { question = "false_loss", packets = 10, share = "wrong", most = 1,
    about = "loss claimed where there is none" },
  { question = "false_rationed", packets = 60, share = "wrong", most = 1,
    about = "ration claimed where there is loss only" },
  { question = "false_rationed", packets = 10, share = "wrong", most = 1,
    about = "ration claimed where there is loss only" },
  { question = "five_percent", packets = 60, share = "likeliest",
    least = 85, about = "5 % at one of hops 4 to 8: that hop named" },
  { question = "five_percent", packets = 60, share = "alone",
    about = "the same, and no other hop possible" },
  { question = "five_percent", packets = 60, share = "contained",
    of = "found", least = 95, about = "the same: where found, in the range" },
  { question = "anywhere", packets = 60, share = "contained", of = "found",
    least = 95, about = "1 to 30 % at any hop: where found, in the range" },
  { question = "anywhere", packets = 60, share = "found",
    about = "the same: found" },
  { question = "anywhere", packets = 10, share = "contained", of = "found",
    about = "1 to 30 % at any hop: where found, in the range" },
  { question = "anywhere", packets = 10, share = "found",
    about = "the same: found" },
}

local counted = {}

local function count(question, packets)
  local key = question .. packets
  counted[key] = counted[key]
    or questions.count(question, WORLDS, packets, SEED)
  return counted[key]
end

local function limit_of(figure)
  if figure.most then
    return (" (at most %d %%)"):format(figure.most)
  end
  return figure.least and (" (at least %d %%)"):format(figure.least) or ""
end

local broken = false
print(("verdicts over %d paths of 12 hops, seed %d"):format(WORLDS, SEED))
for _, figure in ipairs(FIGURES) do
  local counts = count(figure.question, figure.packets)
  local of = figure.of and counts[figure.of] or WORLDS
  local share = 100 * counts[figure.share] / of
  broken = broken or share > (figure.most or 100)
    or share < (figure.least or 0)
  print(("%3d packets  %-50s %6.2f %%%s"):format(figure.packets,
    figure.about, share, limit_of(figure)))
end
os.exit(not broken)
