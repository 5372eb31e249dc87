-- SPDX-License-Identifier: BSD-2-Clause
-- Loss periods, bursts and distances (RFC 3357) from numbers and times of lost
-- probes.
local bursts = require "mtrtrace.base.bursts"
local check = require "check"
local fields = require "mtrtrace.table.fields"
local sample = require "sample"
local tracer = require "mtrtrace.session.tracer"

-- A hop of n probes 0.1 s apart, of which these are lost.
local function hop(n, lost)
  local at = {}
  for i, ordinal in ipairs(lost) do
    at[i] = ordinal * 0.1
  end
  return { sent = n, received = n - #lost, loss = #lost / n, lost = lost,
    lost_at = at }
end

local ROWS = {
  { name = "no_loss", lost = {}, want = { 0, 0, 0 } },
  { name = "single_losses_are_periods_and_no_bursts", lost = { 3, 9, 12 },
    want = { 3, 0, 1, 3 } },
  { name = "a_burst_takes_until_the_next_probe", lost = { 3, 4, 5, 6 },
    want = { 1, 1, 4, 1, 0.4, 0.4 } },
  { name = "bursts_of_several_lengths", lost = { 1, 2, 5, 10, 11, 12 },
    want = { 3, 2, 3, 1, 0.2, 0.3 } },
}
check.rows(ROWS, function(row)
  local found = bursts.of(hop(60, row.lost))
  local got = { found.periods, found.bursts, found.longest, found.distance,
    found.min_s and ("%.6f"):format(found.min_s) + 0.0,
    found.max_s and ("%.6f"):format(found.max_s) + 0.0 }
  check.equal(got, row.want)
end)

check.case("flows_one_after_the_other_are_no_burst", function()
  local one = hop(20, { 10, 11 })
  one.lost_at = { 0.9, 0.0 }
  check.equal(bursts.of(one).periods, 2)
end)

check.case("without_all_lost_probes_nothing_is_said", function()
  local one = hop(2000, { 1, 2, 3 })
  one.received = 1000
  check.equal(bursts.of(one), nil)
  one = hop(10, {})
  one.silent = true
  check.equal(bursts.of(one), nil)
end)

-- Sums of the exact distribution: of two losses among 60 probes 2 in 60 stand
-- together by chance.
check.case("two_neighbours_are_chance_and_twelve_are_not", function()
  local function is(lost)
    local one = hop(60, lost)
    return bursts.is_bursty(bursts.of(one), #lost, 60 - #lost)
  end
  check.equal(is { 5, 6 }, false)
  check.equal(is { 5, 6, 20, 33, 34, 50 }, false)
  check.equal(is { 5, 6, 7, 8, 9, 10, 30, 31, 32, 33, 34, 35 }, true)
  check.equal(is { 5, 6, 7, 8 }, true)
end)

check.case("words", function()
  check.equal(bursts.words(3, 0.4, 1.2), "3 bursts of 0.4 to 1.2 s")
  check.equal(bursts.words(1, 0.62, 0.62), "1 burst of 0.6 s")
  check.equal(bursts.words(2, 0.4, 12.2), "2 bursts of 0.4 to 12 s")
end)

-- A path whose target loses 12 of 60 probes in three bursts.
local LOST = { 5, 6, 7, 8, 30, 31, 32, 33, 50, 51, 52, 53 }

local function lossy(ttl, responder)
  local one = hop(60, LOST)
  one.loss_low, one.loss_high = 0.118, 0.318
  return sample.hop(ttl, { responder }, one)
end

check.case("a_verdict_on_loss_names_its_bursts", function()
  local target = sample.responder("192.0.2.9", { target = true })
  local result = tracer.enrich(sample.result({
    sample.hop(1, { sample.responder "192.0.2.1" }, hop(60, {})),
    lossy(2, sample.responder "192.0.2.2"), lossy(3, target) },
    { packets = 60 }))
  local v = result.verdicts[1]
  check.equal({ v.kind, v.bursts, v.burst_min_s }, { "loss", 3, 0.4 })
  check.contains(v.text, "12 of 60 probes from there on (3 bursts of 0.4 s at "
    .. "hop 3), 0 of 60 before.")
  check.equal(fields.raw(fields.get "loss_bursts", "hop", result.hops[3]),
    "3")
end)

check.finish()
