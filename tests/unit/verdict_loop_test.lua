-- SPDX-License-Identifier: BSD-2-Clause
-- A routing loop gets its own verdict and none on latency.
local check = require "check"
local sample = require "sample"
local verdict = require "mtrtrace.verdict.trace"

-- One letter per hop for its responder, "." for no reply. The RTT grows by 10
-- ms with each hop, as in a loop.
local function path(letters, changes)
  local hops = {}
  for letter in letters:gmatch "." do
    local ttl, ms = #hops + 1, 10.0 * (#hops + 1)
    hops[ttl] = letter == "." and sample.silent(ttl) or sample.hop(ttl, {
      sample.responder("10.0.0." .. letter:byte(), { median_ms = ms,
        best_ms = ms - 0.1, p25_ms = ms - 0.05, p75_ms = ms + 0.05 }) })
  end
  return verdict.judge(sample.result(hops, changes
    or { reached = false, ending = "silent" })).verdicts
end

local function loop(v)
  return v and v.kind == "routing_loop" and { v.from, v.to, v.responders }
end

local ROWS = {
  { name = "two_routers_that_send_to_each_other", path = "ABCDCDCDCD",
    want = { 3, 10, 2 } },
  { name = "three_routers_in_a_ring", path = "ABCABCABC", want = { 1, 9, 3 } },
  { name = "loop_with_a_silent_router", path = "AB.B.B.B",
    want = { 2, 8, 1 } },
  { name = "loop_whose_routers_limit_their_replies", path = "ABC.C..BC..",
    want = false },
  { name = "loop_with_gaps", path = "ABCB.BCBC", want = { 2, 9, 2 } },
  { name = "loop_that_ends_in_silence", path = "ABCBCBC...",
    want = { 2, 7, 2 } },
  { name = "one_address_again_is_no_loop", path = "ABCBD", want = false },
  { name = "address_of_a_translator_is_no_loop", path = "ABTTTTTT",
    want = false },
  { name = "path_without_repetition", path = "ABCDEF...", want = false },
  { name = "no_replies", path = "....", want = false },
}
check.rows(ROWS, function(row)
  check.equal(loop(path(row.path)[1]) or false, row.want)
end)

check.case("loop_is_neither_latency_nor_slow_routers", function()
  local list = path "ABCDCDCDCDCDCDCDCDCDCDCDCDCD"
  check.equal({ #list, list[1].text }, { 1, "Routing loop: the same "
    .. "addresses repeat every 2 hops from hop 3 to hop 28 (10.0.0.67, "
    .. "10.0.0.68), so probes do not reach the target." })
end)

check.case("path_that_reaches_the_target_has_no_loop", function()
  check.equal(loop(path("ABCBCBT", { reached = true })[1]) or false, false)
end)

check.finish()
