-- SPDX-License-Identifier: BSD-2-Clause

--- Statistical tests of two samples: Fisher's exact test of counts, the
-- Mann-Whitney rank test of RTTs, Welch's t test of means, and control of the
-- false discovery rate of many tests (Benjamini and Hochberg 1995). Pure.
-- tests/sim/diff_quality.lua measures the error rates in use.
-- @module mtrtrace.diff.stats
local loss = require "mtrtrace.base.proportion"

local M = {}

local log_choose = loss.log_choose

-- ---- distributions --------------------------------------------------------

-- Lentz's continued fraction of the incomplete beta function.
local TINY, MOST_STEPS = 1e-300, 300

local function away_from_zero(x)
  return math.abs(x) < TINY and TINY or x
end

local function beta_fraction(a, b, x)
  local c, d = 1, 1 / away_from_zero(1 - (a + b) * x / (a + 1))
  local h = d
  for m = 1, MOST_STEPS do
    for _, k in ipairs {
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    } do
      d = 1 / away_from_zero(1 + k * d)
      c = away_from_zero(1 + k / c)
      h = h * c * d
    end
    if math.abs(c * d - 1) < 1e-14 then
      break
    end
  end
  return h
end

-- The regularised incomplete beta function.
local function beta_share(a, b, x)
  if x <= 0 or x >= 1 then
    return x <= 0 and 0 or 1
  end
  local front = math.exp(a * math.log(x) + b * math.log(1 - x)
    - loss.log_beta(a, b))
  if x < (a + 1) / (a + b + 2) then
    return front * beta_fraction(a, b, x) / a
  end
  return 1 - front * beta_fraction(b, a, 1 - x) / b
end

--- Returns the two-sided tail probability of Student's t distribution.
-- @tparam number t
-- @tparam number df degrees of freedom, above 0
-- @treturn number both tails together
function M.student(t, df)
  return beta_share(df / 2, 0.5, df / (df + t * t))
end

-- With this many degrees of freedom Student's distribution equals the normal
-- one within 1e-6 of a tail probability of practical size.
local NORMAL_DF = 1e9

--- Returns the two-sided tail probability of the standard normal distribution.
-- @tparam number z
-- @treturn number both tails together
function M.normal(z)
  return M.student(z, NORMAL_DF)
end

-- Returns the argument between 0 and `high` at which a falling tail function
-- has a value, by bisection.
local function solve(tails, p, high)
  local low = 0
  for _ = 1, 60 do
    local middle = (low + high) / 2
    if tails(middle) > p then
      low = middle
    else
      high = middle
    end
  end
  return low
end

--- Returns the z with a two-sided tail probability.
-- @tparam number p above 0, up to 1
-- @treturn number 0 or more
function M.normal_z(p)
  return solve(M.normal, p, 40)
end

-- ---- counts ---------------------------------------------------------------

-- Terms of the hypergeometric distribution that are summed at most (larger
-- tables are close to normal), and the tolerance for equal probabilities.
local MOST_TERMS, SAME = 20000, 1 + 1e-7

--- Fisher's exact test of two counts, two-sided.
-- @tparam integer k1
-- @tparam integer n1
-- @tparam integer k2
-- @tparam integer n2
-- @treturn number p-value: probability of a table as unlikely or more so if
--   both shares are equal
function M.fisher(k1, n1, k2, n2)
  local k, n = k1 + k2, n1 + n2
  local low, high = math.max(0, k - n2), math.min(k, n1)
  if low >= high then
    return 1
  elseif high - low > MOST_TERMS then
    return M.normal(loss.z_above(k1, n1, k2, n2))
  end
  local all = log_choose(n, k)
  local function chance(x)
    return math.exp(log_choose(n1, x) + log_choose(n2, k - x) - all)
  end
  local limit, sum = chance(k1) * SAME, 0
  for x = low, high do
    local p = chance(x)
    sum = sum + (p <= limit and p or 0)
  end
  return math.min(1, sum)
end

--- Returns the factor by which loss in bursts raises the variance of a count
-- over independent losses, by a two-state Markov chain (Gilbert 1960).
-- @tparam integer lost probes
-- @tparam integer received ones
-- @tparam integer periods runs of consecutive lost probes
-- @treturn number 1 or more
function M.spread(lost, received, periods)
  if lost == 0 or periods == 0 or received == 0 then
    return 1
  end
  local stays = 1 - periods / lost - periods / received
  return stays > 0 and (1 + stays) / (1 - stays) or 1
