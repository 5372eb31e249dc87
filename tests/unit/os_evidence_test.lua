-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local evidence = require "mtrtrace.os.evidence"
local ipid = require "mtrtrace.os.ipid"
local ttl = require "mtrtrace.os.ttl"

local STARTS = {
  { name = "one_hop_below_64", left = 63, at = { 2 }, want = 64 },
  { name = "exactly_64", left = 64, at = { 1 }, want = 64 },
  { name = "one_hop_below_255", left = 254, at = { 2 }, want = 255 },
  { name = "64_from_30_hops_away", left = 35, at = { 29 }, want = 64 },
  { name = "64_that_looks_like_32", left = 30, at = { 30 }, want = 64 },
  { name = "old_stack_of_32", left = 31, at = { 2 }, want = 32 },
  { name = "way_back_ten_hops_longer", left = 245, at = { 1 }, want = 255 },
  { name = "way_back_eleven_hops_longer", left = 244, at = { 1 } },
  { name = "odd_start_of_100", left = 98, at = { 3 } },
  { name = "second_ttl_fits", left = 100, at = { 3, 27 }, want = 128 },
  { name = "unknown_distance", left = 63, at = {} },
}
check.rows(STARTS, function(row)
  check.equal(ttl.start(row.left, row.at), row.want)
end)

local function series(ids, sent)
  local list = {}
  for i, id in ipairs(ids) do
    list[i] = { ip_id = id, at_s = i, index = i,
      sent_id = sent and sent[i] or 5 }
  end
  return list
end

local IDS = {
  { name = "ids_in_steps", ids = { 10, 11, 14 }, want = "increment" },
  { name = "ids_that_wrap", ids = { 65500, 10, 700 }, want = "increment" },
  { name = "ids_in_large_steps", ids = { 1, 1301, 2601 },
    want = "increment" },
  { name = "ids_in_larger_steps", ids = { 1, 1301, 2602 },
    want = "random" },
  { name = "ids_at_random", ids = { 1, 30000, 7 }, want = "random" },
  { name = "ids_backwards", ids = { 30, 20, 10 }, want = "random" },
  { name = "ids_of_zero", ids = { 0, 0, 0 }, want = "zero" },
  { name = "ids_of_one_value", ids = { 77, 77, 77 }, want = "constant" },
  { name = "ids_echoed", ids = { 9, 500, 12 }, sent = { 9, 500, 12 },
    want = "echoed" },
  { name = "ids_echoed_of_one_value_only_are_constant", ids = { 5, 5 },
    want = "constant" },
  { name = "ids_echoed_but_one", ids = { 9, 500, 60000 },
    sent = { 9, 500, 12 }, want = "random" },
  { name = "two_ids_tell_no_counter", ids = { 10, 11 } },
  { name = "one_id_tells_nothing", ids = { 10 } },
}
check.rows(IDS, function(row)
  check.equal(ipid.class(series(row.ids, row.sent)), row.want)
end)

check.case("series_is_read_in_the_order_of_time", function()
  local list = series { 10, 11, 12 }
  list[1], list[3] = list[3], list[1]
  check.equal(ipid.class(list), "increment")
end)

check.case("shared_counter_is_told_from_two", function()
  local a, b, c = {}, {}, {}
  for i = 1, 3 do
    a[i] = { ip_id = 100 + 2 * i, at_s = 2 * i, index = i }
    b[i] = { ip_id = 101 + 2 * i, at_s = 2 * i + 1, index = i }
    c[i] = { ip_id = 9000 + i, at_s = 2 * i + 1, index = i }
  end
  check.equal({ ipid.shared(a, b), ipid.shared(a, c) }, { true, false })
end)

-- ---- facts -----------------------------------------------------------------

local function exceeded(more)
  local answer = { probe = "trace", kind = "time-exceeded", at_s = 1,
    index = 1, reply_ttl = 62, tos = 0xc0, df = false, ip_id = 7,
    size = 92, quoted = 64, sent_ttl = 3, sent_tos = 0, sent_df = true,
    sent_id = 1, sent_size = 64 }
  for key, value in pairs(more or {}) do
    answer[key] = value
  end
  return answer
end

local function echo(more)
  local answer = { probe = "echo", kind = "echo-reply", at_s = 2, index = 2,
    reply_ttl = 62, tos = 0, df = false, ip_id = 9, size = 64,
    sent_ttl = 64, sent_tos = 0, sent_df = true, sent_id = 3,
    sent_size = 64 }
  for key, value in pairs(more or {}) do
    answer[key] = value
  end
  return answer
end

local function facts(answers, more)
  local subject = { address = "192.0.2.1", family = 4, ttl = { 3 },
    answers = answers }
  for key, value in pairs(more or {}) do
    subject[key] = value
  end
  return evidence.of(subject)
end

