-- SPDX-License-Identifier: BSD-2-Clause
--- Hops that drop replies of their own (control-plane policing, rate limits
-- below any pace) on a path without loss: random mixes with known properties,
-- and the share of wrong loss verdicts. Seeded; no clock.
-- @module sim.drop_questions
local verdict = require "mtrtrace.verdict.trace"
local worlds = require "sim.verdict_worlds"

local M = {}

local MOST = 7 -- hops that drop replies

-- The shares that hops drop: one for all of a path, or one for each hop.
local function high(random)
  return random:one { 0.3, 0.5, 0.7 }
end

local function low(random)
  return 0.05 + 0.15 * random:share()
end

local function same(draw)
  return function(random)
    local share = draw(random)
    return function() return share end
  end
end

local function each(draw)
  return function(random)
    return function() return draw(random) end
  end
end

local function drops(share)
  return function(router) router.withholds = share end
end

local function answers_slowly(router)
  router.bucket = worlds.SLOW
end

local function is_linux(router)
  router.bucket = worlds.BUCKETS[1]
end

-- Mixes without a share: all routers drop for the same reason.
local REASONS = { slow = answers_slowly, two_traces = is_linux }

local SHARES = {
  same_high = same(high), each_high = each(high), same_low = same(low),
  each_low = each(low),
  mixed = each(function(random)
    return random:share() < 0.5 and high(random) or low(random)
  end),
}

--- Mixes of hops that drop replies.
M.MIXES = { "same_high", "each_high", "same_low", "each_low", "mixed",
  "slow", "two_traces" }

--- What the target does: "drops" where the hop before it does not, "alike"
-- where that may drop as many: the counts are then those of a path that
-- loses.
M.TARGETS = { "clean", "silent", "drops", "alike" }

-- `count` hops before the target, in a row or scattered.
local function places(random, hops, count)
  local set, placed = {}, 0
  if random:share() < 0.5 then
    local first = random:whole(1, hops - count)
    for ttl = first, first + count - 1 do
      set[ttl] = true
    end
    return set
  end
  while placed < count do
    local ttl = random:whole(1, hops - 1)
    placed = placed + (set[ttl] and 0 or 1)
    set[ttl] = true
  end
  return set
end

local function world_of(random, packets, mix, target)
  local count = random:whole(1, MOST)
  local hops = random:whole(count + 1, count + 6)
  local world = { random = random, packets = packets, routers = {} }
  local dropped = places(random, hops, count)
  local share = SHARES[mix] and SHARES[mix](random)
  world.foreign = mix == "two_traces" and worlds.second_trace(packets,
    8 * random:share()) or nil
  dropped[hops - 1] = target ~= "drops" and dropped[hops - 1] or nil
  for ttl = 1, hops do
    local router = {}
    world.routers[ttl] = router
    if dropped[ttl] then
      (share and drops(share()) or REASONS[mix])(router)
    elseif ttl < hops and random:share() < 0.2 then
      router.bucket = random:one(worlds.BUCKETS)
    end
  end
  world.routers[hops].silent = target == "silent" or nil
  world.routers[hops].withholds = (target == "drops" or target == "alike")
    and 0.05 + 0.25 * random:share() or nil
  if random:share() < 0.5 then
    world.routers[random:whole(1, hops)].loss = 0.001
  end
  return world
end

-- Replies that the target drops are missing on the round trip to it: a claim
-- is wrong if it leaves the target out.
local function wrong(v, world)
  local last = #world.routers
  return v.kind == "loss" and not (world.routers[last].withholds
    and (v.to or v.hop) == last)
end

--- Counts the worlds of a mix in which a verdict claims loss that is not
-- there.
-- @tparam string mix one of MIXES
-- @tparam string target one of TARGETS
-- @tparam integer count of worlds
-- @tparam integer packets per hop
-- @tparam integer seed not 0
-- @treturn integer
function M.false_loss(mix, target, count, packets, seed)
  local random, sum = worlds.random(seed), 0
  for _ = 1, count do
    local world = world_of(random, packets, mix, target)
    local result, is_wrong = verdict.judge(worlds.trace(world)), false
    for _, v in ipairs(result.verdicts) do
      is_wrong = is_wrong or wrong(v, world)
    end
    sum = sum + (is_wrong and 1 or 0)
  end
  return sum
end

return M
