-- SPDX-License-Identifier: BSD-2-Clause
--- Quality of the verdicts on loss and on rate limiting: random paths with
-- known properties, and the share of correct verdicts. Seeded; no clock.
-- @module sim.verdict_questions
local verdict = require "mtrtrace.verdict.trace"
local worlds = require "sim.verdict_worlds"

local M = {}

local HOPS = 12

-- Makes some of the routers so: `key` set to `value()`, never at `spare`.
local function afflict(world, count, key, value, spare)
  for _ = 1, count do
    local ttl = world.random:whole(1, HOPS - 1)
    if ttl ~= spare then
      world.routers[ttl][key] = value()
    end
  end
end

local function new(random, packets)
  local world = { random = random, packets = packets, routers = {} }
  for ttl = 1, HOPS do
    world.routers[ttl] = {}
  end
  return world
end

local function rate_limit(world, least, most, spare)
  afflict(world, world.random:whole(least, most), "bucket",
    function() return world.random:one(worlds.BUCKETS) end, spare)
end

-- Everything that is not loss: rate-limits, silence, answers withheld.
local function trouble(world, spare)
  local random = world.random
  rate_limit(world, 0, 5, spare)
  afflict(world, random:whole(0, 2), "silent",
    function() return true end, spare)
  afflict(world, random:whole(0, 1), "withholds",
    function() return 0.02 + 0.48 * random:share() end, spare)
end

local function lose(world, ttl, share)
  world.routers[ttl].loss = share
end

local function of_kind(world, kind)
  local list = {}
  for _, v in ipairs(verdict.judge(worlds.trace(world)).verdicts) do
    list[#list + 1] = v.kind == kind and v or nil
  end
  return list
end

-- No loss anywhere, but for 1 probe in 1,000 in half of the worlds.
local function clean(world, random)
  trouble(world)
  if random:share() < 0.2 then
    world.routers[HOPS].silent = true
  end
  if random:share() < 0.5 then
    lose(world, random:whole(1, HOPS), 0.001)
  end
  return { wrong = #of_kind(world, "loss") > 0 }
end

-- Loss of up to 40 %, nobody rate-limits.
local function unlimited(world, random)
  lose(world, random:whole(1, HOPS), 0.4 * random:share())
  afflict(world, random:whole(0, 1), "withholds",
    function() return 0.5 * random:share() end)
  return { wrong = #of_kind(world, "rate_limited") > 0 }
end

-- What the verdicts on loss say of the hop at which it begins.
local function located(world, truth)
  local list = of_kind(world, "loss")
  local seen = { found = #list > 0 }
  for _, v in ipairs(list) do
    local from, to = v.from or v.hop, v.to or v.hop
    if from <= truth and truth <= to then
      seen.contained = true
      seen.likeliest = v.hop == truth
      seen.alone = v.hop == truth and from == to
    end
  end
  return seen
end

local function five_percent(world, random)
  local truth = random:whole(4, 8)
  lose(world, truth, 0.05)
  rate_limit(world, 1, 4, truth)
  return located(world, truth)
end

-- Loss from hop 4 on, and up to two hops that limit their replies.
local function from_hop_4(share)
  return function(world)
    lose(world, 4, share)
    rate_limit(world, 0, 2, 4)
    return located(world, 4)
  end
end

-- As bad as may be: 1 to 30 % at any hop, and all that is not loss.
local function anywhere(world, random)
  local truth = random:whole(1, HOPS)
  lose(world, truth, 0.01 * 30 ^ random:share())
  trouble(world)
  return located(world, truth)
end

--- What can be asked.
M.QUESTIONS = {
  false_loss = clean, false_rate_limited = unlimited,
  five_percent = five_percent, anywhere = anywhere,
  power_5 = from_hop_4(0.05), power_10 = from_hop_4(0.1),
  power_20 = from_hop_4(0.2),
}

--- Asks a question of many worlds.
-- @tparam string question a key of QUESTIONS
-- @tparam integer count of worlds
-- @tparam integer packets per hop
-- @tparam integer seed not 0
-- @treturn table how often each was so: `wrong`, of the false ones; else
--   `found`, `contained` (the range has the hop), `likeliest` (the hop is
--   the one that is named), `alone` (and no other is possible)
function M.count(question, count, packets, seed)
  local random = worlds.random(seed)
  local sums = setmetatable({}, { __index = function() return 0 end })
  for _ = 1, count do
    local seen = M.QUESTIONS[question](new(random, packets), random)
    for key, is_so in pairs(seen) do
      sums[key] = sums[key] + (is_so and 1 or 0)
    end
  end
  return sums
end

return M
