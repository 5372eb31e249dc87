-- SPDX-License-Identifier: BSD-2-Clause

--- Tests a pair of paths hop by hop: whether the loss, the latency and the
-- reachability of the target differ significantly and by a relevant amount.
-- Pure.
-- @module mtrtrace.diff.shifts
local align = require "mtrtrace.diff.align"
local stats = require "mtrtrace.diff.stats"

local M = {}

--- Probability that two runs of the same path are reported to differ, and
-- upper bound of the false discovery rate.
M.ALPHA = 0.01

-- Least relevant shift of latency: 1 ms; on a path shorter than 20 ms 5 % of
-- the RTT, but at least the jitter of scheduling and queues in a local
-- network.
local RELEVANT_MS, RELEVANT_SHARE, LEAST_MS = 1, 0.05, 0.1

-- Least relevant shift of loss: half a percentage point.
local RELEVANT_LOSS = 0.005

-- Least number of RTTs for a test.
local LEAST_VALUES = 4

--- Returns the least relevant difference of two RTTs.
-- @tparam number ms the shorter RTT
-- @treturn number ms
function M.margin(ms)
  return math.min(RELEVANT_MS, math.max(LEAST_MS, RELEVANT_SHARE * ms))
end

-- ---- loss -----------------------------------------------------------------

-- A loss period of at least this many probes that covers more than half of the
-- sample, like the loss of the whole sample, is a lasting state and no burst.
local LONG_BURST = 15

local function is_state(hop)
  return hop.longest ~= nil and (hop.received == 0
    or 2 * hop.longest > hop.sent and hop.longest >= LONG_BURST)
end

-- Returns the number of probes lost in bursts, and the number of bursts.
local function in_bursts(hop)
  local lost, periods = hop.sent - hop.received, hop.lost_periods
  if not periods or periods == 0 then
    return 0, 0
  elseif is_state(hop) then
    return lost - hop.longest, periods - 1
  end
  return lost, periods
end

local function spread_of(a, b)
  local lost_a, periods_a = in_bursts(a)
  local lost_b, periods_b = in_bursts(b)
  return stats.spread(lost_a + lost_b, a.received + b.received,
    periods_a + periods_b)
end

local function worth(count, spread)
  return math.floor(count / spread + 0.5)
end

-- Factors of variance between which the counts of several hops turn from
-- independent to common: a burst takes the probes of all hops at once, so more
-- hops add no evidence.
local INDEPENDENT, COMMON = 1.3, 2.3

local function of_all_hops(spread, count)
  local common = (spread - INDEPENDENT) / (COMMON - INDEPENDENT)
  return spread * (1 + (count - 1) * math.min(1, math.max(0, common)))
end

local function sums_of(pairs_of, first, left_out)
  local sum = { count = 0, spread = 1, lost_a = 0, sent_a = 0, lost_b = 0,
    sent_b = 0 }
  for i = first, #pairs_of do
    local a, b = pairs_of[i].before, pairs_of[i].after
    if i ~= left_out then
      sum.count = sum.count + 1
      sum.lost_a = sum.lost_a + a.sent - a.received
      sum.lost_b = sum.lost_b + b.sent - b.received
      sum.sent_a, sum.sent_b = sum.sent_a + a.sent, sum.sent_b + b.sent
      sum.spread = math.max(sum.spread, spread_of(a, b))
    end
  end
  sum.spread = of_all_hops(sum.spread, sum.count)
  return sum
end

local function chance_of(sum)
  return stats.fisher(worth(sum.lost_a, sum.spread),
    worth(sum.sent_a, sum.spread), worth(sum.lost_b, sum.spread),
    worth(sum.sent_b, sum.spread))
end

-- Significance level of the last hop, by the number of hops that agree with
-- it; see mtrtrace.base.changepoint.
local ALONE, AGREES, MOST_CHANCE = 0.01, 3, 0.27

