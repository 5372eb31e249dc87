-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local sample = require "sample"
local structured = require "mtrtrace.report.structured"

-- A table that knows the order of its keys, as stdnse.output_table makes.
local function ordered()
  local order, values = {}, {}
  return setmetatable({}, {
    __newindex = function(_, key, value)
      order[#order + 1] = value ~= nil and key or nil
      values[key] = value
    end,
    __index = values,
    __call = function() return order end,
  })
end

local function build(hops, changes, view)
  return structured.build(sample.result(hops, changes), view or {}, ordered)
end

local function target()
  return sample.responder("93.184.216.34", { target = true })
end

check.case("head_has_its_keys_in_order", function()
  local out = build({ sample.hop(1, { target() }) }, nil,
    { name = "www.example.com" })
  check.equal(table.concat(out(), " "), "target name protocol source "
    .. "interface mtu size packets reached ending target_ttl first_hop "
    .. "probed_hop elapsed_s sent capture_drops clock_adjustments "
    .. "missing_tx_timestamp path_id "
    .. "hops")
end)

check.case("head_has_raw_values", function()
  local out = build({ sample.hop(1, { target() }) }, { port = 80 },
    { name = "a\27b" })
  check.equal({ out.target, out.name, out.port, out.reached, out.elapsed_s },
    { "93.184.216.34", "ab", 80, true, "1.012346" })
end)

check.case("ending_has_its_icmp_code", function()
  local out = build({ sample.hop(1, { sample.responder "10.0.0.1" }) },
    { reached = false, ending = "unreachable", ending_type = 11,
      ending_code = 0 })
  check.equal({ out.reached, out.ending, out.ending_type, out.ending_code },
    { false, "unreachable", 11, 0 })
  check.contains(out.notes[1], "10.0.0.1 at hop 1")
end)

check.case("hop_has_counts_loss_and_its_interval", function()
  local hop = build({ sample.hop(1, { target() }, { loss = 0.1,
    received = 9 }) }).hops[1]
  check.equal(table.concat(hop(), " "), "hop loss_percent loss_low_percent "
    .. "loss_high_percent sent received late duplicates send_errors "
    .. "total_sent "
    .. "total_received "
    .. "rate_limited "
    .. "better_beyond silent responders")
  check.equal({ hop.hop, hop.loss_percent, hop.loss_high_percent, hop.sent,
    hop.received },
    { "1", "10", "27.75", "10", "9" })
end)

check.case("responder_has_every_figure", function()
  local r = build({ sample.hop(1, { target() }) }).hops[1].responders[1]
  check.equal(table.concat(r(), " "), "ip received last_ms avg_ms best_ms "
    .. "worst_ms median_ms p95_ms stdev_ms jitter_ms jitter_rfc3550_ms "
    .. "reply_ttl late duplicates flow target codes")
  check.equal({ r.ip, r.avg_ms, r.worst_ms, r.p95_ms, r.reply_ttl, r.target },
    { "93.184.216.34", "1.52", "2", "1.95", "64", true })
end)

check.case("every_responder_and_code_is_there", function()
  local second = sample.responder("10.0.0.2", { codes = {
    { type = 3, code = 13, name = "admin\27 prohibited", count = 2 },
    { type = 11, code = 0, count = 1 },
  } })
  local hop = build({ sample.hop(1, { target(), second }) }).hops[1]
  local codes = hop.responders[2].codes
  check.equal(hop.responders[2].ip, "10.0.0.2")
  check.equal(table.concat(codes[1](), " "), "type code name count")
  check.equal({ codes[1].type, codes[1].code, codes[1].name, codes[1].count },
    { 3, 13, "admin prohibited", 2 })
  check.equal({ codes[2].type, codes[2].count }, { 11, 1 })
end)

check.case("rate_limited_hop_has_the_bucket_seen", function()
  local hop = build({ sample.hop(1, { target() }, { rate_limited = true,
    rate_limit = { burst_sent = 16, burst_received = 1,
      sample_interval_s = 1.05,
      initial_sent = 10, initial_received = 7, shared = 4 } }) }).hops[1]
  check.equal({ hop.rate_limited, hop.burst_sent, hop.burst_received,
    hop.sample_interval_s, hop.initial_sent, hop.initial_received,
    hop.shared },
    { true, "16", "1", "1.05", "10", "7", "4" })
end)

check.case("suppressed_hop_is_flagged_and_keeps_its_counts", function()
  local hop = build({ sample.hop(1, { target() }, { better_beyond = 2,
    received = 3, total_received = 5 }), sample.hop(2, { target() }) }).hops[1]
  check.equal({ hop.better_beyond, hop.received, hop.total_received },
    { true, "3", "5" })
end)

check.case("verdict_has_its_kind_and_numbers_in_order", function()
  local v = build({}, { verdicts = { { kind = "loss", hop = 6, from = 5,
    to = 6, loss = 0.05, loss_low = 0.034, loss_high = 0.078, lost = 21,
    sent = 420, lost_before = 0, sent_before = 300, tentative = true,
    text = "Round-trip\27 loss" } } }).verdicts[1]
  check.equal(table.concat(v(), " "), "kind hop from to tentative "
    .. "loss_percent loss_low_percent loss_high_percent lost sent "
    .. "lost_before sent_before text")
  check.equal({ v.kind, v.hop, v.loss_percent, v.loss_high_percent,
    v.tentative, v.text },
    { "loss", "6", "5", "7.8", true, "Round-trip loss" })
end)

check.case("path_without_verdicts_has_none", function()
  check.equal(build({}, { verdicts = {} }).verdicts, nil)
end)

check.case("silent_hops_stay_single_and_have_no_responders", function()
  local hops = { sample.hop(1, { target() }) }
  for ttl = 2, 9 do
    hops[ttl] = sample.silent(ttl)
  end
  local out = build(hops, { reached = false, ending = "silent" })
  check.equal(#out.hops, 9)
  check.equal({ out.hops[9].hop, out.hops[9].loss_percent,
    out.hops[9].received,
    out.hops[9].silent, #out.hops[9].responders },
    { "9", "100", "0", true, 0 })
end)

local function with_guess(guess)
  return build({ sample.hop(1, { sample.responder("10.0.0.1",
    { os = guess }) }) }).hops[1].responders[1]
end

check.case("os_guess_has_candidates_and_raw_evidence", function()
  local r = with_guess { label = "Junos", confidence = "medium",
    doubtful = true, conflicts = { "R9 contradicts R4" },
    candidates = { { name = "Junos", confidence = 0.55 } },
    evidence = { error_ttl = 255, echo_df = "reflected", family = 4,
      distance = { echo = 3, exceeded = 4 }, rules = { "R4" },
      interface_names = { "xe-0\27/0" }, forwards = true } }
  local g = r.os_guess
  check.equal({ r.os, table.concat(g(), " ") }, { "Junos?",
    "label confidence candidates evidence conflicts" })
  check.equal({ g.candidates[1].name, g.candidates[1].confidence },
    { "Junos", "0.55" })
  check.equal(table.concat(g.evidence(), " "), "distance echo_df error_ttl "
    .. "family forwards interface_names rules")
  check.equal({ g.evidence.distance.exceeded, g.evidence.error_ttl,
    g.evidence.forwards, g.evidence.interface_names[1], g.evidence.rules[1],
    g.conflicts[1] }, { 4, 255, true, "xe-0/0", "R4",
    "R9 contradicts R4" })
end)

check.case("unknown_os_has_its_evidence_and_no_confidence", function()
  local r = with_guess { confidence = "low", doubtful = true,
    candidates = {}, conflicts = {}, evidence = { exceeded_ttl = 64,
      distance = {}, rules = {} } }
  check.equal(table.concat(r.os_guess(), " "), "label evidence")
  check.equal({ r.os, r.os_guess.label,
    table.concat(r.os_guess.evidence(), " ") },
    { "unknown", "unknown", "exceeded_ttl" })
end)

check.case("what_is_unknown_is_absent", function()
  local r = build({ sample.hop(1, { { address = "10.0.0.1",
    received = 0, special = "private" } }) }).hops[1].responders[1]
  check.equal(table.concat(r(), " "), "ip received special asn organization "
    .. "target")
end)

check.finish()
