-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on NATs, from quotes: one for each NAT, none for quoting faults of
-- routers.
local check = require "check"
local nat = require "mtrtrace.verdict.nat"
local quotes = require "quotes"
local random = require "sim.random"

local function judged(path)
  return quotes.texts(nat.list(quotes.result(path)))
end

local FULL = { after = 2, source = "203.0.113.9", source_port = 4711,
  delta = 0x0101 }
local SUM = { after = 2, delta = 0x0101 }

local function set(key, value)
  return function(answer) answer[key] = value end
end

local function each(from, to, quirk)
  local quirks = {}
  for ttl = from, to do
    quirks[ttl] = quirk
  end
  return quirks
end

-- Hops beyond a DNAT reply with the target's address, by time exceeded; only
-- the target itself does so by a port unreachable.
local function replying_as_target(from, to, target)
  local quirks = each(from, to, function(_, r) r.address = quotes.TARGET end)
  quirks[target] = function(a, r)
    a.type, a.code, r.address, r.target = 3, 3, quotes.TARGET, true
  end
  return quirks
end

local ROWS = {
  { name = "no_nat_says_nothing", path = { hops = 6 }, want = {} },
  { name = "source_and_port_are_one_nat",
    path = { hops = 6, nats = { FULL } },
    want = { "NAT between hops 2 and 3: source address "
      .. "203.0.113.9 instead of 10.0.0.1, source port 4711 instead of "
      .. "28672." } },
  { name = "nat_before_the_first_hop", path = { hops = 3, nats = { { after = 0,
    source = "203.0.113.9" } } },
    want = { "NAT before hop 1: source address 203.0.113.9 "
      .. "instead of 10.0.0.1." } },
  { name = "checksum_alone_is_a_nat_that_puts_back",
    path = { hops = 6, nats = { SUM } },
    want = { "NAT between hops 2 and 3: the checksum was "
      .. "rewritten, and all other fields restored in the replies." } },
  { name = "two_nats_are_reported_once_each",
    path = { hops = 7, nats = { SUM, { after = 4, delta = 0x2000 } } },
    want = { "NAT between hops 2 and 3: the checksum was "
      .. "rewritten, and all other fields restored in the replies.",
      "NAT between hops 4 and 5: the checksum was rewritten, and all other "
      .. "fields restored in the replies." } },
  { name = "target_address_at_the_last_hop_is_likely",
    path = { hops = 4, nats = { { after = 3, target = "192.168.7.7" } } },
    want = { "NAT is likely between hops 3 and 4: target "
      .. "address 192.168.7.7 instead of 198.18.0.9." } },
  { name = "silent_hops_widen_the_place",
    path = { hops = 7, nats = { SUM }, silent = { [3] = true, [4] = true } },
    want = { "NAT between hops 2 and 5: the checksum was "
      .. "rewritten, and all other fields restored in the replies." } },
  { name = "hop_that_quotes_less_is_no_second_nat",
    path = { hops = 7, nats = { FULL },
      quirks = { [3] = function(a)
        a.quoted_source_port, a.quoted_checksum = nil, nil
      end } },
    want = { "NAT between hops 2 and 3: source address "
      .. "203.0.113.9 instead of 10.0.0.1, source port 4711 instead of "
      .. "28672." } },
  { name = "hop_that_puts_back_between_is_no_second_nat",
    path = { hops = 7, nats = { SUM }, quirks = { [5] = function(a)
      a.quoted_checksum = a.sent_checksum
    end } },
    want = { "NAT between hops 2 and 3: the checksum was "
      .. "rewritten, and all other fields restored in the replies." } },
  { name = "one_odd_quote_is_none",
    path = { hops = 6, quirks = { [3] = set("quoted_source_port", 9) } },
    want = {} },
  { name = "one_odd_quote_at_the_end_is_none",
    path = { hops = 6, quirks = { [6] = set("quoted_checksum", 9) } },
    want = {} },
  { name = "odd_quotes_in_a_row_that_end_are_none",
    path = { hops = 6, quirks = each(2, 4, set("quoted_checksum", 9)) },
    want = {} },
  { name = "swapped_identification_to_the_end_is_none",
    path = { hops = 6, quirks = each(3, 6, function(a)
      a.quoted_id = quotes.swap(a.sent_id)
    end) }, want = {} },
  { name = "identification_alone_is_none",
    path = { hops = 6, quirks = each(3, 6, set("quoted_id", 77)) },
    want = {} },
  { name = "zeroed_fields_to_the_end_are_none",
    path = { hops = 6, quirks = each(3, 6, function(a)
      a.quoted_id, a.quoted_checksum, a.quoted_source_port = 0, 0, 0
      a.quoted_source = "0.0.0.0"
    end) }, want = {} },
  { name = "swapped_ports_to_the_end_are_none",
    path = { hops = 6, quirks = each(3, 6, function(a)
      a.quoted_source_port = quotes.swap(a.sent_source_port)
      a.quoted_target_port = quotes.swap(a.sent_target_port)
    end) }, want = {} },
  { name = "short_quotes_are_none",
    path = { hops = 6, nats = {}, quirks = each(1, 6, function(a)
      a.quoted, a.quoted_source_port, a.quoted_checksum = nil, nil, nil
    end) }, want = {} },
  { name = "ttl_0_and_the_same_address_behind_is_a_forwarding_bug",
    path = { hops = 5, quirks = {
      [3] = function(a, r) a.quoted_ttl, r.address = 0, "10.1.0.4" end } },
    want = { "Hops 3 and 4 are both 10.1.0.4, which quotes a TTL of 0 at "
      .. "hop 3: the router before it forwards packets that it should drop."
    } },
  { name = "time_exceeded_from_the_target_is_a_nat_that_hides_hops",
    path = { hops = 3, quirks = { [3] = function(_, r)
      r.address, r.target = quotes.TARGET, true
    end } },
    want = { "NAT is likely at hop 3: time exceeded comes from the target's "
      .. "address 198.18.0.9; the hops beyond are unknown." } },
  { name = "hops_that_show_the_target_hide_nothing",
    path = { hops = 6, quirks = replying_as_target(3, 5, 6) },
    want = { "NAT is likely at hop 3: time exceeded comes from the target's "
      .. "address 198.18.0.9 at hops 3 to 5." } },
  { name = "one_hop_shows_the_target_before_the_target_itself",
    path = { hops = 4, quirks = replying_as_target(3, 3, 4) },
    want = { "NAT is likely at hop 3: time exceeded comes from the target's "
      .. "address 198.18.0.9." } },
  { name = "port_unreachable_from_the_target_is_none",
    path = { hops = 3, quirks = { [3] = function(a, r)
      a.type, a.code = 3, 3
      r.address, r.target = quotes.TARGET, true
    end } }, want = {} },
  { name = "port_unreachable_from_a_v6_target_is_none",
    path = { hops = 3, quirks = { [3] = function(a, r)
      a.type, a.code, a.quoted_id = 1, 4, nil
      r.address, r.target = "2001:db8::9", true
    end } }, want = {} },
  { name = "ttl_0_alone_is_none",
    path = { hops = 5, quirks = { [3] = set("quoted_ttl", 0) } },
    want = {} },
}
check.rows(ROWS, function(row)
  check.equal(judged(row.path), row.want)
end)

