-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local fields = require "mtrtrace.table.fields"
local marks = require "mtrtrace.table.marks"
local format = require "mtrtrace.base.format"
local sample = require "sample"

local function first(responder, hop)
  return {
    hop = sample.hop(3, { responder }, hop), responder = responder,
    first = true,
  }
end

check.case("every_field_is_complete_and_its_key_unique", function()
  local seen = {}
  for _, field in ipairs(fields.all()) do
    check.equal(seen[field.key], nil, field.key)
    seen[field.key] = true
    for _, part in ipairs { "title", "width", "about" } do
      check.equal(field[part] ~= nil, true, field.key .. "." .. part)
    end
    check.equal(format.kinds[field.kind] ~= nil, true, field.key)
    check.equal((field.hop or field.responder) ~= nil, true, field.key)
    check.equal(fields.get(field.key), field)
  end
end)

check.case("rate_limiting_is_said_where_the_table_marks_it", function()
  local field = fields.get "rate_limited"
  for _, hop in ipairs { {}, { rate_limit = { shared = 0 } },
    { rate_limit = { shared = 0 }, rate_limited = true } } do
    check.equal(fields.raw(field, "hop", hop),
      marks.of(hop):find("r", 1, true) ~= nil)
  end
end)

check.case("default_table_has_the_columns_of_the_issue_in_order", function()
  local titles = {}
  for i, key in ipairs(fields.default_names()) do
    titles[i] = fields.get(key).title
  end
  check.equal(table.concat(titles, "|"), "Hop|IP Address|Loss%|Sent|Recv|"
    .. "Avg(ms)|StDev(ms)|Jitter(ms)|ASN|Organization|OS Guess")
end)

local r = sample.responder
local CELLS = {
  { name = "hop_shows_ttl", key = "hop", row = first(r "1.1.1.1"),
    want = "3" },
  { name = "recv_of_first_row_is_the_hops", key = "received",
    row = first(r("1.1.1.1", { received = 4 })), want = "10" },
  { name = "time_has_two_decimals", key = "avg",
    row = first(r("1.1.1.1", { avg_ms = 1234.567 })), want = "1234.57" },
  { name = "no_sample_is_a_dash", key = "avg",
    row = { hop = sample.hop(3, {}), first = true,
      responder = { address = "1.1.1.1" } }, want = "-" },
  { name = "loss_has_one_decimal", key = "loss",
    row = first(r "1.1.1.1", { loss = 1 / 3, sent = 300 }),
    want = "33.3%" },
  { name = "loss_of_nothing_finished_is_a_dash", key = "loss",
    row = { hop = { ttl = 3 }, first = true }, want = "-" },
  { name = "some_loss_is_not_printed_as_none", key = "loss",
    row = first(r "1.1.1.1", { loss = 0.0004, sent = 2500 }),
    want = "<0.1%" },
  { name = "nearly_all_lost_is_not_printed_as_all", key = "loss",
    row = first(r "1.1.1.1", { loss = 0.9996, sent = 2500 }),
    want = ">99.9%" },
  { name = "loss_of_few_probes_has_its_interval", key = "loss",
    row = first(r "1.1.1.1", { loss = 0.2, loss_low = 0.0567,
      loss_high = 0.5098 }), want = "20.0% (6-51)" },
  { name = "loss_of_99_probes_has_its_interval", key = "loss",
    row = first(r "1.1.1.1", { sent = 99, loss = 1 / 99,
      loss_low = 0.0018, loss_high = 0.055 }), want = "1.0% (0-6)" },
  { name = "loss_of_100_probes_has_none", key = "loss",
    row = first(r "1.1.1.1", { sent = 100, loss = 0.01 }),
    want = "1.0%" },
  { name = "loss_of_a_silent_hop_has_none", key = "loss",
    row = { hop = sample.silent(3), first = true }, want = "100.0%" },
  { name = "untested_sample_has_a_mark_and_no_loss", key = "loss",
    row = { hop = { ttl = 1, sent = 9, received = 3, untested = true,
      responders = {} }, first = true }, want = "- u" },
  { name = "replaced_sample_is_marked", key = "loss",
    row = first(r "1.1.1.1", { rate_limit = { shared = 0 } }),
    want = "0.0% r" },
  { name = "shared_sample_is_marked", key = "loss",
    row = first(r "1.1.1.1", { rate_limit = { shared = 4 } }),
    want = "0.0% rs" },
  { name = "suppressed_hop_is_marked_behind_its_interval", key = "loss",
    row = first(r "1.1.1.1", { loss = 0.2, loss_low = 0.0567,
      loss_high = 0.5098, better_beyond = 7, rate_limit = { shared = 0 } }),
    want = "20.0% (6-51) r?" },
  { name = "hop_with_a_shared_rate_limit_is_marked", key = "loss",
    row = first(r "1.1.1.1", { sent = 100, received = 20, loss = 0.8,
      shared_rate_limit = true, rate_limit = { shared = 0 } }),
        want = "80.0% r?" },
  { name = "hop_with_replies_that_may_have_been_dropped_is_marked",
    key = "loss", row = first(r "1.1.1.1", { sent = 100, received = 20,
      loss = 0.8, lost_during_drops = 5 }), want = "80.0% ?" },
  { name = "marks_stay_out_of_other_columns", key = "sent",
    row = first(r "1.1.1.1", { rate_limit = { shared = 4 } }), want = "10" },
  { name = "flag_is_yes_or_no", key = "better_beyond",
    row = first(r "1.1.1.1", { better_beyond = 7 }), want = "yes" },
  { name = "bucket_of_a_hop_that_has_none_is_a_dash", key = "burst_sent",
    row = first(r "1.1.1.1"), want = "-" },
  { name = "bucket_of_a_hop_is_shown", key = "sample_interval_s",
    row = first(r "1.1.1.1", { rate_limit = { shared = 0,
    sample_interval_s = 1.05 } }),
    want = "1.05" },
  { name = "silent_hop_is_a_star", key = "ip",
    row = { hop = sample.silent(3), first = true }, want = "*" },
  { name = "folded_rows_show_their_range", key = "hop",
    row = { hop = sample.silent(9), first = true, last_ttl = 30 },
    want = "9-30" },
  { name = "folded_rows_show_nothing_else", key = "loss",
    row = { hop = sample.silent(9), first = true, last_ttl = 30 },
    want = "" },
  { name = "later_row_has_no_hop_number", key = "hop",
    row = { hop = sample.hop(3, {}), responder = r "1.1.1.1" }, want = "" },
  { name = "later_row_has_no_loss", key = "loss",
    row = { hop = sample.hop(3, {}), responder = r "1.1.1.1" }, want = "-" },
  { name = "recv_of_later_row_is_its_own", key = "received",
    row = { hop = sample.hop(3, {}),
      responder = r("1.1.1.1", { received = 4 }) }, want = "4" },
  { name = "special_address_has_asn_private", key = "asn",
    row = first(r("10.0.0.1", { special = "private" })), want = "Private" },
  { name = "private_address_is_a_private_network", key = "organization",
    row = first(r("10.0.0.1", { special = "private" })),
    want = "Private Network" },
  { name = "special_address_has_its_range", key = "asn",
    row = first(r("100.64.0.1", { special = "cgn" })), want = "CGN" },
  { name = "special_address_has_the_name_of_its_range",
    key = "organization", row = first(r("100.64.0.1", { special = "cgn" })),
    want = "Carrier-Grade NAT" },
  { name = "known_asn_is_shown", key = "asn",
    row = first(r("1.1.1.1", { asn = "AS13335" })), want = "AS13335" },
  { name = "os_without_evidence_is_a_dash", key = "os",
    row = first(r "1.1.1.1"), want = "-" },
  { name = "os_of_high_confidence_stands_alone", key = "os",
    row = first(r("1.1.1.1", { os = { label = "Junos" } })),
    want = "Junos" },
  { name = "os_in_doubt_is_marked", key = "os",
    row = first(r("1.1.1.1", { os = { label = "Cisco IOS/XE or Huawei VRP",
      doubtful = true } })), want = "Cisco IOS/XE or Huawei VRP?" },
  { name = "os_that_nothing_tells_is_unknown", key = "os",
    row = first(r("1.1.1.1", { os = { doubtful = true } })),
    want = "unknown" },
  { name = "codes_are_listed", key = "codes",
    row = first(r("1.1.1.1", { codes = { { type = 11, code = 0 },
      { type = 3, code = 13 } } })), want = "11/0,3/13" },
  { name = "escape_sequences_are_taken_out", key = "organization",
    row = first(r("1.1.1.1", { organization = "A\27[31m\n\195\182\127" })),
    want = "A[31m\u{f6}" },
}
check.rows(CELLS, function(row)
  check.equal(fields.cell(fields.get(row.key), row.row), row.want)
end)

