-- SPDX-License-Identifier: BSD-2-Clause
--- Made-up paths with a known truth, and what the engine would count on
-- them: the accounting rule of the design, section 6, over independent loss
-- and token buckets. Much faster than the engine in the simulation, and
-- blind to all that is not counting. Seeded; no clock.
-- @module sim.verdict_worlds
local loss = require "mtrtrace.base.proportion"

local M = {}

local INTERVAL_S, REST_S = 0.1, 1.2

-- Token buckets: what they hold, and seconds until one token is back.
M.BUCKETS = {
  { size = 6, refill = 1 }, -- Linux, IPv4
  { size = 6, refill = 0.25 }, -- Linux, IPv6, by route
  { size = 10, refill = 0.1 }, -- Linux, IPv6, newest; Solaris, HP
  { size = 1, refill = 1 }, -- Cisco IOS XR
  { size = 10, refill = 1 },
}

--- When a second trace of `packets` probes per hop, begun at `from`, sends to
-- a router that limits its replies: a sample, two bursts, and a sample at
-- 1.05 s.
-- @tparam integer packets
-- @tparam number from seconds
-- @treturn {number,...}
function M.second_trace(packets, from)
  local times = {}
  local function send(count, at, sample_interval_s)
    for i = 0, count - 1 do
      times[#times + 1] = at + i * sample_interval_s
    end
  end
  local tests = from + packets * INTERVAL_S
  send(packets, from, INTERVAL_S)
  send(12, tests, 0)
  send(16, tests + REST_S, 0)
  send(packets, tests + REST_S + 1.05, 1.05)
  return times
end

--- A bucket slower than any pace of ours: one reply in two seconds.
M.SLOW = { size = 6, refill = 2 }

local Random = {}
Random.__index = Random

--- A source of random numbers that is the same in every Lua.
-- @tparam integer seed not 0
-- @treturn table
function M.random(seed)
  return setmetatable({ state = seed * 0x9E3779B97F4A7C15 }, Random)
end

--- A number from 0 to below 1.
-- @treturn number
function Random:share()
  local x = self.state
  x = x ~ x << 13
  x = x ~ x >> 7
  x = x ~ x << 17
  self.state = x
  return (x >> 11) / (1 << 53)
end

--- A whole number.
-- @tparam integer low
-- @tparam integer high
-- @treturn integer
function Random:whole(low, high)
  return low + math.floor(self:share() * (high - low + 1))
end

--- One of a list.
-- @tparam table list
-- @return one of it
function Random:one(list)
  return list[self:whole(1, #list)]
end

-- Another program on this host, or another host behind the same address, that
-- traces the same routers: what it sends takes tokens, too. `foreign` is
-- { at = times at which its probes arrive, rising, next = 1 }.
local function take_foreign(bucket, now)
  local foreign = bucket.foreign
  while foreign and foreign.at[foreign.next]
    and foreign.at[foreign.next] <= now do
    local at = foreign.at[foreign.next]
    bucket.tokens = math.min(bucket.size,
      bucket.tokens + (at - bucket.at) / bucket.refill)
    bucket.at = at
    bucket.tokens = bucket.tokens - (bucket.tokens >= 1 and 1 or 0)
    foreign.next = foreign.next + 1
  end
end

local function take(bucket, now)
  take_foreign(bucket, now)
  bucket.tokens = math.min(bucket.size,
    bucket.tokens + (now - bucket.at) / bucket.refill)
  bucket.at = now
  if bucket.tokens < 1 then
    return false
  end
  bucket.tokens = bucket.tokens - 1
  return true
end

-- One probe to a hop: lost on the way or not answered by choice, or over
-- the rate limit.
local function probe(world, router, way, now)
  if router.silent or world.random:share() < way then
    return false
  elseif router.bucket and not take(router.bucket, now) then
    return false
  end
  return world.random:share() >= (router.withholds or 0)
end

local function sample(world, router, way, from, sample_interval_s)
  local lost = {}
  for i = 1, world.packets do
    if not probe(world, router, way, from + (i - 1) * sample_interval_s) then
      lost[#lost + 1] = i
    end
  end
  return lost
end

local function burst(world, router, way, now, length)
  local answered = 0
  for _ = 1, length do
    answered = answered + (probe(world, router, way, now) and 1 or 0)
  end
  return answered
end

-- As cext/engine/hop.c judges two bursts: 12 probes right behind the sample,
-- 16 a second later where too many of these went unanswered.
local TESTS, PROOF = 12, 16

local function spacing_of(first, proof)
  if proof < 3 or first > TESTS - 3 then
    return 1.05
  end
  return math.max(0.1, 1.3 / (proof - 1))
end

-- The rate limit the engine would see, or nil.
local function tested(world, router, way, now)
  local first = burst(world, router, way, now, TESTS)
  if router.silent or TESTS - first < 3 then
    return nil
  end
  local proof = burst(world, router, way, now + REST_S, PROOF)
  if PROOF - proof < 5 or proof >= 6 and first + 1 >= proof then
    return nil
  end
  return { burst_sent = PROOF, burst_received = proof, shared = 0,
    sample_interval_s = spacing_of(first, proof) }
end

local function counted(world, router, way)
  if router.bucket then
    router.bucket = { size = router.bucket.size, at = 0,
      refill = router.bucket.refill,
      foreign = world.foreign and { at = world.foreign, next = 1 },
      tokens = world.random:share() * router.bucket.size }
  end
  local lost = sample(world, router, way, 0, INTERVAL_S)
  local now = world.packets * INTERVAL_S
  local rate_limit = tested(world, router, way, now)
  if rate_limit then
    rate_limit.initial_sent = world.packets
    rate_limit.initial_received = world.packets - #lost
    lost = sample(world, router, way,
      now + REST_S + rate_limit.sample_interval_s,
      rate_limit.sample_interval_s)
  end
  return lost, rate_limit
end

local function hop_of(world, ttl, way)
  local router = world.routers[ttl]
  local lost, rate_limit = counted(world, router, way)
  local n, silent = world.packets, router.silent or false
  local low, high = loss.wilson(#lost, n, loss.Z95)
  return {
    ttl = ttl, sent = n, received = n - #lost, lost = lost,
    rate_limit = rate_limit,
    loss = #lost / n, loss_low = low, loss_high = high, silent = silent,
    total_sent = n + 3, runs = {}, responders = silent and {} or {
      { address = "10.0.0." .. ttl, flow = 0, received = n - #lost,
        late = 0 },
    },
  }
end

--- What a trace of a world gives.
-- @tparam table world `random`, `packets`, `routers` from the first to the
--   target, each with `silent`, `bucket`, `withholds` (share of answers),
--   `loss` (share of probes lost on the link before it), or none of them
-- @treturn table as trace:result() gives it, as far as verdicts on loss and
--   on answers read it
function M.trace(world)
  local hops, through, last = {}, 1, 0
  for ttl, router in ipairs(world.routers) do
    through = through * (1 - (router.loss or 0))
    hops[ttl] = hop_of(world, ttl, 1 - through)
    last = #hops[ttl].responders > 0 and ttl or last
  end
  local reached = last == #hops
  return {
    hops = hops, first_hop = 1, reached = reached,
    ending = reached and "reached" or "silent",
    target_ttl = reached and #hops or nil, packets = world.packets,
  }
end

return M
