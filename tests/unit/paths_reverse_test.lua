-- SPDX-License-Identifier: BSD-2-Clause
-- Hints on the return path and on tunnels; extensions in words.
local check = require "check"
local extension = require "mtrtrace.flows.extension"
local quotes = require "quotes"
local random = require "sim.random"
local reverse = require "mtrtrace.verdict.reverse"

local function judged(quirks, hops)
  local path = { hops = hops or 6, quirks = {} }
  for ttl = 1, path.hops do
    path.quirks[ttl] = function(answer, responder)
      responder.reply_ttl = 64 - ttl + 1
      if quirks[ttl] then
        quirks[ttl](answer, responder)
      end
    end
  end
  return quotes.texts(reverse.list(quotes.result(path)))
end

local function left(n)
  return function(_, responder) responder.reply_ttl = n end
end

local function stack(...)
  local entries = {}
  for i, entry in ipairs { ... } do
    entries[i] = { label = entry[1], tc = 0, bottom = true, ttl = entry[2] }
  end
  return function(answer) answer.extensions = { mpls = entries } end
end

local function quoted_ttl(n)
  return function(answer) answer.quoted_ttl = n end
end

check.case("hops_back_by_the_usual_initial_ttls", function()
  local backs = {}
  for i, ttl in ipairs { 64, 63, 255, 250, 128, 120, 30, 1 } do
    backs[i] = reverse.return_hops { reply_ttl = ttl }
  end
  check.equal(backs, { 1, 2, 1, 6, 1, 9, 3, 32 })
  check.equal(reverse.return_hops {}, nil)
end)

local ROWS = {
  { name = "same_way_back_says_nothing", quirks = {}, want = {} },
  { name = "two_hops_more_say_nothing", quirks = { [5] = left(58) },
    want = {} },
  { name = "three_hops_more_are_a_hint", quirks = { [5] = left(57) },
    want = { "Hint: replies of hop 5 seem to come back over 3 hops more than "
      .. "the probes went: another return path, or a hidden tunnel." } },
  { name = "hops_in_a_row_share_a_line",
    quirks = { [4] = left(58), [5] = left(56), [6] = left(55) },
    want = { "Hint: replies of hops 4 to 6 seem to come back over 3 to 4 "
      .. "hops more than the probes went: another return path, or a hidden "
      .. "tunnel." } },
  { name = "absurd_difference_is_a_wrong_guess",
    quirks = { [5] = left(34) }, want = {} },
  { name = "junos_reply_ttls_tell_a_hidden_tunnel",
    quirks = { [4] = function(_, r) r.reply_ttl, r.echo_ttl = 250, 61 end },
    want = { "Hint: a hidden tunnel of about 2 hops on the return path from "
      .. "hop 4: its errors come over 6 hops, its echo replies over 4." } },
  { name = "echo_by_the_same_way_is_none",
    quirks = { [4] = function(_, r) r.reply_ttl, r.echo_ttl = 252, 61 end },
    want = {} },
  { name = "echo_of_255_tells_nothing",
    quirks = { [4] = function(_, r) r.reply_ttl, r.echo_ttl = 250, 252 end },
    want = {} },
  { name = "labels_with_a_ttl_of_1_are_a_tunnel",
    quirks = { [3] = stack { 24001, 1 }, [4] = stack { 24017, 1 } },
    want = { "Hops 3 to 4 are inside an MPLS tunnel (labels 24001, "
      .. "24017)." } },
  { name = "label_with_a_high_ttl_is_opaque",
    quirks = { [4] = stack { 16, 252 } },
    want = { "Hint: hop 4 ends an MPLS tunnel that hides about 3 hops: its "
      .. "label 16 has a TTL of 252 left." } },
  { name = "label_with_a_ttl_between_says_neither",
    quirks = { [4] = stack { 16, 100 } }, want = {} },
  { name = "rising_quoted_ttls_are_an_implicit_tunnel",
    quirks = { [4] = quoted_ttl(2), [5] = quoted_ttl(3) },
    want = { "Hint: hops 3 to 5 seem to be inside an MPLS tunnel, though "
      .. "they send no label stack: the TTL they quote rises from 1 to 3." } },
  { name = "one_quoted_ttl_of_2_is_none",
    quirks = { [4] = quoted_ttl(2) }, want = {} },
  { name = "quoted_ttls_that_do_not_rise_are_none",
    quirks = { [3] = quoted_ttl(2), [4] = quoted_ttl(2),
      [5] = quoted_ttl(2) }, want = {} },
  { name = "quoted_ttls_of_labelled_hops_are_explicit_only",
    quirks = { [4] = function(a) stack { 16, 1 }(a)
      a.quoted_ttl = 2 end, [5] = function(a) stack { 17, 1 }(a)
      a.quoted_ttl = 3 end },
    want = { "Hops 4 to 5 are inside an MPLS tunnel (labels 16, 17)." } },
  { name = "address_at_two_distances_is_a_hint",
    quirks = { [4] = function(_, r) r.address = "10.1.0.5" end },
    want = { "Hint: hops 4 and 5 are both 10.1.0.5, as at the end of a "
      .. "hidden MPLS tunnel." } },
  { name = "target_s_address_at_two_distances_is_a_nat",
    quirks = { [4] = function(_, r) r.address = quotes.TARGET end,
      [5] = function(_, r) r.address = quotes.TARGET end }, want = {} },
  { name = "address_twice_with_a_quoted_ttl_of_0_is_none_of_ours",
    quirks = { [4] = function(a, r)
      a.quoted_ttl, r.address = 0, "10.1.0.5"
    end }, want = {} },
}
check.rows(ROWS, function(row)
  check.equal(judged(row.quirks), row.want)
end)

