-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local lines = require "mtrtrace.verdict.lines"

local function rationed(hop, said)
  return { kind = "rationed", hop = hop, said = said,
    text = ("Hop %d rations its answers: it answered %s."):format(hop, said) }
end

local LOSS = { kind = "loss", hop = 5, text = "Loss." }

local CASES = {
  { name = "no_verdict_is_no_line", verdicts = {}, want = {} },
  { name = "one_rationed_hop_has_its_own_line",
    verdicts = { rationed(3, "a") },
    want = { "Hop 3 rations its answers: it answered a." } },
  { name = "rationed_hops_in_a_row_share_a_line",
    verdicts = { LOSS, rationed(1, "a"), rationed(2, "a"), rationed(3, "a") },
    want = { "Loss.", "Hops 1 to 3 ration their answers: each answered a." } },
  { name = "other_numbers_or_a_gap_begin_a_line",
    verdicts = { rationed(1, "a"), rationed(2, "b"), rationed(4, "b") },
    want = { "Hop 1 rations its answers: it answered a.",
      "Hop 2 rations its answers: it answered b.",
      "Hop 4 rations its answers: it answered b." } },
}

check.rows(CASES, function(case)
  check.equal(lines.list(case.verdicts), case.want)
end)

check.finish()
