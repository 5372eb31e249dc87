-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on loss and on how hops reply, from counts along a path.
local check = require "check"
local sample = require "sample"
local verdict = require "mtrtrace.verdict.trace"

-- As many rounds as probes were lost, spread over the sample.
local function rounds(lost, sent)
  local list = {}
  for i = 1, lost do
    list[i] = 1 + (i - 1) * sent // lost
  end
  return list
end

-- One word per hop: its lost probes (of how many, if other than `sent`), or
-- "*" for silent; with a suffix "u" for untested, "v" for a shared rate limit,
-- "b" for replies lost during capture drops, "r" for a rate limit, "R" for one
-- that only another trace found, "s" for a shared sample.
local BURSTS = { r = { 16, 1, 7, 0 }, s = { 16, 1, 7, 4 }, R = { 0, 0, 0, 6 },
  w = { 16, 11, 50, 0 } }

local function hop_of(ttl, word, sent)
  if word:sub(-1) == "u" then
    local lost = math.tointeger(tonumber(word:sub(1, -2)))
    local silent = lost == sent
    return sample.hop(ttl, silent and {}
      or { sample.responder("10.0.0." .. ttl) }, { sent = sent,
      received = sent - lost, lost = rounds(lost, sent), silent = silent,
      untested = true })
  end
  if word:sub(-1) == "v" then
    local lost = math.tointeger(tonumber(word:sub(1, -2)))
    return sample.hop(ttl, { sample.responder("10.0.0." .. ttl) }, {
      sent = sent, received = sent - lost, lost = rounds(lost, sent),
      shared_rate_limit = true })
  end
  if word:sub(-1) == "b" then
    local lost = math.tointeger(tonumber(word:sub(1, -2)))
    return sample.hop(ttl, { sample.responder("10.0.0." .. ttl) }, {
      sent = sent, received = sent - lost, lost = rounds(lost, sent),
      lost_during_drops = lost })
  end
  if word == "*" then
    return sample.hop(ttl, {}, { sent = sent, received = 0, total_sent = sent,
      total_received = 0, loss = 1.0, silent = true })
  end
  local lost, of, kind = word:match("^(%d+)/?(%d*)(%a?)$")
  lost = math.tointeger(tonumber(lost))
  sent = math.tointeger(tonumber(of)) or sent
  local burst = BURSTS[kind]
  return sample.hop(ttl, { sample.responder("10.0.0." .. ttl) }, {
    sent = sent, received = sent - lost, lost = rounds(lost, sent),
    rate_limit = burst and { burst_sent = burst[1], burst_received = burst[2],
      initial_sent = burst[1] > 0 and sent or 0, initial_received = burst[3],
      sample_interval_s = 1.05, shared = burst[4] } or nil,
  })
end

