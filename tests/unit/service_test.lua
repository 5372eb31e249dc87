-- SPDX-License-Identifier: BSD-2-Clause
-- The service: counters, metrics as text, where loss begins, path changes.
local check = require "check"
local counts = require "mtrtrace.service.counts"
local entry = require "mtrtrace.service.entry"
local exposition = require "mtrtrace.service.exposition"
local families = require "mtrtrace.service.families"
local frozen = require "mtrtrace.base.frozen"
local path_log = require "mtrtrace.service.path_log"
local probe = require "mtrtrace.service.probe"
local request = require "mtrtrace.service.request"
local roster = require "mtrtrace.service.roster"
local window = require "mtrtrace.service.window"

local case, equal, contains = check.case, check.equal, check.contains

local BOUNDS = { 0.001, 0.1 }

-- A responder whose RTTs are all equal.
local function responder(address, count, ms, target)
  local seconds = ms / 1000
  return { address = address, flow = 0, target = target or false,
    received = count, avg_ms = ms, best_ms = ms, jitter_ms = 0.5,
    reply_ttl = 60, rtt_counts = { seconds <= 0.001 and count or 0,
      seconds <= 0.1 and count or 0, count } }
end

-- { ttl, sent, address, received, ms }
local function hop(row, target)
  local ttl, sent, address, received, ms = table.unpack(row)
  local lost = {}
  for i = 1, sent - (received or 0) do
    lost[i] = i
  end
  return { ttl = ttl, sent = sent, received = received or 0, lost = lost,
    late = 0, duplicates = 0, send_errors = 0, total_sent = sent,
    total_received = received or 0, silent = (received or 0) == 0,
    loss = sent > 0 and (sent - (received or 0)) / sent or nil, runs = {},
    responders = (received or 0) > 0
      and { responder(address, received, ms or 5, target) } or {} }
end

