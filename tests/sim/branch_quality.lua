-- SPDX-License-Identifier: BSD-2-Clause
-- Prints the quality of the verdicts on branches, measured over simulated
-- networks, and fails where a limit is broken:
--
--   tests/lua lua5.4 tests/sim/branch_quality.lua [WORLDS [SEED]]
local loss = require "mtrtrace.base.proportion"
local questions = require "sim.branch_questions"

local WORLDS = math.tointeger(tonumber(arg[1] or 1000))
local SEED = math.tointeger(tonumber(arg[2] or 1))

-- Question, loss or delay, counted key, `of`: the key of the total (nil: all
-- worlds), and the limit, `most` or `least`.
local FIGURES = {
  { "clean", 10, "loss", most = 1, about = "false loss of a branch" },
  { "clean", 10, "latency", most = 1, about = "false latency of a branch" },
  { "clean", 60, "loss", most = 1, about = "false loss of a branch" },
  { "clean", 60, "latency", most = 1, about = "false latency of a branch" },
  { "bursts", 10, "loss", most = 1, about = "the same under shared bursts" },
  { "bursts", 60, "loss", most = 1, about = "the same under shared bursts" },
  { "ten_percent", 10, "found", of = "total", about = "10 % found" },
  { "ten_percent", 60, "found", of = "total", least = 90,
    about = "10 % found" },
  { "ten_percent", 60, "branch", of = "found", least = 97,
    about = "the same: where found, the right branch" },
  { "any_loss", 60, "found", of = "total", about = "2 to 30 % found" },
  { "any_loss", 60, "branch", of = "found", least = 97,
    about = "the same: where found, the right branch" },
  { "any_loss", 60, "more", of = "found", most = 2,
    about = "the same: a second branch named" },
  { "delay", 10, "found", of = "total", least = 90, about = "20 ms found" },
  { "delay", 10, "branch", of = "found", least = 97,
    about = "the same: where found, the right branch" },
}

local counted = {}

local function count(question, packets)
  local key = question .. packets
  counted[key] = counted[key]
    or questions.count(question, WORLDS, packets, 16, SEED)
  return counted[key]
end

local broken = false
print(("branches of %d networks, 16 flows, seed %d"):format(WORLDS, SEED))
for _, figure in ipairs(FIGURES) do
  local counts = count(figure[1], figure[2])
  local n = figure.of and counts[figure.of] or WORLDS
  local k = counts[figure[3]]
  local low, high = loss.wilson(k, n, loss.Z95)
  broken = broken or 100 * k / n > (figure.most or 100)
    or 100 * k / n < (figure.least or 0)
  print(("%3d packets  %-42s %6.2f %% (%.2f-%.2f)%s"):format(figure[2],
    figure.about, 100 * k / n, 100 * low, 100 * high,
    figure.most and (" (at most %d %%)"):format(figure.most)
    or figure.least and (" (at least %d %%)"):format(figure.least) or ""))
end
os.exit(not broken)