end

-- ---- ranks ----------------------------------------------------------------

-- Product of the sample sizes up to which the distribution of U is exact.
local EXACT = 400

-- Returns the probability of each U for n1 and n2 values: the share of orders
-- that give it.
local function u_shares(n1, n2)
  local orders = { [0] = 1.0 }
  for i = 1, n1 do
    -- Gaussian binomials: times (1 - x^(n2+i)), through (1 - x^i).
    local top = i * n2
    for u = top, n2 + i, -1 do
      orders[u] = (orders[u] or 0) - (orders[u - n2 - i] or 0)
    end
    for u = i, top do
      orders[u] = (orders[u] or 0) + (orders[u - i] or 0)
    end
    for u = top + 1, #orders do
      orders[u] = nil
    end
  end
  local total = 0
  for u = 0, n1 * n2 do
    orders[u] = orders[u] or 0
    total = total + orders[u]
  end
  return orders, total
end

local function exact_p(u, n1, n2)
  local orders, total = u_shares(n1, n2)
  local extreme, sum = math.min(u, n1 * n2 - u), 0
  for i = 0, extreme do
    sum = sum + orders[i]
  end
  return math.min(1, 2 * sum / total)
end

-- Returns the values of both samples in order, each with its sample.
local function merged(a, b)
  local all = {}
  for i = 1, #a do
    all[i] = { a[i], true }
  end
  for i = 1, #b do
    all[#a + i] = { b[i], false }
  end
  table.sort(all, function(one, two) return one[1] < two[1] end)
  return all
end

-- Returns the sum of the first sample's ranks, with mean ranks for ties, and
-- the tie correction of the variance.
local function rank_sum(all)
  local sum, ties, i = 0, 0, 1
  while i <= #all do
    local j = i
    while all[j + 1] and all[j + 1][1] == all[i][1] do
      j = j + 1
    end
    for k = i, j do
      sum = sum + (all[k][2] and (i + j) / 2 or 0)
    end
    ties = ties + (j - i + 1) ^ 3 - (j - i + 1)
    i = j + 1
  end
  return sum, ties
end

local function normal_p(u, n1, n2, ties)
  local n = n1 + n2
  local variance = n1 * n2 / 12 * (n + 1 - ties / (n * (n - 1)))
  if variance <= 0 then
    return 1
  end
  local off = math.max(0, math.abs(u - n1 * n2 / 2) - 0.5)
  return M.normal(off / math.sqrt(variance))
end

--- The rank test of Mann and Whitney, two-sided.
-- @tparam {number,...} a
-- @tparam {number,...} b
-- @tparam ?number spread factor of the variance of U over independent values;
--   1 where nil
-- @treturn number p-value: probability of samples that far apart if both have
--   the same distribution
-- @treturn boolean whether the second sample lies above the first
function M.ranks(a, b, spread)
  local n1, n2 = #a, #b
  if n1 == 0 or n2 == 0 then
    return 1, false
  end
  local sum, ties = rank_sum(merged(a, b))
  local u = sum - n1 * (n1 + 1) / 2
  local p = n1 * n2 <= EXACT and ties == 0
    and exact_p(math.floor(u + 0.5), n1, n2) or normal_p(u, n1, n2, ties)
  if spread and spread > 1 and p > 0 then
    p = M.normal(M.normal_z(p) / math.sqrt(spread))
  end
  return p, 2 * u < n1 * n2
end

-- Autocorrelation makes a sample worth fewer independent values. MOST_LAG caps
-- the estimate, because a higher one is a trend and no noise. One standard
-- deviation is subtracted from the estimate, because independent values have
-- some autocorrelation by chance.
local MOST_LAG, LEAST_VALUES = 0.9, 4

local function ranks_of(values)
  local order, ranks = {}, {}
  for i = 1, #values do
    order[i] = i
  end
  table.sort(order, function(i, j)
    return values[i] < values[j] or values[i] == values[j] and i < j
  end)
  for place, i in ipairs(order) do
    ranks[i] = place
  end
  return ranks
end

--- Returns the factor by which autocorrelation raises the variance of a mean
-- of ranks, by a first-order autoregressive model.
-- @tparam {number,...} values in the order in which they were taken
-- @treturn number 1 or more
function M.dependence(values)
  local n = #values
  if n < LEAST_VALUES then
    return 1
  end
  local ranks, sum, middle = ranks_of(values), 0, (n + 1) / 2
  for i = 2, n do
    sum = sum + (ranks[i] - middle) * (ranks[i - 1] - middle)
  end
  local lag = 12 * sum / (n * (n * n - 1)) - 1 / math.sqrt(n)
  lag = math.min(MOST_LAG, math.max(0, lag))
  return (1 + lag) / (1 - lag)
end

-- ---- shifts ---------------------------------------------------------------

local function sorted(values)
  local out = table.move(values, 1, #values, 1, {})
  table.sort(out)
  return out
end

--- Returns the median of values.
-- @tparam {number,...} values at least one
-- @treturn number
function M.median(values)
  local list, n = sorted(values), #values
  return (list[(n + 1) // 2] + list[n // 2 + 1]) / 2
end

-- Number of quantiles that replace a larger sample.
local QUANTILES = 80

local function few(values)
  local list, n = sorted(values), #values
  if n <= QUANTILES then
    return list
  end
  local out = {}
  for i = 1, QUANTILES do
    out[i] = list[1 + math.floor((i - 0.5) * n / QUANTILES)]
  end
  return out
end

--- Returns the shift from the first sample to the second: the median of all
-- differences (Hodges and Lehmann 1963), with its 95 % interval.
-- @tparam {number,...} a at least one
-- @tparam {number,...} b at least one
-- @tparam ?number spread as of ranks
-- @treturn number shift
-- @treturn number low
-- @treturn number high
function M.shift(a, b, spread)
  local one, two, all = few(a), few(b), {}
  for _, x in ipairs(one) do
    for _, y in ipairs(two) do
      all[#all + 1] = y - x
    end
  end
  table.sort(all)
  local n1, n2 = #a, #b
  local half = loss.Z95 * math.sqrt((spread or 1) * (n1 + n2 + 1)
    / (12 * n1 * n2))
  local function at(share)
    return all[math.max(1, math.min(#all, math.ceil(share * #all)))]
  end
  return at(0.5), at(0.5 - half), at(0.5 + half)
end

-- Returns the standard error of a difference of means, and its degrees of
-- freedom (Welch and Satterthwaite).
local function error_of(a, b)
  local va, vb = a.stdev ^ 2 / a.n, b.stdev ^ 2 / b.n
  local df = va + vb > 0 and (va + vb) ^ 2
    / (va ^ 2 / (a.n - 1) + vb ^ 2 / (b.n - 1)) or 1
  return math.sqrt(va + vb), df
end

--- Welch's t test: whether two means differ by more than a margin.
-- @tparam table a `n` at least 2, `mean`, `stdev`
-- @tparam table b the same
-- @tparam number margin 0 or more
-- @treturn number p-value: probability of means that far apart, or farther, if
--   the true difference is the margin
function M.welch(a, b, margin)
  local err, df = error_of(a, b)
  local off = math.abs(b.mean - a.mean) - margin
  if off <= 0 then
    return 1
  end
  return err > 0 and M.student(off / err, df) or 0
end

--- Returns the difference of means with its 95 % interval.
-- @tparam table a as of welch
-- @tparam table b
-- @treturn number difference
-- @treturn number low
-- @treturn number high
function M.mean_shift(a, b)
  local err, df = error_of(a, b)
  local t = solve(function(x) return M.student(x, df) end, 0.05, 400)
  local shift, half = b.mean - a.mean, t * err
  return shift, shift - half, shift + half
end

-- ---- many tests -----------------------------------------------------------

--- Controls the false discovery rate of many tests (Benjamini and Hochberg
-- 1995): the expected share of false rejections among all rejections is at
-- most q. Without any true difference, the probability of a rejection is at
-- most q, too.
-- @tparam {table,...} tests each with `p`; get `p_adjusted` and `rejected`
-- @tparam number q
function M.control(tests, q)
  local order = table.move(tests, 1, #tests, 1, {})
  table.sort(order, function(a, b) return a.p < b.p end)
  local least = 1
  for i = #order, 1, -1 do
    least = math.min(least, order[i].p * #order / i)
    order[i].p_adjusted = least
    order[i].rejected = least <= q
  end
end

return M