local function path(words, sent, changes)
  local hops = {}
  for word in words:gmatch("%S+") do
    hops[#hops + 1] = hop_of(#hops + 1, word, sent)
  end
  return verdict.judge(sample.result(hops, changes))
end

local function texts(result)
  local list = {}
  for i, v in ipairs(result.verdicts) do
    list[i] = v.text
  end
  return list
end

local SILENT = { reached = false, ending = "silent" }
local BEYOND = "Cannot tell beyond hop %d whether probes are lost or "
  .. "filtered."

local ROWS = {
  { name = "clean_path_has_none", path = "0 0 0 0", want = {} },
  { name = "no_hops_have_none", path = "", want = {} },
  { name = "one_probe_per_hop_has_none", path = "0 1 0 1", sent = 1,
    want = {} },
  { name = "target_at_hop_1_has_none", path = "0", want = {} },
  { name = "target_at_hop_1_that_loses", path = "12",
    want = { "Round-trip loss first visible at hop 1: 20.0% (11.8-31.8), "
      .. "12 of 60 probes from there on." } },
  { name = "all_silent_has_none_beside_the_note", path = "* * * *",
    changes = SILENT, want = {} },
  { name = "loss_first_visible_at_a_hop", path = "0 0 0 6 7 5 8 6",
    want = { "Round-trip loss first visible at hop 4: 10.7% (7.7-14.7), "
      .. "32 of 300 probes from there on, 0 of 180 before." } },
  { name = "no_verdict_rests_on_an_untested_sample", path = "0 45u 45u 44u",
    want = {} },
  { name = "no_verdict_rests_on_a_shared_rate_limit", path = "0 0 0 45v",
    want = {} },
  { name = "no_verdict_rests_on_what_the_capture_may_have_dropped",
    path = "0 0 45b 45b", want = {} },
  { name = "an_untested_hop_is_not_called_silent", path = "0 60u 0",
    sent = 60, want = {} },
  { name = "loss_of_all_hops_begins_at_the_first", path = "6 7 5 8 6 7 6",
    want = { "Round-trip loss first visible at hop 1 (1 to 6 possible): "
      .. "10.7% (8.1-14.0), 45 of 420 probes from there on." } },
  { name = "few_hops_may_as_well_drop_as_many_as_the_target",
    path = "6 7 5 8 6",
    want = { "Round-trip loss first visible at hop 5 (1 to 5 possible): "
      .. "10.0% (4.7-20.1), 6 of 60 probes from there on." } },
  { name = "few_lost_probes_leave_a_range",
    path = "0 0 0 0 2 3 1 3 2 3",
    want = { "Round-trip loss first visible at hop 5 (3 to 5 possible): "
      .. "3.9% (2.3-6.4), 14 of 360 probes from there on, 0 of 240 "
      .. "before." } },
  { name = "silent_hops_before_it_are_possible_too",
    path = "0 0 * * 9 12 8 9",
    want = { "Round-trip loss first visible at hop 5 (3 to 6 possible): "
      .. "15.8% (11.8-21.0), 38 of 240 probes from there on, 0 of 120 "
      .. "before.",
      "Hops 3 to 4 do not reply (0 of 120 probes), hops beyond do." } },
  { name = "second_step_is_named_too",
    path = "0 0 3 3 3 3 3 3 18 19 17 18",
    want = { "Round-trip loss first visible at hop 3 (2 to 3 possible): "
      .. "5.0% (3.2-7.8), 18 of 360 probes from there on, 0 of 120 "
      .. "before.",
      "Further round-trip loss first visible at hop 9 (9 to 10 "
      .. "possible): 26.3% (20.1-32.8), 72 of 240 probes from there on, 18 "
      .. "of 360 before." } },
  { name = "loss_of_the_target_alone_is_its_own", path = "0 0 0 0 9",
    want = { "Round-trip loss first visible at hop 5: 15.0% (8.1-26.1), "
      .. "9 of 60 probes from there on, 0 of 240 before." } },
  { name = "loss_of_a_rate_limited_target_alone_cannot_be_told",
    path = "0 0 0 0 9r",
    want = { "Cannot tell whether probes are lost before hop 5 or the hop "
      .. "drops replies: 9 of 60 unanswered, and the hop was seen to limit "
      .. "its replies.",
      "Hop 5 rate-limits its ICMP replies: 1 of 16 in a burst, 7 of 60 in "
      .. "the initial sample, 51 of 60 at 1.05 s." } },
  { name = "loss_of_the_last_that_answers_cannot_be_told",
    path = "0 0 0 9 * *", changes = SILENT,
    want = { "Cannot tell whether probes are lost before hop 4 or the hop "
      .. "drops replies: 9 of 60 unanswered, and nothing beyond the hop "
      .. "replies.", BEYOND:format(4) } },
  { name = "silent_end_is_never_loss", path = "0 0 * * *",
    changes = SILENT, want = { BEYOND:format(2) } },
  { name = "refused_end_is_no_silence", path = "0 0 *",
    changes = { reached = false, ending = "unreachable", ending_type = 3,
      ending_code = 1 }, want = {} },
  { name = "loss_that_is_gone_behind_is_none", path = "0 6 0 0 0 0",
    want = {} },
  { name = "loss_that_rests_on_one_hop_is_none", path = "0 0 0 6 0",
    want = {} },
  { name = "loss_within_two_rounds_is_none", path = "0 0 0 2 2 2 2",
    want = {} },
  { name = "suppressed_hop_is_no_loss", path = "0 40 0 0 0", want = {} },
  { name = "single_lost_probes_are_no_news", path = "0 1 0 0 1 0 0 0",
    want = {} },
  { name = "ten_packets_with_plain_loss_are_tentative",
    path = "0 0 0 0 3 2 4 2 3 3", sent = 10,
    want = { "Round-trip loss seems to begin at hop 5 (4 to 6 possible): "
      .. "28.3% (18.5-40.8), 17 of 60 probes from there on, 0 of 40 "
      .. "before; send 60 packets per hop or more to be sure." } },
  { name = "ten_packets_with_little_loss_show_nothing",
    path = "0 0 0 1 0 1 0 0 1 0", sent = 10, want = {} },
  { name = "ten_packets_of_the_last_hop_show_nothing",
    path = "0 0 0 4 * *", sent = 10, changes = SILENT,
    want = { BEYOND:format(4) } },
  { name = "silent_hop_before_others", path = "0 * 0", sent = 10,
    want = { "Hop 2 does not reply (0 of 10 probes), hops beyond do." } },
  { name = "silent_hops_in_two_places", path = "* 0 * * 0", sent = 10,
    want = { "Hop 1 does not reply (0 of 10 probes), hops beyond do.",
      "Hops 3 to 4 do not reply (0 of 20 probes), hops beyond do." } },
  { name = "rate_limited_hop_with_its_bucket", path = "0 0r 0", sent = 10,
    want = { "Hop 2 rate-limits its ICMP replies: 1 of 16 in a burst, 7 of "
      .. "10 in the initial sample, 10 of 10 at 1.05 s." } },
  { name = "rate_limited_hop_with_a_shared_sample", path = "0 0s 0", sent = 10,
    want = { "Hop 2 rate-limits its ICMP replies: 1 of 16 in a burst, 7 of "
      .. "10 in the initial sample, 10 of 10 at 1.05 s; 4 of these from "
      .. "another trace." } },
  { name = "rate_limit_that_only_another_trace_saw_is_not_claimed",
    path = "0 0R 0", sent = 10, want = {} },
  { name = "burst_as_bad_as_the_slow_sample_is_no_rate_limit",
    path = "0 0 12w 11w 13w",
    want = { "Round-trip loss first visible at hop 3 (3 to 4 possible): "
      .. "20.0% (14.8-26.4), 36 of 180 probes from there on, 0 of 120 "
      .. "before." } },
  { name = "hops_that_drop_replies_before_a_clean_target_are_no_loss",
    path = "21 17 19 16 20 18 22 0", want = {} },
  { name = "the_same_with_ten_packets", path = "3 5 2 4 3 2 3 0",
    sent = 10, want = {} },
  { name = "the_same_at_the_last_hops_before_the_target",
    path = "0 0 0 0 0 4 4 0", sent = 10, want = {} },
  { name = "loss_is_found_beyond_hops_that_drop_replies",
    path = "30 0 25 6 40 5 8 6",
    want = { "Round-trip loss first visible at hop 4 (3 to 6 possible): "
      .. "10.4% (7.2-14.9), 25 of 240 probes from there on, 0 of 60 "
      .. "before." } },
  { name = "the_least_lossy_hop_decides_how_much_the_path_loses",
    path = "30 28 40 33 0 0 9",
    want = { "Round-trip loss first visible at hop 7: 15.0% (8.1-26.1), "
      .. "9 of 60 probes from there on, 0 of 120 before." } },
  { name = "silent_target_beyond_hops_that_drop_replies_proves_nothing",
    path = "0 0 12 13 11 12 *", changes = SILENT,
    want = { "Cannot tell whether probes are lost or replies dropped from "
      .. "hop 3 (3 to 4 possible) on, as nothing beyond hop 6 replies: "
      .. "20.0% (15.4-25.5), 48 of 240 probes from there on, 0 of 120 "
      .. "before.",
      BEYOND:format(6) } },
  { name = "target_that_was_hardly_probed_yet_is_no_witness",
    path = "0 0 0 0 0 2/2", want = {} },
}
check.rows(ROWS, function(row)
  check.equal(texts(path(row.path, row.sent or 60, row.changes)), row.want)
end)

check.case("loss_has_the_numbers_it_rests_on", function()
  local v = path("0 0 * 2 3 1 3 2 3 2", 60).verdicts[1]
  check.equal({ v.kind, v.hop, v.from, v.to, v.lost, v.sent, v.lost_before,
    v.sent_before, v.tentative },
    { "loss", 4, 2, 4, 16, 420, 0, 120, nil })
  check.equal({ v.loss > v.loss_low, v.loss < v.loss_high },
    { true, true })
end)

check.case("loss_at_one_hop_has_no_range", function()
  local v = path("0 0 0 6 7 5 8 6", 60).verdicts[1]
  check.equal({ v.hop, v.from, v.to }, { 4 })
end)

check.case("rate_limited_has_the_numbers_it_rests_on", function()
  local v = path("0 0s 0", 10).verdicts[1]
  v.text = nil
  check.equal(v, { kind = "rate_limited", hop = 2, burst_sent = 16,
    burst_received = 1, initial_sent = 10, initial_received = 7,
    sample_interval_s = 1.05,
    sent = 10, received = 10, shared = 4 })
end)

check.case("marks_are_set_where_they_are_due", function()
  local hops = path("0 40 0r 0 0R 12w", 60).hops
  local marks = {}
  for i, hop in ipairs(hops) do
    marks[i] = ("%s %s"):format(hop.rate_limited, hop.better_beyond)
  end
  check.equal(marks, { "nil nil", "nil 5", "true nil", "nil nil",
    "nil nil", "nil nil" })
end)

check.case("unexplained_loss_is_marked_though_the_target_proves_little",
  function()
    local result, marked = path("3 5 0 4 1 2 3 0", 10), {}
    for i, hop in ipairs(result.hops) do
      marked[i] = hop.better_beyond or false
    end
    check.equal(marked, { 8, 8, false, 8, false, 8, 8, false })
  end)

check.case("loss_that_a_verdict_explains_is_not_marked", function()
  for _, hop in ipairs(path("0 0 0 6 7 5 8 6", 60).hops) do
    check.equal(hop.better_beyond, nil)
  end
end)

check.case("hop_that_rate_limits_is_suppressed_if_even_slow_probes_fail",
  function()
    check.equal(path("0 30r 0 0", 60).hops[2].better_beyond, 4)
  end)

check.finish()
