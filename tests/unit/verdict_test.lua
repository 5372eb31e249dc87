-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on latency and on the path, and their order.
local check = require "check"
local format = require "mtrtrace.base.format"
local fields = require "mtrtrace.table.fields"
local sample = require "sample"
local verdict = require "mtrtrace.verdict.trace"

local function texts(hops, changes)
  local list = {}
  local result = verdict.judge(sample.result(hops, changes))
  for i, v in ipairs(result.verdicts) do
    list[i] = v.text
  end
  return list, result.verdicts
end

local function address(ttl)
  return "10.0.0." .. ttl
end

-- A hop whose RTTs have a given median, half of them within +-spread.
local function timed(ttl, median, spread, changes)
  spread = spread or 0.05
  local responder = { median_ms = median, best_ms = median - 2 * spread,
    p25_ms = median - spread, p75_ms = median + spread }
  for key, value in pairs(changes or {}) do
    responder[key] = value
  end
  return sample.hop(ttl, { sample.responder(address(ttl), responder) })
end

local LATENCY = {
  { name = "even_latency_has_none",
    hops = { timed(1, 1.5), timed(2, 1.7), timed(3, 2.1) }, want = {} },
  { name = "longer_way_rises_and_persists",
    hops = { timed(1, 1.5), timed(2, 25.1), timed(3, 24.9) },
    want = { "Latency rises at hop 2 and persists: 1.50 to 24.90 ms, the "
      .. "shortest round trip by 23.40 ms, which fits a longer path." } },
  { name = "queue_rises_and_persists",
    hops = { timed(1, 1.5), timed(2, 25, 2, { best_ms = 1.7 }),
      timed(3, 25.1, 2, { best_ms = 1.9 }) },
    want = { "Latency rises at hop 2 and persists: 1.50 to 25.00 ms, the "
      .. "shortest round trip by 0.30 ms, which fits a queue." } },
  { name = "rise_behind_a_silent_hop_may_be_at_it",
    hops = { timed(1, 1.5), sample.silent(2), timed(3, 25) },
    want = { "Latency rises at hop 3 (2 to 3 possible) and persists: 1.50 "
      .. "to 25.00 ms, the shortest round trip by 23.50 ms, which fits "
      .. "a longer path.",
      "Hop 2 does not reply (0 of 13 probes), hops beyond do." } },
  { name = "rise_within_the_noise_is_none",
    hops = { timed(1, 10, 5), timed(2, 18, 6) }, want = {} },
  { name = "rise_under_a_fifth_is_none",
    hops = { timed(1, 100), timed(2, 115) }, want = {} },
  { name = "way_that_gets_longer_hop_by_hop_has_none",
    hops = { timed(1, 10), timed(2, 20), timed(3, 31), timed(4, 40) },
    want = {} },
  { name = "rise_of_few_samples_is_none",
    hops = { timed(1, 1.5), timed(2, 25, 0, { received = 4 }) },
    want = {} },
  { name = "rise_of_late_answers_is_none",
    hops = { timed(1, 1.5), timed(2, 25, 0, { late = 6 }) }, want = {} },
  { name = "first_hop_cannot_rise", hops = { timed(1, 80) }, want = {} },
  { name = "slow_to_answer_but_forwards",
    hops = { timed(1, 1.5), timed(2, 30), timed(3, 2) },
    want = { "Hop 2 is slow to reply but forwards fine: 30.00 ms, hop 3 "
      .. "beyond it 2.00 ms." } },
  { name = "a_little_slower_is_none",
    hops = { timed(1, 1.5), timed(2, 3.9), timed(3, 2) }, want = {} },
  { name = "slow_within_the_noise_is_none",
    hops = { timed(1, 9, 8), timed(2, 2) }, want = {} },
  { name = "slow_last_hop_is_a_rise_not_slow",
    hops = { timed(1, 1.5), timed(2, 30) },
    want = { "Latency rises at hop 2 and persists: 1.50 to 30.00 ms, the "
      .. "shortest round trip by 28.50 ms, which fits a longer path." } },
  { name = "hop_without_times_is_passed_over",
    hops = { timed(1, 1.5), sample.hop(2, { { address = "10.0.0.2",
      flow = 0, received = 10, late = 0 } }), timed(3, 1.6) }, want = {} },
}
check.rows(LATENCY, function(row)
  check.equal(texts(row.hops), row.want)
end)

