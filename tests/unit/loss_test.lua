-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local loss = require "mtrtrace.base.proportion"

local function close(got, want, what)
  local error_of = math.abs(got - want) / math.max(1, math.abs(want))
  if got ~= got or error_of > 1e-6 then
    error(("%s: got %.9g, want %.9g"):format(what, got, want), 0)
  end
end

-- Wanted values by 40-digit arithmetic.
local WILSON = {
  { name = "wilson_none_of_10", k = 0, n = 10, low = 0, high = 0.2775328 },
  { name = "wilson_2_of_10", k = 2, n = 10, low = 0.0566822,
    high = 0.5098375 },
  { name = "wilson_all_of_10", k = 10, n = 10, low = 0.7224672, high = 1 },
  { name = "wilson_3_of_1000", k = 3, n = 1000, low = 0.0010207,
    high = 0.0087831 },
}
check.rows(WILSON, function(row)
  local low, high = loss.wilson(row.k, row.n, loss.Z95)
  check.equal({ math.abs(low - row.low) < 1e-6,
    math.abs(high - row.high) < 1e-6 }, { true, true },
    ("%.7f %.7f"):format(low, high))
end)

-- The rows that stats_test.c reads too.
check.case("wilson_is_the_same_in_c_and_lua", function()
  local rows = 0
  for line in io.lines "tests/unit/wilson.txt" do
    local k, n, z, low, high = line:match(("(%S+) "):rep(4) .. "(%S+)")
    local from, to = loss.wilson(tonumber(k), tonumber(n), tonumber(z))
    check.equal(math.abs(from - low) <= 1e-12 and math.abs(to - high) <= 1e-12,
      true, ("%s: %.17g to %.17g"):format(line, from, to))
    rows = rows + 1
  end
  check.equal(rows, 63)
end)

check.case("wilson_of_one_probe_stays_within_0_and_1", function()
  local low, high = loss.wilson(1, 1, loss.Z99)
  check.equal({ low > 0, high == 1 }, { true, true })
end)

check.case("log_likelihood_is_the_logarithm_of_the_product", function()
  close(loss.log_likelihood(1, 3, 0.25), math.log(0.25 * 0.75 ^ 2), "given")
  close(loss.log_likelihood(1, 4), math.log(0.25 * 0.75 ^ 3), "its own")
end)

check.case("log_likelihood_of_certainties_is_0", function()
  check.equal({ loss.log_likelihood(0, 0), loss.log_likelihood(0, 5),
    loss.log_likelihood(5, 5) }, { 0, 0.0, 0.0 })
end)

check.case("log_beta_is_right_for_small_and_large", function()
  close(loss.log_beta(1, 1), 0, "1, 1")
  close(loss.log_beta(2, 3), math.log(1 / 12), "2, 3")
  close(loss.log_beta(1, 2000), -math.log(2000), "1, 2000")
  close(loss.log_beta(0.5, 0.5), math.log(math.pi), "a half")
end)

check.case("z_above_has_the_sign_of_the_difference", function()
  close(loss.z_above(1, 16, 10, 10), 4.70734436, "rate_limited")
  check.equal(loss.z_above(10, 10, 1, 16) < 0, true)
  check.equal(loss.z_above(5, 5, 7, 7), 0)
end)

check.case("quotient_of_nothing_before_is_the_share_itself", function()
  local value, low, high = loss.quotient(0, 0, 399, 420)
  close(value, 0.95, "value")
  check.equal({ low < 0.95 and low > 0.92, high > 0.95 and high < 0.97 },
    { true, true })
end)

check.case("quotient_takes_out_what_was_lost_before", function()
  local value, low, high = loss.quotient(270, 300, 216, 300)
  close(value, 0.8, "value")
  check.equal({ low > 0.70 and low < 0.8, high > 0.8 and high < 0.9 },
    { true, true })
end)

check.case("quotient_with_nothing_answered_before_is_finite", function()
  check.equal({ loss.quotient(0, 10, 0, 10) }, { 0.0,
    loss.wilson(0, 10, loss.Z95) })
end)

check.finish()
