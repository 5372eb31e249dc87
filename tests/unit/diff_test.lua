-- SPDX-License-Identifier: BSD-2-Clause
-- The comparison of two runs: tests of significance against known values,
-- alignment, matching of targets, what is a difference and what a remark, and
-- files that cannot be read.
local align = require "mtrtrace.diff.align"
local check = require "check"
local compare = require "mtrtrace.diff.compare"
local load = require "mtrtrace.diff.load"
local report = require "mtrtrace.diff.report"
local snapshot = require "mtrtrace.diff.snapshot"
local stats = require "mtrtrace.diff.stats"
local words = require "mtrtrace.diff.words"
local xml = require "mtrtrace.diff.xml"

-- ---- statistics -----------------------------------------------------------

local function near(got, want, what)
  check.equal(math.abs(got - want) <= 1e-6 + 1e-4 * math.abs(want), true,
    ("%s: got %.9g, want %.9g"):format(what or "", got, want))
end

-- By R: fisher.test, wilcox.test, t.test, pt, pnorm.
local FISHER = {
  { name = "fisher_0_of_10_against_5_of_10", k = { 0, 10, 5, 10 },
    p = 0.0325077 },
  { name = "fisher_8_of_10_against_1_of_6", k = { 8, 10, 1, 6 },
    p = 0.0349650 },
  { name = "fisher_no_loss_at_all", k = { 0, 10, 0, 20 }, p = 1 },
  { name = "fisher_all_lost", k = { 10, 10, 20, 20 }, p = 1 },
  { name = "fisher_all_against_none", k = { 10, 10, 0, 10 },
    p = 1.082509e-5 },
}
check.rows(FISHER, function(row)
  near(stats.fisher(table.unpack(row.k)), row.p)
end)

check.case("student_and_normal_have_the_known_tails", function()
  near(stats.student(2.228139, 10), 0.05)
  near(stats.student(12.7062, 1), 0.05)
  near(stats.normal(1.959964), 0.05)
  check.equal(math.abs(stats.normal(5) / 5.733031e-7 - 1) < 1e-4, true)
  near(stats.normal_z(0.05), 1.959964)
end)