-- Runs from a text such as "A5 B5": responders and their replies in a row;
-- "A/60" is A with reply TTL 60, "1:A5" is A on flow 1.
local NAMED = { A = "10.1.0.1", B = "10.1.0.2", C = "10.1.0.3" }

local function runs_of(text, start, step)
  local runs, at = {}, start or 0
  for flow, name, ttl, count in text:gmatch("(%d*):?(%u)/?(%d*)x(%d+)") do
    runs[#runs + 1] = { address = NAMED[name], at_s = at,
      flow = math.tointeger(tonumber(flow)) or 0,
      reply_ttl = math.tointeger(tonumber(ttl)) or 64,
      count = math.tointeger(tonumber(count)) }
    at = at + (step or 0.1) * tonumber(count)
  end
  return runs
end

local function responders_of(runs)
  local list, seen = {}, {}
  for _, run in ipairs(runs) do
    local key = run.address .. run.flow
    if not seen[key] then
      list[#list + 1] = sample.responder(run.address, { flow = run.flow,
        median_ms = 1.5 + 0.25 * #list })
      seen[key] = true
    end
  end
  return list
end

local function walked(ttl, text, start, step)
  local runs = runs_of(text, start, step)
  return sample.hop(ttl, responders_of(runs), { runs = runs })
end

local PATH = {
  { name = "one_responder_is_no_change", hops = { walked(1, "Ax10") },
    want = {} },
  { name = "responder_that_stays_is_a_changed_path",
    hops = { walked(4, "Ax6 Bx4") },
    want = { "Path changed 0.60 s into the trace at hop 4: 10.1.0.2 instead "
      .. "of 10.1.0.1 at hop 4; median round trip at hop 4 1.50 ms before, "
      .. "1.75 ms after." } },
  { name = "hops_that_change_together_are_one_change",
    hops = { walked(3, "Ax10"), walked(4, "Ax6 Bx4", 0.02),
      walked(5, "Cx6 Ax4"), walked(6, "Ax3 Bx7", 1, 1.05) },
    want = { "Path changed 0.60 s into the trace at hops 4 to 5: 10.1.0.2 "
      .. "instead of 10.1.0.1 at hop 4; median round trip at hop 5 1.50 ms "
      .. "before, 1.75 ms after.",
      "Path changed 4.15 s into the trace at hop 6: 10.1.0.2 instead of "
      .. "10.1.0.1 at hop 6; median round trip at hop 6 1.50 ms before, "
      .. "1.75 ms after." } },
  { name = "path_that_changes_and_changes_back_later",
    hops = { walked(4, "Ax20 Bx20 Ax20") },
    want = { "Path changed 2.00 s into the trace at hop 4: 10.1.0.2 instead "
      .. "of 10.1.0.1 at hop 4; median round trip at hop 4 1.50 ms before, "
      .. "1.75 ms after.",
      "Path changed 4.00 s into the trace at hop 4: 10.1.0.1 instead of "
      .. "10.1.0.2 at hop 4; median round trip at hop 4 1.75 ms before, "
      .. "1.50 ms after." } },
  { name = "responder_that_does_not_stay_is_no_change",
    hops = { walked(4, "Ax8 Bx2") }, want = {} },
  { name = "single_stray_answer_is_no_change",
    hops = { walked(4, "Ax5 Bx1 Ax5") }, want = {} },
  { name = "other_reply_ttl_is_a_changed_return_path",
    hops = { walked(3, "A/61x6 A/60x4"), walked(4, "B/60x6 B/59x4") },
    want = { "Return path changed 0.60 s into the trace from hops 3 to 4: "
      .. "same addresses, TTL of hop 3's replies 60 instead of 61." } },
  { name = "return_path_with_the_path_is_one_change",
    hops = { walked(4, "Ax6 Bx4"), walked(5, "A/60x6 A/59x4") },
    want = { "Path changed 0.60 s into the trace at hop 4: 10.1.0.2 instead "
      .. "of 10.1.0.1 at hop 4; median round trip at hop 4 1.50 ms before, "
      .. "1.75 ms after." } },
  { name = "reply_ttl_that_comes_and_goes_is_no_change",
    hops = { walked(3, "A/61x4 A/60x4 A/61x4") }, want = {} },
  { name = "responders_that_take_turns_are_balanced_per_packet",
    hops = { walked(4, "Ax1 Bx2 Ax3 Bx1 Ax3") },
    want = { "Per-packet load balancing at hop 4: 2 addresses reply in one "
      .. "flow (10.1.0.1, 10.1.0.2)." } },
  { name = "flows_with_responders_of_their_own_are_balanced_per_flow",
    hops = { walked(4, "0:Ax10 1:Bx10 2:Bx10") },
    want = { "Per-flow load balancing at hop 4: 3 flows meet 2 addresses "
      .. "(10.1.0.1, 10.1.0.2)." } },
  { name = "flows_that_meet_one_responder_are_not_balanced",
    hops = { walked(4, "0:Ax10 1:Ax10") }, want = {} },
  { name = "interleaved_flows_do_not_take_turns",
    hops = { walked(4, "0:Ax1 1:Bx1 0:Ax1 1:Bx1 0:Ax1 1:Bx1") },
    want = { "Per-flow load balancing at hop 4: 2 flows meet 2 addresses "
      .. "(10.1.0.1, 10.1.0.2)." } },
  { name = "changed_path_of_one_flow_is_not_balanced",
    hops = { walked(4, "0:Ax6 0:Bx6 1:Bx12") },
    want = { "Path changed 0.60 s into the trace at hop 4: 10.1.0.2 instead "
      .. "of 10.1.0.1 at hop 4; median round trip at hop 4 1.50 ms before, "
      .. "1.75 ms after." } },
}
check.rows(PATH, function(row)
  check.equal(texts(row.hops), row.want)
end)

check.case("path_changed_without_times_has_no_step", function()
  local hop = walked(4, "Ax6 Bx4")
  hop.responders[1].median_ms = nil
  check.equal(texts { hop }, { "Path changed 0.60 s into the trace at hop 4: "
    .. "10.1.0.2 instead of 10.1.0.1 at hop 4." })
end)

-- One verdict of each kind on one path.
local function everything(silent_end)
  local hops = { timed(1, 1.5), walked(2, "Ax6 Bx4"),
    walked(3, "A/61x6 A/60x4", 30), timed(4, 30), sample.silent(5),
    walked(6, "Ax1 Bx2 Ax3 Bx1 Ax3"), walked(7, "0:Ax10 1:Bx10"),
    timed(8, 12), timed(9, 12), timed(10, 12), timed(11, 12), timed(12, 12) }
  for ttl = 8, 12 do
    hops[ttl].received, hops[ttl].lost = 5, { 1, 3, 5, 7, 9 }
  end
  hops[7].rate_limit = { burst_sent = 16, burst_received = 1,
    sample_interval_s = 1.05,
    initial_sent = 10, initial_received = 7, shared = 0 }
  if not silent_end then
    return texts(hops)
  end
  hops[13] = sample.silent(13)
  return texts(hops, { reached = false, ending = "silent" })
end

check.case("most_important_comes_first", function()
  local kinds, list = {}, select(2, everything())
  for i, v in ipairs(list) do
    kinds[i] = v.kind
  end
  check.equal(table.concat(kinds, " "), "loss path_changed "
    .. "return_path_changed latency_rise balanced_per_packet "
    .. "balanced_per_flow slow_to_answer rate_limited silent")
  local order = table.concat(verdict.KINDS, " ")
  local at = 1
  for _, kind in ipairs(kinds) do
    at = select(2, order:find(kind, at, true))
    check.equal(at ~= nil, true, kind)
  end
end)

check.case("every_key_of_a_verdict_has_its_field", function()
  local known = {}
  for _, field in ipairs(fields.of_verdicts()) do
    check.equal(known[field.verdict], nil, field.key)
    check.equal(format.kinds[field.kind] ~= nil, true, field.key)
    known[field.verdict] = true
  end
  local list = select(2, everything())
  table.move(select(2, everything(true)), 1, 3, #list + 1, list)
  for _, v in ipairs(list) do
    for key, value in pairs(v) do
      check.equal(known[key], true, v.kind .. "." .. key)
      check.equal(type(value) ~= "table", true, v.kind .. "." .. key)
    end
  end
end)

check.case("every_text_is_one_line_of_ascii", function()
  for _, text in ipairs((everything())) do
    check.equal(text, format.clean(text))
    check.equal(text:sub(-1), ".")
  end
end)

check.case("judging_twice_gives_the_same", function()
  local result = sample.result { timed(1, 1.5), walked(4, "Ax6 Bx4") }
  local first = check.show(verdict.judge(result).verdicts)
  check.equal(check.show(verdict.judge(result).verdicts), first)
end)

check.finish()