local function result_of(rows, reached)
  local result = { target = "192.0.2.9", protocol = "icmp", first_hop = 1,
    reached = reached ~= false, ending = reached ~= false and "reached"
      or "silent", elapsed_s = 1, hops = {}, clock_adjustments = 0 }
  for i, row in ipairs(rows) do
    result.hops[i] = hop(row, reached ~= false and i == #rows)
  end
  result.target_ttl = result.reached and #rows or nil
  return result
end

local function of_ttl(all, ttl)
  for _, one in ipairs(all.hops) do
    if one.ttl == ttl then
      return one.values
    end
  end
end

local function spec_of(label, labels)
  return { label = label, name = label, labels = labels or {},
    options = { protocol = "icmp" } }
end

-- ---- counters --------------------------------------------------------------

case("everything_is_0_before_the_first_round", function()
  local all = counts.new('target="a"', BOUNDS)
  local values = of_ttl(all, "target")
  equal({ values.probes, values.lost, values.rtt.count }, { 0, 0, 0 })
  equal({ all.values.reached, all.values.path_hops,
    all.values.loss_begins }, { 0, 0, 0 })
end)

case("rounds_add_up_and_the_target_has_series_of_its_own", function()
  local all = counts.new("", BOUNDS)
  for _ = 1, 2 do
    all:take(result_of { { 1, 10, "10.0.0.1", 10, 0.5 },
      { 2, 10, "192.0.2.9", 8, 20 } }, 5)
  end
  local first, target = of_ttl(all, "1"), of_ttl(all, "target")
  equal({ first.probes, first.replies, first.lost }, { 20, 20, 0 })
  equal({ target.probes, target.replies, target.lost }, { 20, 16, 4 })
  equal(of_ttl(all, "2"), nil)
  equal(first.rtt.counts, { 20, 20 })
  equal(target.rtt.counts, { 0, 16 })
  equal(target.rtt.count, 16)
  equal(("%.6f"):format(target.rtt.sum_s), "0.320000")
  equal(all.values.path_hops, 2)
end)

case("a_hop_that_never_replied_loses_nothing", function()
  local all = counts.new("", BOUNDS)
  all:take(result_of { { 1, 10 }, { 2, 10, "192.0.2.9", 10 } }, 5)
  equal(of_ttl(all, "1"), nil)
end)

case("a_hop_that_stops_replying_loses_until_it_is_taken_for_silent",
  function()
    local all = counts.new("", BOUNDS)
    all:take(result_of { { 1, 10, "10.0.0.1", 10 },
      { 2, 10, "192.0.2.9", 10 } }, 5)
    for _ = 1, 30 do
      all:take(result_of { { 1, 10 }, { 2, 10, "192.0.2.9", 10 } }, 5)
    end
    equal(of_ttl(all, "1").lost, 90)
    all:take(result_of { { 1, 10, "10.0.0.1", 9 },
      { 2, 10, "192.0.2.9", 10 } }, 5)
    equal(of_ttl(all, "1").lost, 91)
  end)

case("while_the_target_is_down_its_probes_and_those_before_it_are_lost",
  function()
    local all = counts.new("", BOUNDS)
    local up = { { 1, 10, "10.0.0.1", 10 }, { 2, 10, "10.0.1.1", 10 },
      { 3, 10, "192.0.2.9", 10 } }
    all:take(result_of(up), 5)
    for _ = 1, 20 do
      all:take(result_of({ up[1], { 2, 10 }, { 3, 10 }, { 4, 10 },
        { 5, 10 } }, false), 6)
    end
    equal(of_ttl(all, "1").lost, 0)
    equal(of_ttl(all, "2").lost, 200)
    equal({ of_ttl(all, "target").probes, of_ttl(all, "target").lost },
      { 210, 200 })
    equal({ of_ttl(all, "4"), of_ttl(all, "5") }, {})
    equal({ all.values.reached, all.values.loss_bursts }, { 0, 20 })
  end)

case("a_target_that_never_replied_loses_the_farthest_probes", function()
  local all = counts.new("", BOUNDS)
  all:take(result_of({ { 1, 10, "10.0.0.1", 10 }, { 2, 10 } }, false), 5)
  equal({ of_ttl(all, "target").probes, of_ttl(all, "target").lost },
    { 10, 10 })
end)

case("an_inconclusive_sample_enters_no_counter_and_is_counted", function()
  local all = counts.new("", BOUNDS)
  local result = result_of { { 1, 10, "10.0.0.1", 4 },
    { 2, 10, "192.0.2.9", 10 } }
  result.hops[1].untested = true
  all:take(result, 5)
  equal({ of_ttl(all, "1").probes, of_ttl(all, "1").rtt.count,
    all.discarded }, { 0, 0, 1 })
end)

case("a_failed_round_is_counted_and_the_target_is_not_reached", function()
  local all = counts.new("", BOUNDS)
  all:take(result_of { { 1, 10, "192.0.2.9", 10 } }, 5)
  all:fail()
  equal({ all.values.failed_rounds, all.values.reached }, { 1, 0 })
end)

-- ---- where loss begins -----------------------------------------------------

local function losing_from(ttl, lost)
  local rows = {}
  for i = 1, 6 do
    rows[i] = { i, 10, i == 6 and "192.0.2.9" or ("10.0.0.%d"):format(i),
      i >= ttl and 10 - lost or 10 }
  end
  return result_of(rows)
end

local function begins_after(rounds, ttl, lost)
  local seen = window.new()
  for _ = 1, rounds do
    seen:take(losing_from(ttl, lost), false)
  end
  return { seen:loss_begins() }
end

case("loss_begins_where_all_rounds_together_show_it", function()
  local begins = begins_after(6, 4, 3)
  equal({ begins[1], begins[2] }, { 4, 4 })
  -- A single hop may have dropped replies of its own.
  equal(begins[3] <= 5, true)
end)

case("no_loss_begins_nowhere", function()
  equal(begins_after(6, 7, 0), { 0, 0, 0 })
end)

case("a_round_or_two_are_too_few_to_say_where", function()
  equal(begins_after(2, 4, 5), { 0, 0, 0 })
end)

case("loss_that_has_ended_is_forgotten", function()
  local seen = window.new()
  for _ = 1, 6 do
    seen:take(losing_from(4, 3), false)
  end
  for _ = 1, 6 do
    seen:take(losing_from(7, 0), false)
  end
  equal({ seen:loss_begins() }, { 0, 0, 0 })
end)

case("rounds_on_another_path_say_nothing_about_this_one", function()
  local seen = window.new()
  for _ = 1, 6 do
    seen:take(losing_from(4, 3), false)
  end
  seen:take(losing_from(7, 0), true)
  equal({ seen:loss_begins() }, { 0, 0, 0 })
end)

-- ---- path changes ----------------------------------------------------------

local function path_of(third, lost)
  return result_of { { 1, 10, "10.0.0.1", 10 }, { 2, 10, third, 10 },
    { 3, 10, "192.0.2.9", 10 - (lost or 0), lost and 30 or 10 } }
end

case("another_router_in_the_next_round_is_a_change", function()
  local log = path_log.new()
  equal(log:take(path_of "10.0.1.1", 100), 0)
  equal(log:take(path_of "10.0.1.1", 160), 0)
  equal(log:take(path_of("10.0.1.7", 2), 220), 1)
  local changes = log:changes(300)
  equal(#changes, 1)
  equal(changes[1].hops, { { ttl = 2, before = "10.0.1.1",
    after = "10.0.1.7" } })
  equal({ changes[1].at_s, changes[1].lasted_s }, { 219, 81 })
  equal({ changes[1].figures_before.sent, changes[1].figures_before.loss },
    { 20, 0.0 })
  equal({ changes[1].figures_after.sent, changes[1].figures_after.loss,
    changes[1].figures_after.avg_ms }, { 10, 0.2, 30.0 })
end)

case("a_silent_round_in_between_is_no_change", function()
  local log = path_log.new()
  log:take(path_of "10.0.1.1", 100)
  local silent = path_of "10.0.1.1"
  silent.hops[2] = hop { 2, 10 }
  equal(log:take(silent, 160), 0)
  equal(log:take(path_of "10.0.1.1", 220), 0)
  equal(log:take(path_of "10.0.1.2", 280), 1)
end)

case("a_target_that_comes_closer_is_a_change", function()
  local log = path_log.new()
  log:take(path_of "10.0.1.1", 100)
  equal(log:take(result_of { { 1, 10, "10.0.0.1", 10 },
    { 2, 10, "192.0.2.9", 10 } }, 160), 1)
end)

case("a_change_within_a_round_is_counted_once", function()
  local log = path_log.new()
  log:take(path_of "10.0.1.1", 100)
  local result = path_of "10.0.1.1"
  local second = result.hops[2]
  second.responders = { responder("10.0.1.1", 5, 5),
    responder("10.0.1.2", 5, 5) }
  second.runs = {
    { address = "10.0.1.1", flow = 0, reply_ttl = 60, count = 5, at_s = 0.1 },
    { address = "10.0.1.2", flow = 0, reply_ttl = 60, count = 5, at_s = 0.6 } }
  equal(log:take(result, 160), 1)
  equal(log:take(path_of "10.0.1.2", 220), 0)
  equal(log:changes(230)[1].at_s, 159.6)
end)

case("the_log_is_bounded_and_its_count_is_not", function()
  local log = path_log.new()
  for i = 1, 100 do
    log:take(path_of(("10.0.1.%d"):format(i)), i * 60)
  end
  equal({ #log:changes(6100), log.count }, { 32, 99 })
end)

-- ---- text ------------------------------------------------------------------

case("labels_are_escaped", function()
  equal(exposition.label("team", 'a"b\\c\nd'), 'team="a\\"b\\\\c\\nd"')
end)

check.rows({
  { name = "an_integer", value = 1 << 47, want = "140737488355328" },
  { name = "a_whole_float", value = 3.0, want = "3" },
  { name = "a_fraction", value = 0.1, want = "0.1" },
  { name = "a_fraction_that_needs_all_digits", value = 0.1 + 0.2,
    want = "0.30000000000000004" },
  { name = "infinity", value = math.huge, want = "+Inf" },
}, function(row)
  equal(exposition.number(row.value), row.want)
end)

local PROMETHEUS = "application/openmetrics-text;version=1.0.0,"
  .. "application/openmetrics-text;version=0.0.1;q=0.75,"
  .. "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

check.rows({
  { name = "prometheus_gets_openmetrics", accept = PROMETHEUS, want = true },
  { name = "curl_gets_text", accept = "*/*", want = false },
  { name = "no_wish_gets_text", accept = "", want = false },
  { name = "text_that_is_preferred_is_sent",
    accept = "application/openmetrics-text;q=0.4, text/plain", want = false },
  { name = "openmetrics_that_is_refused_is_not_sent",
    accept = "application/openmetrics-text;q=0", want = false },
  { name = "a_version_to_come_is_not_sent",
    accept = "application/openmetrics-text;version=2.0.0", want = false },
}, function(row)
  equal(exposition.wants_openmetrics(row.accept), row.want)
end)

check.rows({
  { name = "gzip", accept = "gzip, deflate, br", want = true },
  { name = "gzip_refused", accept = "gzip;q=0", want = false },
  { name = "anything", accept = "*", want = true },
  { name = "nothing", accept = "", want = false },
  { name = "identity", accept = "identity", want = false },
}, function(row)
  equal(exposition.wants_gzip(row.accept), row.want)
end)

local function process()
  return { capture_drops = 0, cpu_s = 0.5, memory = 1, start_s = 1,
    build = { version = "1", lua = "5.4" } }
end

case("each_family_is_on_the_page_before_the_first_round", function()
  local all = roster.new { bounds = BOUNDS }
  all:replace { spec_of "a" }
  for _, openmetrics in ipairs { true, false } do
    local page = table.concat(all:page(openmetrics, process()))
    for _, row in ipairs(families.all()) do
      local name = families.series(row)
      contains(page, "\n# TYPE " .. (openmetrics and row.name or name) .. " ")
      contains(page, "\n" .. name .. (row.type == "histogram" and "_count"
        or ""))
    end
    equal(page:sub(-6) == "# EOF\n", openmetrics)
  end
end)

case("labels_of_a_target_are_on_all_its_series", function()
  local all = roster.new { bounds = BOUNDS }
  all:replace { spec_of("a", { { "team", "web" } }) }
  for line in table.concat(all:page(false, process())):gmatch "[^\n]+" do
    if line:find 'target="a"' then
      contains(line, 'target="a",protocol="icmp",team="web"')
    end
  end
end)

case("the_histogram_is_cumulative_and_ends_with_all", function()
  local one = entry.new(spec_of "a", BOUNDS)
  one:take(result_of { { 1, 10, "192.0.2.9", 10, 20 } }, nil, 5)
  local text = table.concat(one:series(false))
  contains(text, 'bucket{target="a",protocol="icmp",ttl="target",'
    .. 'le="0.001"} 0\n')
  contains(text, 'ttl="target",le="0.1"} 10\n')
  contains(text, 'ttl="target",le="+Inf"} 10\n')
end)

case("series_are_written_when_a_round_ends_and_compressed_once", function()
  local packed, breaths = 0, 0
  local all = roster.new { bounds = BOUNDS,
    breathe = function() breaths = breaths + 1 end,
    pack = function(text)
      packed = packed + 1
      return "<" .. text .. ">"
    end }
  all:replace { spec_of "a", spec_of "b" }
  all:page(false, process())
  equal(breaths, 2) -- nothing was written before the first page
  for _, one in ipairs(all.list) do
    all:take(one, result_of { { 1, 5, "192.0.2.9", 5 } }, nil, 100)
  end
  local before = packed
  all:replace { spec_of "a", spec_of "b" }
  local page = all:page(false, process())
  equal({ packed, breaths }, { before, 2 })
  local texts = 0
  for _, piece in ipairs(page) do
    texts = texts + (piece:find "^<mtr_trace_.*\n>$" and 1 or 0)
  end
  equal(texts, 2 * 12) -- families of hops
  all:replace { spec_of("a", { { "team", "web" } }), spec_of "b" }
  contains(table.concat(all:page(false, process())),
    'mtr_trace_path_hops{target="a",protocol="icmp",team="web"} 1')
end)

-- ---- the last round --------------------------------------------------------

case("a_result_is_the_same_when_it_is_thawed", function()
  local shared = { address = "192.0.2.1", names = { "x", "x" } }
  local value = { 1, -1, 255, 256, math.mininteger, 0.1, -0.0, 1 / 0, "",
    ("long"):rep(20000), true, false, { shared, shared }, a = { [true] = 1,
    [2.5] = "y", [7] = "z" } }
  local again = frozen.thaw(frozen.freeze(value))
  equal(again, value)
  equal(math.type(again[6]), "float")
  equal(math.type(again[5]), "integer")
  equal(again[13][1] == again[13][2], true)
  equal(frozen.thaw(frozen.freeze(false)), false)
  equal(select(2, pcall(frozen.freeze, { print })),
    "a function cannot be frozen")
end)

case("the_report_is_of_the_last_round_that_could_begin", function()
  local one = entry.new(spec_of "a", BOUNDS)
  equal(one:result(), nil)
  local result = result_of { { 1, 5, "192.0.2.1", 5 },
    { 2, 5, "192.0.2.9", 4 } }
  one:take(result, nil, 100)
  one:take(nil, "no route", 160)
  equal(one:result(), result)
  equal({ one.result_s, one.err }, { 100, "no route" })
end)

-- Kilobytes that a target uses after a number of rounds with path changes,
-- loss, and an unreached target.
local function kilobytes(one, from, to)
  for round = from, to do
    local rows = {}
    for ttl = 1, 12 do
      local moved = ttl == 5 and round % 3 == 0
      rows[ttl] = { ttl, 10, ("192.0.%d.%d"):format(moved and 3 or 2, ttl),
        (round + ttl) % 4 == 0 and 6 or 10 }
    end
    if round % 12 == 5 then
      one:take(nil, "no route", round * 60)
    else
      one:take(result_of(rows, round % 6 > 0), nil, round * 60)
    end
    one:series(false)
  end
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

case("memory_of_a_target_is_the_same_after_120_and_480_rounds", function()
  local one = entry.new(spec_of "a", families.BOUNDS)
  -- The path log is full, and the window of rounds too; both measurements are
  -- taken at the same place of the pattern.
  local early = kilobytes(one, 1, 120)
  local late = kilobytes(one, 121, 480)
  equal(math.abs(late - early) < 2, true,
    ("%.1f KB, then %.1f KB"):format(early, late))
  equal(one.log.count > 100, true)
end)

-- 1,000 targets of 12 hops, by the series of one.
case("series_of_a_thousand_targets_stay_within_300000", function()
  local one = entry.new(spec_of "a", families.BOUNDS)
  local rows = {}
  for i = 1, 12 do
    rows[i] = { i, 10, i == 12 and "192.0.2.9" or "10.0.0." .. i, 10 }
  end
  local result = result_of(rows)
  for _, other in ipairs(result.hops) do
    other.responders[1].rtt_counts = { 0, 0, 10, 10, 10, 10, 10, 10, 10, 10 }
  end
  one:take(result, nil, 5)
  local function count(only_target)
    one.chunks = nil
    return select(2, table.concat(one:series(only_target)):gsub("\n", ""))
  end
  local whole, target = count(false), count(true)
  if whole * 1000 + 100 > 300000 then
    error(("%d series of a target"):format(whole))
  end
  equal(target < whole / 6, true, "target alone")
end)

case("targets_that_stay_keep_their_counters", function()
  local all = roster.new { bounds = BOUNDS }
  local new = all:replace { spec_of "a", spec_of "b" }
  equal(#new, 2)
  all:take(all:find "a", result_of { { 1, 10, "192.0.2.9", 10 } }, nil, 5)
  equal(#all:replace { spec_of("a", { { "team", "x" } }), spec_of "c" }, 1)
  equal({ new[1].gone, new[2].gone }, { false, true })
  local page = table.concat(all:page(false, process()))
  contains(page, 'mtr_trace_probes_total{target="a",protocol="icmp",'
    .. 'team="x",ttl="target"} 10\n')
  equal(page:find('target="b"', 1, true), nil)
end)

case("ready_once_each_target_had_a_round", function()
  local all = roster.new { bounds = BOUNDS }
  all:replace { spec_of "a", spec_of "b" }
  all:take(all:find "a", nil, "name not found", 5)
  equal(all:is_ready(), false)
  all:take(all:find "b", result_of { { 1, 10, "192.0.2.9", 10 } }, nil, 5)
  equal(all:is_ready(), true)
end)

-- ---- requests --------------------------------------------------------------

check.rows({
  { name = "a_path", uri = "/metrics", path = "/metrics", want = {} },
  { name = "parameters", uri = "/probe?target=a%20b&module=udp&target=c",
    path = "/probe", want = { target = "a b", module = "udp" } },
  { name = "plus_is_a_blank_in_a_query_only", uri = "/a+b?c=d+e",
    path = "/a+b", want = { c = "d e" } },
  { name = "an_encoded_path", uri = "/report/a%2fb%3f", path = "/report/a/b?",
    want = {} },
  { name = "the_form_for_proxies", uri = "http://h:1/metrics?x",
    path = "/metrics", want = { x = "" } },
  { name = "damaged_escapes_stay", uri = "/%zz%4", path = "/%zz%4",
    want = {} },
}, function(row)
  local path, parameters = request.parse(row.uri)
  equal(path, row.path)
  equal(parameters, row.want)
end)

case("an_encoded_label_is_read_back", function()
  local label = "www.example.com (2001:db8::1)/%?"
  equal(request.parse("/" .. request.encode(label)), "/" .. label)
end)

-- ---- /probe ----------------------------------------------------------------

local function untested(result)
  result.hops[#result.hops].untested = true
  return result
end

check.rows({
  { name = "probe_with_a_loss",
    result = result_of { { 1, 10, "192.0.2.9", 8 } }, want = "20" },
  { name = "probe_that_time_cut_short_knows_no_loss",
    result = untested(result_of { { 1, 10, "192.0.2.9", 8 } }), want = "NaN" },
  { name = "probe_without_a_reply_lost_all",
    result = result_of({ { 1, 10 } }, false), want = "100" },
  { name = "probe_that_could_not_begin_lost_all", want = "100" },
}, function(row)
  local answer = probe.new { bounds = BOUNDS, now_s = function() return 5 end,
    read = function() return spec_of "a" end,
    trace = function()
      return row.result, "no route", { duration_s = 1, dns_s = 0 }
    end }
  local page = answer({ accept = "", accept_encoding = "" },
    { target = "a" }).body
  page = type(page) == "table" and table.concat(page) or page
  equal(page:match "\nprobe_traceroute_packet_loss_percent (%S+)\n", row.want)
end)

check.finish()
