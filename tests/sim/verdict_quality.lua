-- SPDX-License-Identifier: BSD-2-Clause
-- Prints the quality of the verdicts, measured over simulated paths, and
-- fails where a limit is broken:
--
--   tests/lua lua5.4 tests/sim/verdict_quality.lua [WORLDS [SEED]]
local drops = require "sim.drop_questions"
local questions = require "sim.verdict_questions"

local WORLDS = math.tointeger(tonumber(arg[1] or 5000))
local SEED = math.tointeger(tonumber(arg[2] or 1))

-- What is counted, of what (of all worlds where nil), at most or at least.
local FIGURES = {
  { question = "false_loss", packets = 60, share = "wrong", most = 1,
    about = "loss claimed where there is none" },
  { question = "false_loss", packets = 10, share = "wrong", most = 1,
    about = "loss claimed where there is none" },
  { question = "false_rate_limited", packets = 60, share = "wrong", most = 1,
    about = "rate limit claimed where there is loss only" },
  { question = "false_rate_limited", packets = 10, share = "wrong", most = 1,
    about = "rate limit claimed where there is loss only" },
  { question = "five_percent", packets = 60, share = "likeliest",
    least = 85, about = "5 % at one of hops 4 to 8: that hop named" },
  { question = "five_percent", packets = 60, share = "alone",
    about = "the same, and no other hop possible" },
  { question = "five_percent", packets = 60, share = "contained",
    of = "found", least = 97, about = "the same: where found, in the range" },
  { question = "anywhere", packets = 60, share = "contained", of = "found",
    least = 97, about = "1 to 30 % at any hop: where found, in the range" },
  { question = "anywhere", packets = 60, share = "found",
    about = "the same: found" },
  { question = "anywhere", packets = 10, share = "contained", of = "found",
    least = 97, about = "1 to 30 % at any hop: where found, in the range" },
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

print("power: loss from hop 4 on, up to two hops rate-limited; a verdict, "
  .. "hop 4 named, hop 4 in the range")
for _, row in ipairs { { 5 }, { 10 }, { 20, least = 97 } } do
  for _, packets in ipairs { 10, 30, 60 } do
    local c = count("power_" .. row[1], packets)
    local named = 100 * c.likeliest / WORLDS
    broken = broken or packets == 60 and named < (row.least or 0)
      or 100 * c.contained / c.found < 97
    print(("%3d packets  %2d %%  %6.2f %%  %6.2f %%  %6.2f %%"):format(
      packets, row[1], 100 * c.found / WORLDS, named,
      100 * c.contained / c.found))
  end
end

-- Where the target drops replies, too, the counts are nearly those of a path
-- that loses: no limit, but a figure.
print("\n1 to 7 hops that drop replies, no loss on the path: loss claimed, %")
local PACKETS, EACH = { 10, 30, 60, 100 }, math.max(1, WORLDS // 5)
for _, target in ipairs(drops.TARGETS) do
  for _, mix in ipairs(drops.MIXES) do
    local line = ("target %-6s  %-9s"):format(target, mix)
    for _, packets in ipairs(PACKETS) do
      local share = 100 / EACH
        * drops.false_loss(mix, target, EACH, packets, SEED)
      broken = broken or
        (target == "clean" or target == "silent") and share > 1
      line = ("%s  %3d packets %5.2f"):format(line, packets, share)
    end
    print(line)
  end
end
os.exit(not broken)
