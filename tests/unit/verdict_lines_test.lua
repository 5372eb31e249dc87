-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local lines = require "mtrtrace.verdict.lines"

local function rationed(hop, answered)
  return { kind = "rationed", hop = hop, tests = 16, fast_sent = 0,
    tests_answered = answered, sent = 10, recv = 10, spacing = 1.05,
    shared = 0, text = ("Hop %d, %d."):format(hop, answered) }
end

local function range(from, to, answered)
  return ("Hops %d to %d rate-limit their ICMP replies: each %d of 16 in a "
    .. "burst, 10 of 10 at 1.05 s."):format(from, to, answered)
end

local LOSS = { kind = "loss", hop = 5, text = "Loss." }

local CASES = {
  { name = "no_verdict_is_no_line", verdicts = {}, want = {} },
  { name = "one_rationed_hop_has_its_own_line",
    verdicts = { rationed(3, 1) },
    want = { "Hop 3, 1." } },
  { name = "rationed_hops_in_a_row_share_a_line",
    verdicts = { LOSS, rationed(1, 1), rationed(2, 1), rationed(3, 1) },
    want = { "Loss.", range(1, 3, 1) } },
  { name = "other_numbers_or_a_gap_begin_a_line",
    verdicts = { rationed(1, 1), rationed(2, 2), rationed(4, 2) },
    want = { "Hop 1, 1.", "Hop 2, 2.", "Hop 4, 2." } },
}

check.rows(CASES, function(case)
  check.equal(lines.list(case.verdicts), case.want)
end)

check.finish()
