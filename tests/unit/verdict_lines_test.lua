-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local lines = require "mtrtrace.verdict.lines"

local function rate_limited(hop, answered)
  return { kind = "rate_limited", hop = hop, burst_sent = 16, initial_sent = 0,
    burst_received = answered, sent = 10, received = 10,
    sample_interval_s = 1.05,
    shared = 0, text = ("Hop %d, %d."):format(hop, answered) }
end

local function range(from, to, answered)
  return ("Hops %d to %d rate-limit their ICMP replies: each %d of 16 in a "
    .. "burst, 10 of 10 at 1.05 s."):format(from, to, answered)
end

local LOSS = { kind = "loss", hop = 5, text = "Loss." }

local CASES = {
  { name = "no_verdict_is_no_line", verdicts = {}, want = {} },
  { name = "one_rate_limited_hop_has_its_own_line",
    verdicts = { rate_limited(3, 1) },
    want = { "Hop 3, 1." } },
  { name = "rate_limited_hops_in_a_row_share_a_line",
    verdicts = { LOSS, rate_limited(1, 1), rate_limited(2, 1), rate_limited(3,
    1) },
    want = { "Loss.", range(1, 3, 1) } },
  { name = "other_numbers_or_a_gap_begin_a_line",
    verdicts = { rate_limited(1, 1), rate_limited(2, 2), rate_limited(4, 2) },
    want = { "Hop 1, 1.", "Hop 2, 2.", "Hop 4, 2." } },
}

check.rows(CASES, function(case)
  check.equal(lines.list(case.verdicts), case.want)
end)

check.finish()
