-- SPDX-License-Identifier: BSD-2-Clause
-- How long a trace takes where routers rate-limit their answers, and that no
-- loss is shown that is not there. All in virtual time. Of the 14.5 s of ten
-- packets one is the initial sample, two are the burst tests, one is the
-- unsampled probe ahead of the paced sample.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"

local LINUX = { rate_limit = "linux4" }
local EMPTY = { rate_limit = { preset = "linux4", start = "empty" } }
local RATE_LIMITED_HOST = { rate_limit = "linux4" }

local function assert_clean(result, packets, hops, where)
  check.equal(result.ending, "reached", where .. "ending")
  check.equal(#result.hops, hops, where .. "hops")
  for _, hop in ipairs(result.hops) do
    local what = where .. "hop " .. hop.ttl
    check.equal({ hop.sent, hop.received }, { packets, packets }, what)
    check.equal(hop.loss, 0.0, what .. " loss")
  end
end

local function assert_time(elapsed_s, limit_s, where)
  if elapsed_s > limit_s then
    error(("%stook %.2f s, want at most %.2f s"):format(where, elapsed_s,
      limit_s), 0)
  end
end

local function one(row)
  for seed = 1, row.seeds or 5 do
    local world = build.line(8, row.world)
    local options = row.trace or {}
    local result, t = driver.trace(world, options, { seed = seed })
    local where = ("seed %d: "):format(seed)
    assert_clean(result, options.packets or 10, 9, where)
    assert_time(t.elapsed_s, row.limit_s, where)
  end
end

check.rows({
  { name = "without_rate_limiting_a_trace_takes_a_second", world = {},
    limit_s = 1.2 },
  { name = "without_rate_limiting_udp", world = {},
    trace = { protocol = "udp" },
    limit_s = 1.2 },
  { name = "without_rate_limiting_tcp_over_ipv6", world = { version = 6 },
    trace = { protocol = "tcp" }, limit_s = 1.2 },
  { name = "linux_routers_with_full_buckets", world = { each = LINUX },
    limit_s = 14.6 },
  { name = "linux_routers_with_empty_buckets", world = { each = EMPTY },
    limit_s = 14.8 },
  { name = "five_packets_with_full_buckets", world = { each = LINUX },
    trace = { packets = 5 }, limit_s = 9 },
  { name = "five_packets_with_empty_buckets", world = { each = EMPTY },
    trace = { packets = 5 }, limit_s = 9 },
  { name = "rate_limited_udp_destination_with_nothing_behind",
    world = { each = LINUX, host = RATE_LIMITED_HOST },
    trace = { protocol = "udp" }, limit_s = 14.7 },
  { name = "rate_limited_udp_destination_with_empty_bucket",
    world = { each = EMPTY, host = EMPTY },
    trace = { protocol = "udp" }, limit_s = 15.7 },
  { name = "five_packets_to_a_rate_limited_udp_destination",
    world = { each = LINUX, host = RATE_LIMITED_HOST },
    trace = { protocol = "udp", packets = 5 }, limit_s = 9 },
  { name = "only_one_router_rate_limits",
    world = { nodes = { r4 = LINUX } }, limit_s = 14.6 },
  { name = "jitter_and_long_links_change_nothing",
    world = { each = LINUX, link = { delay_ms = { base_ms = 10,
      jitter_ms = 2 } } }, limit_s = 15 },
}, one)

-- Both draw on the routers' one bucket for our address. Measuring how fast it
-- refills takes a burst more where the other's tests went between, two more
-- where they had left it empty.
local function two(row)
  for seed = 1, 3 do
    local world = build.line(8, row.world)
    local first = driver.options(world, seed, row.trace)
    local second = driver.options(world, seed + 1000, row.trace)
    second.at_s = row.second_at_s
    if second.protocol then -- a flow of its own, as two targets would be
      second.source_port = 40000
    end
    local both = driver.run(world, { first, second }, { seed = seed })
    for i, t in ipairs(both) do
      local where = ("seed %d, trace %d: "):format(seed, i)
      assert_clean(t.result, 10, 9, where)
      assert_time(t.elapsed_s, row.limit_s, where)
    end
  end
end

check.rows({
  { name = "two_traces_at_once_through_linux_routers",
    world = { each = LINUX }, limit_s = 15.7 },
  -- One trace gets every token at first and leaves the other one slot.
  { name = "two_traces_at_once_with_empty_buckets",
    world = { each = EMPTY }, limit_s = 15.9 },
  { name = "two_udp_traces_at_once_to_a_rate_limited_destination",
    world = { each = LINUX, host = RATE_LIMITED_HOST },
    trace = { protocol = "udp" }, limit_s = 15.8 },
  { name = "second_trace_half_a_second_later", world = { each = LINUX },
    second_at_s = 0.5, limit_s = 16.6 },
  { name = "second_trace_five_seconds_later", world = { each = LINUX },
    second_at_s = 5, limit_s = 15.6 },
  { name = "two_traces_without_rate_limiting", world = {}, limit_s = 1.2 },
}, two)

check.finish()