local DECIMALS = {
  { name = "decimal_whole", value = 2.0, want = "2" },
  { name = "decimal_zero", value = 0.0, want = "0" },
  { name = "decimal_hundred_keeps_its_zeros", value = 100, want = "100" },
  { name = "decimal_six_places", value = 1.23456789, want = "1.234568" },
  { name = "decimal_tiny_without_exponent", value = 1.2e-5,
    want = "0.000012" },
  { name = "decimal_huge_without_exponent", value = 1e15,
    want = "1000000000000000" },
  { name = "decimal_negative_nothing", value = -1e-9, want = "0" },
  { name = "decimal_nan_is_nil", value = 0 / 0 },
  { name = "decimal_infinity_is_nil", value = math.huge },
}
check.rows(DECIMALS, function(row)
  check.equal(format.decimal(row.value), row.want)
end)

check.case("seconds_of_a_sentence_are_rounded", function()
  local texts = {}
  for i, value in ipairs { 1.05, 0.26312, 1.092118, 12, 0.0054321, 0.0999,
    59.999 } do
    texts[i] = format.short_s(value)
  end
  check.equal(texts, { "1.05", "0.26", "1.09", "12", "0.005", "0.1", "60" })
end)

local RAW = {
  { name = "raw_loss_is_percent", key = "loss", scope = "hop",
    from = { loss = 0.1 }, want = "10" },
  { name = "raw_count", key = "sent", scope = "hop", from = { sent = 10 },
    want = "10" },
  { name = "raw_time_is_milliseconds", key = "avg", scope = "responder",
    from = { avg_ms = 1.5204111 }, want = "1.520411" },
  { name = "raw_of_the_other_scope_is_nil", key = "avg", scope = "hop",
    from = { avg_ms = 1 } },
  { name = "raw_absent_is_nil", key = "avg", scope = "responder",
    from = {} },
  { name = "raw_leaves_out_what_is_text_only", key = "codes",
    scope = "responder", from = { codes = { { type = 3, code = 1 } } } },
}
RAW[#RAW + 1] = { name = "raw_flag_is_a_boolean", key = "rate_limited",
  scope = "hop", from = {}, want = false }
check.rows(RAW, function(row)
  check.equal(fields.raw(fields.get(row.key), row.scope, row.from),
    row.want)
end)

check.finish()