local function range(from, to)
  local out = {}
  for i = from, to do
    out[#out + 1] = i
  end
  return out
end

check.case("ranks_of_small_samples_are_exact", function()
  near(stats.ranks(range(1, 10), range(21, 30)), 1.082509e-5)
  local p, above = stats.ranks({ 1, 2, 3, 4, 5 }, { 3.5, 6, 7, 8, 9, 10 })
  near(p, 0.0173160)
  check.equal(above, true)
  check.equal(select(2, stats.ranks(range(21, 30), range(1, 10))), false)
end)

check.case("ranks_of_equal_values_show_nothing", function()
  check.equal(stats.ranks({ 1, 1, 1, 1 }, { 1, 1, 1, 1, 1 }), 1)
  check.equal(stats.ranks({}, { 1 }), 1)
end)

check.case("dependent_values_show_less", function()
  local a, b = range(1, 30), range(31, 60)
  local alone, spread = stats.ranks(a, b), stats.dependence(a)
  check.equal(spread > 3, true)
  check.equal(stats.ranks(a, b, spread) > 100 * alone, true)
  check.equal(stats.dependence { 1, 9, 2, 8, 3, 7, 4, 6 } == 1, true)
end)

check.case("welch_has_the_known_value_and_a_margin", function()
  local a = { n = 10, mean = 1.0, stdev = 0.1 }
  local b = { n = 20, mean = 1.2, stdev = 0.2 }
  near(stats.welch(a, b, 0), 0.00106153)
  check.equal(stats.welch(a, b, 0.2), 1)
  check.equal(stats.welch(a, b, 0.1) > stats.welch(a, b, 0), true)
end)

check.case("bursts_spread_a_count_and_single_losses_do_not", function()
  check.equal(stats.spread(6, 54, 6), 1)
  check.equal(stats.spread(12, 108, 1) > 10, true)
  check.equal(stats.spread(0, 60, 0), 1)
end)

check.case("control_of_many_tests_as_benjamini_and_hochberg", function()
  local tests = { { p = 0.001 }, { p = 0.6 }, { p = 0.012 }, { p = 0.02 } }
  stats.control(tests, 0.02)
  near(tests[1].p_adjusted, 0.004)
  near(tests[3].p_adjusted, 0.024)
  near(tests[4].p_adjusted, 0.0266667)
  check.equal({ tests[1].rejected, tests[3].rejected }, { true, false })
end)

-- ---- paths ----------------------------------------------------------------

local T = "192.0.2.9"

-- Round trips go by the address: a is 1 ms away, b 2.
local function hop(ttl, ips, more)
  local out = { hop = ttl, sent = 20, received = 20, loss_percent = 0,
    loss_periods = 0, responders = {} }
  for i, ip in ipairs(type(ips) == "table" and ips or { ips }) do
    local ms = ip == T and 5.0 or ip:byte() - 96.0
    out.responders[i] = { ip = ip, received = 20, avg_ms = ms,
      stdev_ms = 0.05, median_ms = ms }
  end
  for key, value in pairs(more or {}) do
    out[key] = value
  end
  return out
end

-- A path by its addresses; "" is silent; the last one is the target.
local function path(addresses, more)
  local trace = { target = "192.0.2.9", protocol = "icmp", reached = true,
    source = "192.0.2.1", target_ttl = #addresses, hops = {} }
  for ttl, ips in ipairs(addresses) do
    trace.hops[ttl] = hop(ttl, ips ~= "" and ips or {})
    if ips == "" then
      trace.hops[ttl].received, trace.hops[ttl].loss_percent = 0, 100
    end
  end
  for key, value in pairs(more or {}) do
    trace[key] = value
  end
  return trace
end

local function of(a, b)
  return compare.run({ snapshot.of(a) }, { snapshot.of(b) })
end

local function kinds(found, list)
  local out = {}
  for i, d in ipairs(found.targets[1][list or "differences"]) do
    out[i] = d.kind
  end
  return table.concat(out, " ")
end

local PATHS = {
  { name = "same_path", a = { "a", "b", T }, b = { "a", "b", T }, want = "" },
  { name = "another_address", a = { "a", "b", T }, b = { "a", "c", T },
    want = "address" },
  { name = "silent_in_one_run", a = { "a", "b", T }, b = { "a", "", T },
    want = "" },
  { name = "silent_in_both", a = { "a", "", T }, b = { "a", "", T },
    want = "" },
  { name = "a_new_hop_moves_all_beyond", a = { "a", "b", "c", T },
    b = { "a", "x", "b", "c", T }, want = "hop_new" },
  { name = "a_hop_is_gone", a = { "a", "x", "b", T }, b = { "a", "b", T },
    want = "hop_gone" },
  { name = "a_silent_hop_more", a = { "a", "b", T }, b = { "a", "", "b", T },
    want = "silent_hop_new" },
  { name = "two_hops_changed", a = { "a", "b", "c", T },
    b = { "a", "x", "y", T }, want = "address address" },
  { name = "balanced_hop_seen_in_part", a = { "a", { "b", "c" }, T },
    b = { "a", { "c" }, T }, want = "" },
  { name = "balanced_hop_with_other_routers", a = { "a", { "b", "c" }, T },
    b = { "a", { "d", "e" }, T }, want = "address" },
  { name = "the_target_has_two_rows", a = { "a", { "b", T }, T },
    b = { "a", T }, want = "" },
}
check.rows(PATHS, function(row)
  check.equal(kinds(of(path(row.a), path(row.b))), row.want)
end)

check.case("what_is_beyond_the_end_of_a_shorter_look_is_not_gone", function()
  local cut = path({ "a", "b" }, { reached = false })
  cut.hops[3] = hop(3, {}, { received = 0, loss_percent = 100 })
  check.equal(kinds(of(path { "a", "b", "c", T }, cut)), "not_reached")
  -- Of two probes each nothing is known.
  local before, after = path { "a", "b", "c", T }, path({ "a", "b" },
    { reached = false })
  for _, trace in ipairs { before, after } do
    for _, h in ipairs(trace.hops) do
      h.sent, h.received = 2, h.received > 0 and 2 or 0
    end
  end
  check.equal(kinds(of(before, after)), "")
end)

check.case("by_few_replies_another_address_may_be_balancing", function()
  local a, b = path { "a", "b", T }, path { "a", "c", T }
  a.hops[2].responders[1].received = 2
  b.hops[2].responders[1].received = 2
  local found = of(a, b)
  check.equal(kinds(found), "")
  check.equal(kinds(found, "remarks"), "address_unsure")
end)

check.case("texts_and_numbers_of_documents_are_the_same", function()
  local a, b = path { "a", "b", T }, path { "a", "b", T }
  b.reached, b.target_ttl = "true", "3"
  for _, h in ipairs(b.hops) do
    h.hop, h.sent, h.loss_percent = tostring(h.hop), "20", "0"
    h.received, h.received = "20", nil
    for _, r in ipairs(h.responders) do
      r.avg_ms = tostring(r.avg_ms)
    end
  end
  check.equal(kinds(of(a, b)), "")
end)

-- ---- systems --------------------------------------------------------------

local ASNS = {
  { name = "another_asn", a = 64500, b = 64501, want = "asn" },
  { name = "another_asn_in_texts", a = "AS64500", b = "AS64501 (irr)",
    want = "asn" },
  { name = "asn_not_known_in_one_run", a = "AS64500", want = "" },
  { name = "private_is_no_asn", a = "Private", b = "AS64500", want = "" },
  { name = "one_origin_in_common", a = "AS64500/AS64501", b = 64501,
    want = "" },
}
check.rows(ASNS, function(row)
  local a, b = path { "a", "b", T }, path { "a", "b", T }
  a.hops[2].responders[1].asn = row.a
  b.hops[2].responders[1].asn = row.b
  check.equal(kinds(of(a, b)), row.want)
end)

-- ---- shifts ---------------------------------------------------------------

local function slower(trace, from, by, upto)
  for ttl = from, upto or #trace.hops do
    local r = trace.hops[ttl].responders[1]
    r.avg_ms, r.median_ms = r.avg_ms + by, r.median_ms + by
  end
  return trace
end

local ROUTE = { "a", "b", "c", "d", T }

check.case("latency_that_persists_is_the_paths", function()
  local found = of(path(ROUTE), slower(path(ROUTE), 3, 5))
  check.equal(kinds(found), "latency")
  local d = found.targets[1].differences[1]
  check.equal({ d.hop_after, d.shown_at, d.test }, { 3, 5, "welch" })
  near(d.latency_shift, 5)
  check.contains(d.text, "Latency from hop 3 on: 10.00 instead of 5.00 ms at "
    .. "hop 5, +5.00 ms (")
end)

check.case("latency_of_one_router_is_a_remark", function()
  local found = of(path(ROUTE), slower(path(ROUTE), 3, 5, 3))
  check.equal(kinds(found), "")
  check.equal(kinds(found, "remarks"), "hop_latency")
end)

check.case("a_significant_shift_that_does_not_matter_is_none", function()
  local function exact(trace)
    for _, h in ipairs(trace.hops) do
      h.responders[1].stdev_ms = 0.0001
    end
    return trace
  end
  check.equal(kinds(of(exact(path(ROUTE)),
    exact(slower(path(ROUTE), 1, 0.09)))), "")
end)

local function lossy(trace, from, lost, upto, periods)
  for ttl = from, upto or #trace.hops do
    local h = trace.hops[ttl]
    h.sent, h.received = 100, 100 - lost
    h.loss_percent, h.loss_periods = lost, periods or lost
    h.longest_loss_period = math.ceil(lost / math.max(1, h.loss_periods))
  end
  return trace
end

local function clean()
  return lossy(path(ROUTE), 1, 0)
end

check.case("loss_that_persists_is_the_paths", function()
  local found = of(clean(), lossy(clean(), 3, 10))
  check.equal(kinds(found), "loss")
  local d = found.targets[1].differences[1]
  check.equal({ d.hop_after, d.sent_after, d.received_after },
    { 3, 300, 270 })
  check.contains(d.text, "Loss from hop 3 on: 10.0% instead of 0.0%: 30 of "
    .. "300 instead of 0 of 300 probes lost; Fisher's exact test, p < 0.001")
end)

check.case("replies_that_one_router_drops_are_a_remark", function()
  local found = of(clean(), lossy(clean(), 3, 30, 3))
  check.equal(kinds(found), "")
  check.equal(kinds(found, "remarks"), "hop_loss")
end)

check.case("one_burst_is_no_difference", function()
  check.equal(kinds(of(clean(), lossy(clean(), 3, 12, nil, 1))), "")
end)

local EXCUSED = { "untested", "shared_rate_limit", "better_beyond" }
for _, mark in ipairs(EXCUSED) do
  check.case("loss_of_a_hop_that_is_" .. mark .. "_counts_for_nothing",
    function()
      local after = lossy(clean(), 2, 60, 3)
      after.hops[2][mark], after.hops[3][mark] = true, "true"
      local found = of(clean(), after)
      check.equal(kinds(found) .. kinds(found, "remarks"), "")
    end)
end

check.case("other_numbers_of_flows_are_said_and_not_compared", function()
  local a = path { "a", "b", "c", T }
  local b = slower(path { "a", { "b", "x" }, "c", T }, 1, 7)
  b.flows = { {}, {}, {}, {} }
  local found = of(a, b)
  -- Before the balanced hop the shift shows, beyond it nothing is compared.
  check.equal(kinds(found, "remarks"), "other_flow")
  check.equal(kinds(found), "latency")
  check.equal(found.targets[1].differences[1].hop_after, 1)
end)

-- ---- targets --------------------------------------------------------------

local function named(name, target, more)
  local trace = path({ "a", target }, more)
  trace.name, trace.target = name, target
  return snapshot.of(trace)
end

local function matched(before, after)
  local out = {}
  for i, target in ipairs(compare.run(before, after).targets) do
    local d = target.differences[1]
    out[i] = (target.name or target.target) .. " " .. (d and d.kind or "same")
  end
  return table.concat(out, ", ")
end

check.case("targets_are_matched_whatever_their_order", function()
  check.equal(matched({ named("x", "192.0.2.1"), named("y", "192.0.2.2") },
    { named("y", "192.0.2.2"), named("x", "192.0.2.1") }),
    "x same, y same")
end)

check.case("protocol_and_port_are_part_of_a_target", function()
  check.equal(matched({ named("x", "192.0.2.1", { protocol = "tcp",
    port = 80 }) }, { named("x", "192.0.2.1", { protocol = "tcp",
    port = 443 }) }), "x only_before, x only_after")
end)

check.case("a_name_with_another_address_is_one_difference", function()
  check.equal(matched({ named("x", "192.0.2.1") },
    { named("x", "192.0.2.7") }), "x target_address")
end)

check.case("what_was_not_traced_is_said", function()
  local failed = snapshot.of { name = "x", error = "no such name" }
  check.equal(matched({ named("x", "192.0.2.1") }, { failed }),
    "x not_traced")
  check.equal(matched({ failed }, { named("x", "192.0.2.1") }),
    "x traced_now")
  check.equal(matched({ failed }, { failed }), "x same")
end)

-- ---- reports --------------------------------------------------------------

check.case("text_names_target_differences_and_path", function()
  local found = of(path { "a", "b", T }, path { "a", "c", T })
  local a, b = found.targets[1].path_id_before,
    found.targets[1].path_id_after
  check.equal(report.text(found), ("192.0.2.9 by icmp: 1 difference\n"
    .. "  Hop 2: c instead of b.\n"
    .. "  Path %012x instead of %012x\n"):format(b, a))
  check.equal(a ~= b and a < 1 << 48, true)
  check.contains(report.markdown(found), "| 192.0.2.9 by icmp | Path ")
end)

check.case("control_characters_of_a_document_are_not_printed", function()
  local a, b = path { "a", "b", T }, path { "a", "c\27[31m\n|x", T }
  a.name, b.name = "n\27\n", "n\27\n"
  check.equal(report.text(of(a, b)):find "\27", nil)
  check.equal(#report.markdown(of(a, b)):gsub("[^\n]", ""), 3)
end)

check.case("every_kind_has_a_schema_entry", function()
  local schema = report.schema().properties.targets.items.properties
    .differences.items
  check.equal(schema.properties.kind.enum, words.kinds())
  check.equal(#schema.required > 20, true)
end)

-- The contract: keys that are there stay, with their types.
local has_dkjson, dkjson = pcall(require, "dkjson")
if has_dkjson then
  check.stored("the_schema_is_as_it_was",
    "tests/unit/golden/diff.schema.json", function()
      return dkjson.encode(report.schema(), { indent = true }) .. "\n"
    end)
end

-- ---- files ----------------------------------------------------------------

local function file_of(text)
  return function()
    local at = 1
    return { close = function() end, read = function(_, n)
      local part = text:sub(at, at + n - 1)
      at = at + n
      return part ~= "" and part or nil
    end }
  end
end

local function none()
  return nil
end

local BAD = {
  { name = "empty", text = "", want = "f: the file is empty" },
  { name = "neither", text = "hello\n",
    want = "f: neither a recording, JSON nor XML of mtr-trace or Nmap" },
  { name = "foreign_json", text = '{"a": 1}',
    want = 'f: no JSON of mtr-trace (expected an object with "traces")' },
  { name = "recording_without_engine", text = '{"kind":"mtr-trace"}\n',
    want = "f: recordings need the engine mtrtrace.core" },
  { name = "foreign_xml", text = "<?xml version='1.0'?><nmaprun></nmaprun>",
    want = "f: no result of mtr-trace in it (nmap --script mtr-trace -oX)" },
  { name = "cut_xml", text = "<nmaprun><host>",
    want = "f: the document was cut" },
  { name = "cut_tag", text = "<nmaprun><host ", want = "f: the document was "
    .. "cut" },
  { name = "crossed_xml", text = "<a><b></a></b>",
    want = "f: no well-formed XML" },
  { name = "deep_xml", text = ("<a>"):rep(1000), want = "f: no well-formed "
    .. "XML" },
  { name = "empty_result", text = '<nmaprun><script id="mtr-trace" '
    .. 'output="x"><elem key="target">a</elem></script></nmaprun>',
    want = "f: a trace in it lacks its target or its hops" },
}
check.rows(BAD, function(row)
  local traces, err = load.file("f", { decode = none,
    open = file_of(row.text) })
  check.equal(traces, nil)
  check.equal(err, row.want)
end)

check.case("json_of_another_format_is_refused", function()
  for _, version in ipairs { 1, 2, 4 } do
    local traces, err = load.file("f", { open = file_of('{"traces":[]}'),
      decode = function() return { traces = {}, format_version = version }
      end })
    check.equal(traces, nil)
    check.equal(err, ("f: JSON with format_version %d, this program reads 3")
      :format(version))
  end
end)

check.case("a_file_that_is_not_there_is_named", function()
  local traces, err = load.file("/nonexistent/x", { decode = none })
  check.equal(traces, nil)
  check.contains(err, "/nonexistent/x: No such file")
end)

check.case("an_error_of_the_script_is_a_target_that_was_not_traced",
  function()
    local traces = load.file("f", { decode = none, open = file_of(
      '<nmaprun><script id="mtr-trace" output="ERROR: no"/></nmaprun>') })
    check.equal(traces[1].err, "ERROR: no")
  end)

check.case("xml_knows_quotes_entities_and_comments", function()
  local root = xml.read([[<!DOCTYPE x [ ]><a b="1 > 0" c='&#65;&#x42;&lt;'>]]
    .. "x<!-- <d> -->&amp;&foo;<e/></a>")
  check.equal({ root[1].attr.b, root[1].attr.c, root[1].text, #root[1] },
    { "1 > 0", "AB<", "x&", 1 })
end)

check.case("alignment_prefers_more_equal_hops", function()
  local a = snapshot.of(path { "a", "b", "c", "d", T })
  local b = snapshot.of(path { "b", "c", "d", "e", T })
  local list = {}
  for i, pair in ipairs(align.of(a, b)) do
    list[i] = (pair.before and pair.before.ttl or "-") .. ":"
      .. (pair.after and pair.after.ttl or "-")
  end
  check.equal(table.concat(list, " "), "1:- 2:1 3:2 4:3 -:4 5:5")
end)

check.finish()