-- Labels, interfaces, unknown objects, and the form of the extension.
local function of(extensions)
  local responder = { answers = { { kind = "time-exceeded" },
    { extensions = extensions } } }
  return { extension.labels(responder) or "-",
    extension.interfaces(responder) or "-",
    extension.unknown(responder) or "-", extension.state(responder) }
end

check.case("label_stack_in_words", function()
  check.equal(of { checksum = "ok", compliant = true,
    mpls = { { label = 24001, tc = 0, ttl = 1 },
      { label = 16, tc = 3, bottom = true, ttl = 255 } } },
    { "24001 tc0 ttl1 / 16 tc3 ttl255", "-", "-", "ok" })
end)

-- The engine gives the bytes of unknown objects in hex.
check.case("interfaces_and_unknown_objects_in_words", function()
  check.equal(of { checksum = "bad", compliant = false,
    interfaces = { { role = "incoming", name = "xe-0/0/1", index = 7,
      mtu = 1500 } }, unknown = { { class = 9, type = 1,
      bytes = "00fe" } } }, { "-", "incoming xe-0/0/1 index 7 mtu 1500",
      "9/1 00fe", "old-style, checksum wrong" })
end)

check.case("interface_with_an_address_and_a_number_alone", function()
  check.equal(extension.interfaces { answers = { { extensions = {
    interfaces = { { role = "outgoing", address = "10.0.0.1" },
      { index = 3 } } } } } }, "outgoing 10.0.0.1, interface index 3")
end)

check.case("nothing_is_nothing", function()
  check.equal({ extension.state {}, extension.labels { answers = { {} } } },
    {})
  check.equal(of {}, { "-", "-", "-", "ok" })
end)

check.case("random_results_raise_nothing_and_give_the_same_twice", function()
  for seed = 1, 500 do
    local result = quotes.random(random.new(seed))
    local one = reverse.list(result)
    check.equal(reverse.list(quotes.random(random.new(seed))), one)
    for _, hop in ipairs(result.hops) do
      for _, responder in ipairs(hop.responders) do
        extension.state(responder)
      end
    end
  end
end)

check.finish()