-- Whether the difference does not rest on a single hop, and the last hop shows
-- it, too.
local function agree(pairs_of, first, rises)
  local last = sums_of(pairs_of, #pairs_of)
  local up = last.lost_b * last.sent_a > last.lost_a * last.sent_b
  local down = last.lost_b * last.sent_a < last.lost_a * last.sent_b
  if not (rises and up or not rises and down) or chance_of(last) / 2
    > math.min(MOST_CHANCE, ALONE * AGREES ^ (#pairs_of - first)) then
    return false
  end
  for i = first, first < #pairs_of and #pairs_of or 0 do
    if chance_of(sums_of(pairs_of, first, i)) > ALONE * AGREES then
      return false
    end
  end
  return true
end

-- Loss that begins at a hop persists to everything beyond it, so the counts
-- of all hops from there on are taken together.
local function loss_test(pairs_of, first)
  local sum = sums_of(pairs_of, first)
  local before, after = sum.lost_a / sum.sent_a, sum.lost_b / sum.sent_b
  return { what = "loss", test = "fisher", before = before, after = after,
    shift = after - before, lost_before = sum.lost_a,
    sent_before = sum.sent_a, lost_after = sum.lost_b,
    sent_after = sum.sent_b, pair = pairs_of[first],
    p = math.abs(after - before) >= RELEVANT_LOSS
      and agree(pairs_of, first, after > before) and chance_of(sum) or 1 }
end

-- Tests the loss of a single hop.
local function own_loss_test(pair)
  local test = loss_test({ pair }, 1)
  test.what = "hop_loss"
  local sum = sums_of({ pair }, 1)
  test.p = math.abs(test.shift) < RELEVANT_LOSS and 1 or chance_of(sum)
  return test
end

-- ---- latency --------------------------------------------------------------

local function count_of(responder)
  return responder.samples and #responder.samples or responder.received
end

-- Returns the responder in both runs with the most RTTs, as seen in each run.
local function in_common(a, b)
  local best, one, two = 0, nil, nil
  for _, x in ipairs(a.responders) do
    for _, y in ipairs(b.responders) do
      local n = math.min(count_of(x), count_of(y))
      if (x.ip == y.ip or x.target and y.target) and n > best then
        best, one, two = n, x, y
      end
    end
  end
  return one, two, best
end

local function moved(values, by)
  local out = {}
  for i, value in ipairs(values) do
    out[i] = value + by
  end
  return out
end

local function rank_test(x, y)
  local a, b = x.samples, y.samples
  local before, after = stats.median(a), stats.median(b)
  local test = { what = "latency", test = "ranks", before = before,
    after = after, shift = after - before, p = 1 }
  local margin = M.margin(math.min(before, after))
  if math.abs(test.shift) <= margin then
    return test
  end
  local spread = math.max(stats.dependence(a), stats.dependence(b))
  local rises = test.shift > 0
  local p, above = stats.ranks(moved(a, rises and margin or -margin), b,
    spread)
  test.p = above == rises and p or 1
  test.shift, test.low, test.high = stats.shift(a, b, spread)
  return test
end

local function summary_of(responder)
  return { n = responder.received, mean = responder.avg,
    stdev = responder.stdev }
end

-- Means and medians have to agree, because one long RTT moves only the mean.
local function mean_test(x, y)
  if not (x.avg and y.avg and x.stdev and y.stdev) then
    return nil
  end
  local a, b = summary_of(x), summary_of(y)
  local test = { what = "latency", test = "welch", before = x.avg,
    after = y.avg, p = 1 }
  test.shift, test.low, test.high = stats.mean_shift(a, b)
  local margin = M.margin(math.min(x.avg, y.avg))
  local middle = x.median and y.median and y.median - x.median or test.shift
  if middle * test.shift > 0 and math.abs(middle) > margin then
    test.p = stats.welch(a, b, margin)
  end
  return test
end

local function latency_test(a, b)
  local x, y, count = in_common(a, b)
  if count < LEAST_VALUES then
    return nil
  elseif x.samples and y.samples then
    return rank_test(x, y)
  end
  return mean_test(x, y)
end

-- ---- a pair of paths ------------------------------------------------------

local function is_balanced(hop)
  return #hop.responders > 1
end

-- Whether the runs used different flows and a hop is load-balanced: each flow
-- takes its own branch, so figures beyond that hop are of different paths.
local function is_mixed(a, b)
  return a.flow_count ~= b.flow_count
end

local function comparable(a, b, aligned)
  local list, mixed = {}, false
  for _, pair in ipairs(aligned) do
    local x, y = pair.before, pair.after
    mixed = mixed or is_mixed(a, b)
      and (x and is_balanced(x) or y and is_balanced(y)) or false
    list[#list + 1] = x and y and not mixed and align.same(x, y) and pair
      or nil
  end
  return list
end

local function add_loss_tests(tests, list)
  local counted = {}
  for _, pair in ipairs(list) do
    counted[#counted + 1] = pair.before.counted and pair.after.counted
      and pair or nil
  end
  for i, pair in ipairs(counted) do
    tests[#tests + 1] = loss_test(counted, i)
    tests[#tests + 1] = i < #counted and own_loss_test(pair) or nil
  end
end

local function add_latency_tests(tests, list)
  for _, pair in ipairs(list) do
    local test = latency_test(pair.before, pair.after)
    if test then
      test.pair = pair
      tests[#tests + 1] = test
    end
  end
end

-- Tests the reply counts of a target that replies in one run only.
local function reach_test(a, b)
  if a.reached == b.reached then
    return nil
  end
  local function counts(snapshot)
    local last = snapshot.hops[#snapshot.hops]
    if snapshot.reached and last then
      return last.sent - last.received, last.sent
    end
    return snapshot.packets, snapshot.packets
  end
  local lost_a, sent_a = counts(a)
  local lost_b, sent_b = counts(b)
  return { what = "reach", test = "fisher", sent_before = sent_a,
    received_before = sent_a - lost_a, sent_after = sent_b,
    received_after = sent_b - lost_b,
    p = stats.fisher(lost_a, sent_a, lost_b, sent_b) }
end

--- Returns the tests of a pair of paths.
-- @tparam table a snapshot before
-- @tparam table b snapshot after
-- @tparam {table,...} aligned as mtrtrace.diff.align gives it
-- @treturn {table,...} { what: "latency" of a hop, "loss" of all hops from
--   one on, "hop_loss" of one hop, "reach" of the target; test: its name,
--   before, after, shift, low, high, p, pair }; shares are 0 to 1, times ms
function M.of(a, b, aligned)
  local tests, list = {}, comparable(a, b, aligned)
  add_loss_tests(tests, list)
  add_latency_tests(tests, list)
  tests[#tests + 1] = reach_test(a, b)
  return tests
end

return M