local FACTS = {
  { name = "echo_code_reflected", answers = { echo { code = 0 },
    echo { sent_code = 9, code = 9 } }, fact = "echo_code",
    want = "reflected" },
  { name = "echo_code_zeroed", answers = { echo { sent_code = 9,
    code = 0 } }, fact = "echo_code", want = "zeroed" },
  { name = "echo_code_of_its_own", answers = { echo { sent_code = 9,
    code = 3 } }, fact = "echo_code", want = "other" },
  { name = "echo_code_that_was_not_asked_for", answers = { echo {
    sent_code = 0, code = 0 } }, fact = "echo_code" },
  { name = "echo_codes_that_differ", answers = { echo { sent_code = 9,
    code = 9 }, echo { sent_code = 9, code = 0 } }, fact = "echo_code" },
  { name = "nothing_but_echo_replies", answers = { echo(), echo() },
    fact = "errorless", want = true },
  { name = "echo_replies_and_errors", answers = { echo(), exceeded() },
    fact = "errorless" },
  { name = "no_replies", answers = {}, fact = "errorless" },
  { name = "quote_of_the_whole_probe", answers = { exceeded() },
    fact = "quote", want = "whole" },
  { name = "quote_of_the_minimum",
    answers = { exceeded { quoted = 28, size = 56 } },
    fact = "quote", want = "minimum" },
  { name = "quote_between", answers = { exceeded { quoted = 48 } },
    fact = "quote", want = 48 },
  { name = "padded_quote", answers = { exceeded { quoted = 68 } },
    fact = "quote", want = 68 },
  { name = "probe_of_the_minimum_tells_no_quote",
    answers = { exceeded { quoted = 28, sent_size = 28 } },
    fact = "quote" },
  { name = "quotes_that_differ_tell_none",
    answers = { exceeded(), exceeded { quoted = 28 } }, fact = "quote" },
  { name = "quote_behind_extensions_is_padding",
    answers = { exceeded { quoted = 128, extensions = { mpls = {} } } },
    fact = "quote" },
  { name = "quote_of_the_minimum_in_ipv6",
    answers = { exceeded { quoted = 48, sent_size = 84 } },
    more = { family = 6 }, fact = "quote", want = "minimum" },
  { name = "tos_of_network_control", answers = { exceeded() },
    fact = "error_tos", want = "control" },
  { name = "tos_of_network_control_keeps_bits_below",
    answers = { exceeded { sent_tos = 0xb8, tos = 0xd8 } },
    fact = "error_tos", want = "control" },
  { name = "tos_of_zero", answers = { exceeded { tos = 0 } },
    fact = "error_tos", want = "zero" },
  { name = "tos_copied", answers = { exceeded { tos = 8, sent_tos = 8 } },
    fact = "error_tos", want = "copied" },
  { name = "tos_of_another_kind", answers = { exceeded { tos = 0x20 } },
    fact = "error_tos", want = "other" },
  { name = "df_never",
    answers = { echo(), echo { sent_df = false } },
    fact = "echo_df", want = "never" },
  { name = "df_reflected",
    answers = { echo { df = true }, echo { sent_df = false } },
    fact = "echo_df", want = "reflected" },
  { name = "df_always",
    answers = { echo { df = true }, echo { df = true, sent_df = false } },
    fact = "echo_df", want = "always" },
  { name = "df_the_other_way_round",
    answers = { echo(), echo { df = true, sent_df = false } },
    fact = "echo_df", want = "mixed" },
  { name = "df_of_one_kind_of_request_tells_nothing",
    answers = { echo(), echo() }, fact = "echo_df" },
  { name = "error_ttl_of_both_errors", answers = { exceeded(),
    exceeded { probe = "udp", kind = "unreachable" } },
    fact = "error_ttl", want = 64 },
  { name = "ttl_rules_do_not_apply_to_ipv6", answers = { exceeded() },
    more = { family = 6 }, fact = "error_ttl" },
  { name = "distance_of_the_way_back", answers = { exceeded() },
    fact = "distance", want = { exceeded = 3 } },
  { name = "time_exceeded_shows_forwarding", answers = { exceeded() },
    fact = "forwards", want = true },
  { name = "echo_does_not", answers = { echo() }, fact = "forwards" },
  { name = "labels_are_facts", answers = { exceeded { extensions = {
    mpls = { { label = 16, tc = 0, bottom = true, ttl = 1 } } } } },
    fact = "mpls_labels", want = { "16 tc 0 ttl 1" } },
  { name = "interface_names_each_once_in_order", answers = {
    exceeded { extensions = { interfaces = { { name = "xe-0" },
      { index = 4 } } } }, exceeded { extensions = { interfaces = {
      { name = "ae1" }, { name = "xe-0" } } } } },
    fact = "interface_names", want = { "ae1", "xe-0" } },
  { name = "bad_checksum_in_the_quote",
    answers = { exceeded { quoted_checksum_ok = false } },
    fact = "quoted_checksum", want = "bad" },
  { name = "vendor_of_a_local_address_is_none", answers = {},
    more = { mac_vendor = "X", local_mac = true }, fact = "mac_vendor" },
}
check.rows(FACTS, function(row)
  check.equal(facts(row.answers, row.more)[row.fact], row.want)
end)

local CONFLICTS = {
  { name = "reply_that_does_not_fit_the_distance",
    answers = { exceeded(), echo { reply_ttl = 100 } },
    want = { "TTL 100 of echo does not fit the distance" } },
  { name = "two_devices_behind_one_address",
    answers = { echo(), echo { reply_ttl = 253 } },
    want = { "echo replies have several initial TTLs" } },
  { name = "errors_that_begin_differently", answers = { exceeded(),
    exceeded { probe = "udp", kind = "unreachable", reply_ttl = 253 } },
    want = { "time exceeded and unreachable have different initial TTLs" } },
  { name = "echo_of_a_nearer_device",
    answers = { exceeded { reply_ttl = 58 }, echo { reply_ttl = 64 } },
    want = { "echo replies and errors come from different distances" } },
  { name = "longer_way_of_another_start_is_none",
    answers = { exceeded { reply_ttl = 248 }, echo() }, want = {} },
  { name = "unknown_distance_is_no_conflict", answers = { echo() },
    more = { ttl = {} }, want = {} },
}
check.rows(CONFLICTS, function(row)
  check.equal(facts(row.answers, row.more).conflicts, row.want)
end)

check.finish()
