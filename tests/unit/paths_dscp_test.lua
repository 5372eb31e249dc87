-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on changes of DSCP and ECN, from quotes.
local check = require "check"
local dscp = require "mtrtrace.verdict.dscp"
local quotes = require "quotes"
local random = require "sim.random"

local EF, EF_ECT0 = 0xb8, 0xba

local function to(tos)
  return function() return tos end
end

local function judged(path)
  return quotes.texts(dscp.list(quotes.result(path)))
end

local ROWS = {
  { name = "what_was_asked_is_kept", path = { hops = 5, tos = EF },
    want = { "DSCP 46 (EF) is kept as far as hop 5." } },
  { name = "a_tos_of_0_gets_no_verdict", path = { hops = 5, tos = 0 },
    want = {} },
  { name = "kept_as_far_as_a_hop_quotes", path = { hops = 5, tos = 2,
    silent = { [5] = true } },
    want = { "ECN ECT(0) is kept as far as hop 4." } },
  { name = "bleaching_is_cleared", path = { hops = 5, tos = EF,
    marks = { { after = 2, tos = to(0) } } },
    want = { "DSCP is cleared between hops 2 and 3: 0 (CS0) instead of "
      .. "46 (EF)." } },
  { name = "clearing_of_the_precedence_is_a_kind_of_its_own",
    path = { hops = 5, tos = EF,
      marks = { { after = 2, tos = function(t) return t & 0x1f end } } },
    want = { "DSCP is precedence cleared between hops 2 and 3: 6 instead of "
      .. "46 (EF)." } },
  { name = "remarking_names_both", path = { hops = 5, tos = EF,
    marks = { { after = 1, tos = to(0x28) } } },
    want = { "DSCP is remarked between hops 1 and 2: 10 (AF11) instead of "
      .. "46 (EF)." } },
  { name = "setting_is_reported", path = { hops = 5, tos = 0,
    marks = { { after = 0, tos = to(0x20) } } },
    want = { "DSCP is set before hop 1: 8 (CS1) instead of 0 (CS0)." } },
  { name = "two_changes_are_two", path = { hops = 7, tos = EF,
    marks = { { after = 1, tos = to(0x28) }, { after = 4, tos = to(0) } } },
    want = { "DSCP is remarked between hops 1 and 2: 10 (AF11) instead of "
      .. "46 (EF).", "DSCP is cleared between hops 4 and 5: 0 (CS0) instead "
      .. "of 10 (AF11)." } },
  { name = "hop_that_changes_its_own_quote_is_none",
    path = { hops = 5, tos = EF,
      quirks = { [3] = function(a) a.quoted_tos = 0 end } },
    want = { "DSCP 46 (EF) is kept as far as hop 5." } },
  { name = "last_hop_alone_leaves_it_open", path = { hops = 5, tos = EF,
    marks = { { after = 4, tos = to(0) } } },
    want = { "DSCP is cleared by hop 5, or before it: 0 (CS0) instead "
      .. "of 46 (EF)." } },
  { name = "first_hop_alone_is_none", path = { hops = 5, tos = EF,
    quirks = { [1] = function(a) a.quoted_tos = 0 end } },
    want = { "DSCP 46 (EF) is kept as far as hop 5." } },
  { name = "ecn_bleaching_leaves_the_dscp", path = { hops = 5, tos = EF_ECT0,
    marks = { { after = 2, tos = function(t) return t & 0xfc end } } },
    want = { "DSCP 46 (EF) is kept as far as hop 5.", "ECN is cleared "
      .. "between hops 2 and 3: Not-ECT instead of ECT(0)." } },
  { name = "whole_byte_cleared_says_both",
    path = { hops = 5, tos = EF_ECT0,
      marks = { { after = 2, tos = to(0) } } },
    want = { "DSCP is cleared between hops 2 and 3: 0 (CS0) instead of "
      .. "46 (EF).", "ECN is cleared between hops 2 and 3: Not-ECT instead "
      .. "of ECT(0)." } },
  { name = "mark_of_congestion_is_no_bleaching",
    path = { hops = 5, tos = EF_ECT0,
      marks = { { after = 2, tos = function(t) return t | 3 end } } },
    want = { "DSCP 46 (EF) is kept as far as hop 5.", "Congestion was "
      .. "marked before hop 3: probes sent with ECT(0) arrived with CE "
      .. "(hops 3-5)." } },
  { name = "mark_of_one_probe_is_congestion",
    path = { hops = 5, tos = 2,
      quirks = { [4] = function(a) a.quoted_tos = 3 end } },
    want = { "Congestion was marked before hop 4: probes sent with ECT(0) "
      .. "arrived with CE (hops 4)." } },
  { name = "ce_without_ect_is_a_change", path = { hops = 5, tos = 0,
    marks = { { after = 2, tos = to(3) } } },
    want = { "ECN is changed between hops 2 and 3: CE instead of "
      .. "Not-ECT." } },
  { name = "silent_hops_widen_the_place", path = { hops = 6, tos = EF,
    marks = { { after = 2, tos = to(0) } }, silent = { [3] = true } },
    want = { "DSCP is cleared between hops 2 and 4: 0 (CS0) instead of "
      .. "46 (EF)." } },
}
check.rows(ROWS, function(row)
  check.equal(judged(row.path), row.want)
end)

check.case("what_is_changed_is_in_the_verdict", function()
  local v = dscp.list(quotes.result { hops = 6, tos = EF,
    marks = { { after = 2, tos = to(0) } }, silent = { [3] = true } })[1]
  check.equal({ v.kind, v.what, v.from, v.to, v.hop, v.tos_before,
    v.tos_after }, { "dscp", "cleared", 3, 4, 4, 46, 0 })
end)

check.case("names_of_code_points", function()
  check.equal({ dscp.name(46), dscp.name(34), dscp.name(5) },
    { "46 (EF)", "34 (AF41)", "5" })
end)

check.case("random_results_raise_nothing_and_give_the_same_twice", function()
  for seed = 1, 500 do
    local one = dscp.list(quotes.random(random.new(seed)))
    check.equal(dscp.list(quotes.random(random.new(seed))), one)
  end
end)

check.finish()
