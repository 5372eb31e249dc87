-- SPDX-License-Identifier: BSD-2-Clause

--- Statistics of binomial counts, `k` of `n` probes: confidence intervals,
-- likelihoods and tests. Pure.
-- @module mtrtrace.base.proportion
local M = {}

--- Two-sided 95 %, in standard deviations.
M.Z95 = 1.959963984540054

--- Two-sided 99 %, in standard deviations (2.576, rounded).
M.Z99 = 2.58

--- Share of lost probes that counts as normal background loss.
M.BACKGROUND = 0.005

--- Returns Wilson's score interval of a share.
-- @tparam integer k
-- @tparam integer n above 0
-- @tparam number z quantile of the standard normal, such as Z95
-- @treturn number low, 0 to 1
-- @treturn number high, 0 to 1
function M.wilson(k, n, z)
  local z2 = z * z
  local middle = (k + z2 / 2) / (n + z2)
  local half = z / (n + z2) * math.sqrt(k * (n - k) / n + z2 / 4)
  return math.max(0, middle - half), math.min(1, middle + half)
end

local function times_log(count, share)
  return count > 0 and count * math.log(share) or 0
end

--- Returns the log likelihood of a count, without the binomial coefficient,
-- which is the same for all shares.
-- @tparam integer k
-- @tparam integer n may be 0
-- @tparam ?number share 0 to 1; nil for the most likely one, k / n
-- @treturn number
function M.log_likelihood(k, n, share)
  if n == 0 then
    return 0
  end
  share = share or k / n
  return times_log(k, share) + times_log(n - k, 1 - share)
end

-- Stirling's series is good to 1e-9 from 8 on; smaller arguments are raised by
-- the recurrence of the gamma function.
local function log_gamma(x)
  local shift = 0
  while x < 8 do
    shift = shift + math.log(x)
    x = x + 1
  end
  local i = 1 / (x * x)
  return (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi)
    + (1 - i * (1 / 30 - i * (1 / 105 - i / 140))) / (12 * x) - shift
end

--- Logarithm of the beta function.
-- @tparam number a above 0
-- @tparam number b above 0
-- @treturn number
function M.log_beta(a, b)
  return log_gamma(a) + log_gamma(b) - log_gamma(a + b)
end

--- Logarithm of the binomial coefficient.
-- @tparam integer n from 0
-- @tparam integer k from 0 to n
-- @treturn number
function M.log_choose(n, k)
  return -math.log(n + 1) - M.log_beta(k + 1, n - k + 1)
end

--- Returns the binomial probability of a count at a share.
-- @tparam integer k
-- @tparam integer n
-- @tparam number share above 0, below 1
-- @treturn number
function M.exactly(k, n, share)
  return math.exp(M.log_choose(n, k) + M.log_likelihood(k, n, share))
end

-- Terms smaller than this share of the sum end the summation.
local NEGLIGIBLE = 1e-12

-- Returns the sum of the binomial terms from k down to 0, or from k up to n.
local function sum_terms(k, n, share, step)
  local term = k >= 0 and k <= n and M.exactly(k, n, share) or 0
  local sum, odds = term, share / (1 - share)
  while term > NEGLIGIBLE * sum do
    if step < 0 then
      term = term * k / ((n - k + 1) * odds)
    else
      term = term * (n - k) * odds / (k + 1)
    end
    k, sum = k + step, sum + term
  end
  return sum
end

--- Returns the binomial probability of a count or a lower one at a share.
-- @tparam integer k
-- @tparam integer n
-- @tparam number share above 0, below 1
-- @treturn number
function M.at_most(k, n, share)
  return k < n * share and sum_terms(k, n, share, -1)
    or math.max(0, 1 - sum_terms(k + 1, n, share, 1))
end

--- Returns the binomial probability of a count or a higher one at a share.
-- @tparam integer k
-- @tparam integer n
-- @tparam number share above 0, below 1
-- @treturn number
function M.at_least(k, n, share)
  return k > n * share and sum_terms(k, n, share, 1)
    or math.max(0, 1 - sum_terms(k - 1, n, share, -1))
end

--- Returns the z statistic of two shares (pooled two-proportion test).
-- @tparam integer k1
-- @tparam integer n1 above 0
-- @tparam integer k2
-- @tparam integer n2 above 0
-- @treturn number positive where the second share is above the first
function M.z_above(k1, n1, k2, n2)
  local share = (k1 + k2) / (n1 + n2)
  local spread = math.sqrt(share * (1 - share) * (1 / n1 + 1 / n2))
  return spread > 0 and (k2 / n2 - k1 / n1) / spread or 0
end

--- Returns the quotient of the second share and the first, with its 95 %
-- interval (Donner and Zou, from Wilson's intervals of both shares).
-- @tparam integer k1
-- @tparam integer n1 may be 0: then the first share is taken as 1
-- @tparam integer k2
-- @tparam integer n2 above 0
-- @treturn number quotient
-- @treturn number low
-- @treturn number high
function M.quotient(k1, n1, k2, n2)
  local a = k2 / n2
  local low, high = M.wilson(k2, n2, M.Z95)
  if n1 == 0 or k1 == n1 or k1 == 0 then
    return a, low, high
  end
  local b = k1 / n1
  local below, above = M.wilson(k1, n1, M.Z95)
  local over, under = above * (2 * b - above), below * (2 * b - below)
  local function root(limit, part)
    return math.sqrt(math.max(0, (a * b) ^ 2 - limit * (2 * a - limit) * part))
  end
  return a / b, over > 0 and (a * b - root(low, over)) / over or low,
    under > 0 and (a * b + root(high, under)) / under or high
end

return M