check.case("icmp_identifier_is_reported", function()
  local quirks = each(2, 4, function(a)
    a.sent_ident, a.quoted_ident = 5, 6
  end)
  quirks[1] = function(a) a.sent_ident, a.quoted_ident = 5, 5 end
  check.equal(judged { hops = 4, quirks = quirks }, { "NAT between hops 1 and "
    .. "2: ICMP identifier 6 instead of 5." })
end)

-- Random translations, among single routers with quoting faults.
check.case("random_nats_are_found_at_their_place_and_no_others", function()
  local found, worlds, wrong = 0, 600, 0
  for seed = 1, worlds do
    local R = random.new(seed)
    local hops, quirks = R.whole(5, 14), {}
    local after = R.chance(0.5) and R.whole(0, hops - 3) or nil
    for ttl = 1, hops do
      if R.chance(0.1) and ttl ~= after and ttl ~= (after or -9) + 1 then
        quirks[ttl] = set(R.pick { "quoted_id", "quoted_source_port",
          "quoted_checksum" }, R.pick { 0, 7, nil })
      end
    end
    local list = nat.list(quotes.result { hops = hops, quirks = quirks,
      nats = after and { { after = after, delta = R.whole(1, 65000),
        source_port = R.chance(0.5) and 4711 or nil } } or {} })
    if after and list[1] and list[1].hop == after + 1 then
      found = found + 1
    end
    wrong = wrong + (#list ~= (after and 1 or 0) and 1 or 0)
  end
  check.equal(wrong <= worlds / 50, true, "wrong " .. wrong)
  check.equal(found >= worlds * 0.45, true, "found " .. found)
end)

check.case("random_results_raise_nothing_and_give_the_same_twice", function()
  for seed = 1, 500 do
    local one = nat.list(quotes.random(random.new(seed)))
    check.equal(nat.list(quotes.random(random.new(seed))), one)
  end
end)

check.finish()
