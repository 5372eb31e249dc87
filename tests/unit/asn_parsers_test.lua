-- SPDX-License-Identifier: BSD-2-Clause
-- The parsers of registry responses, with valid and hostile input.
local check = require "check"
local clean = require "mtrtrace.asn.clean"
local cymru = require "mtrtrace.asn.cymru"
local irrd = require "mtrtrace.asn.irrd"
local merge = require "mtrtrace.asn.merge"
local prefix = require "mtrtrace.asn.prefix"
local ripe = require "mtrtrace.asn.ripe"
local rpsl = require "mtrtrace.asn.rpsl"
local special = require "mtrtrace.base.special"

local b = special.bytes

-- ---- prefixes -------------------------------------------------------------

local PREFIXES = {
  { "192.0.2.0/24", "192.0.2.0/24" }, { "192.0.2.9/24", "192.0.2.0/24" },
  { "0.0.0.0/0", "0.0.0.0/0" }, { "192.0.2.255/31", "192.0.2.254/31" },
  { "192.0.2.1/32", "192.0.2.1/32" }, { "192.0.2.0/33" }, { "192.0.2.0" },
  { "192.0.2/24" }, { "x/24" }, { "1.2.3.4/-1" }, { "1.2.3.4/0000" }, { "" },
  { "2001:DB8::/32", "2001:db8::/32" }, { "::/0", "::/0" },
  { "2001:db8:0:0:1::/80", "2001:db8:0:0:1::/80" },
  { "2001:0db8:0:1:0:0:0:1/128", "2001:db8:0:1::1/128" },
  { "1:2:3:4:5:6:7:8/126", "1:2:3:4:5:6:7:8/126" },
  { "1:0:0:2:0:0:0:3/128", "1:0:0:2::3/128" },
  { "1:0:2:3:4:5:6:7/128", "1:0:2:3:4:5:6:7/128" },
  { "2001:db8::/129" }, { "fe80::1%eth0/64" },
}
for _, row in ipairs(PREFIXES) do
  check.case(("prefix_'%s'"):format(row[1]), function()
    local got = prefix.parse(row[1])
    check.equal(got and prefix.text(got), row[2])
  end)
end

check.case("prefix_holds_its_addresses_and_no_other", function()
  local p = prefix.parse "10.20.0.0/15"
  check.equal({ prefix.contains(p, b "10.21.255.255"),
    prefix.contains(p, b "10.22.0.0"), prefix.contains(p, b "::") },
    { true, false, false })
end)

check.case("map_finds_the_longest_prefix_of_the_family", function()
  local map = prefix.map()
  map:put(prefix.parse "0.0.0.0/0", "any")
  map:put(prefix.parse "192.0.2.0/24", "24")
  map:put(prefix.parse "192.0.2.128/25", "25")
  check.equal({ map:find(b "192.0.2.1"), map:find(b "192.0.2.200"),
    map:find(b "8.8.8.8"), map:find(b "::1") }, { "24", "25", "any" })
  check.equal(select(2, map:find(b "192.0.2.200")), 25)
end)

-- ---- IRRd -----------------------------------------------------------------

check.case("irrd_queries", function()
  check.equal({ irrd.routes(b "192.0.2.1"), irrd.routes(b "2001:db8::1"),
    irrd.autnum(64496), irrd.hello("1.0") },
    { "!r192.0.2.1/32,L\n", "!r2001:db8::1/128,L\n",
      "!maut-num,AS64496\n", "!!\n!nmtr-trace/1.0\n!t60\n", 2 })
end)

local REPLIES = {
  { name = "irrd_data_needs_no_line_end", data = "A6\nhelloCC\n",
    want = { "data:helloC" } },
  { name = "irrd_data_is_counted", data = "A6\nhello\nC\n",
    want = { "data:hello\n" } },
  { name = "irrd_pipelined", data = "C\nD\nA2\nx\nC\nF no way\nE\n",
    want = { "empty:", "missing:", "data:x\n", "error:no way",
      "multiple:" } },
  { name = "irrd_body_may_hold_replies", data = "A8\nC\nD\nA2\nxC\n",
    want = { "data:C\nD\nA2\nx" } },
  { name = "irrd_body_may_look_like_replies", data = "A7\nC\nD\nA2\nC\n",
    want = { "data:C\nD\nA2\n" } },
  { name = "irrd_length_too_small", data = "A3\nhello\nC\n",
    err = "its length says" },
  { name = "irrd_length_too_large", data = "A9\nhello\nC\nC\nD\n",
    err = "its length says" },
  { name = "irrd_no_C_at_the_end", data = "A6\nhello\nD\nC\n",
    err = "its length says" },
  { name = "irrd_cut_off", data = "A6\nhel", want = {} },
  { name = "irrd_cut_off_before_C", data = "A6\nhello\n", want = {} },
  { name = "irrd_zero_length", data = "A0\nC\n", want = { "data:" } },
  { name = "irrd_carriage_returns", data = "C\r\nA2\nx\nC\r\nD\r\n",
    want = { "empty:", "data:x\n", "missing:" } },
  { name = "irrd_huge_length", data = "A10485760\n",
    err = "more than 256 KiB" },
  { name = "irrd_absurd_length", data = "A" .. ("9"):rep(300) .. "\n",
    err = "more than 256 KiB" },
  { name = "irrd_negative_length", data = "A-1\n", err = "malformed" },
  { name = "irrd_length_missing", data = "A\n", err = "malformed" },
  { name = "irrd_empty_line", data = "\n", err = "an empty line" },
  { name = "irrd_binary", data = "\0\1\2\255\n", err = "malformed" },
  { name = "irrd_another_protocol", data = "HTTP/1.1 400 Bad Request\n",
    err = "malformed reply: HTTP/1.1 400 Bad Request" },
  { name = "irrd_answers_before_the_fault_count", data = "D\nD\nxx\n",
    want = { "missing:", "missing:" }, err = "malformed" },
  { name = "irrd_endless_line", data = ("F"):rep(10000),
    err = "without an end" },
  { name = "irrd_escapes_in_an_error", data = "F \27[2Jgone\7\n",
    want = { "error:[2Jgone" } },
}

local function read_all(reader, data, size)
  local got, err = {}, nil
  for at = 1, #data, size do
    local replies
    replies, err = reader:feed(data:sub(at, at + size - 1))
    for _, reply in ipairs(replies) do
      got[#got + 1] = reply.kind .. ":" .. reply.text
    end
    if err then
      break
    end
  end
  return got, err
end

check.rows(REPLIES, function(row)
  for _, size in ipairs { 1, 2, 7, 100000 } do
    local got, err = read_all(irrd.reader(), row.data, size)
    check.equal(got, row.want or {}, "in pieces of " .. size)
    if row.err then
      check.contains(err, row.err)
    else
      check.equal(err, nil)
    end
  end
end)

check.case("irrd_ten_megabytes_are_refused_early", function()
  local reader, fed, err = irrd.reader(), 0, nil
  local piece = ("x"):rep(65536)
  reader:feed("A262144\n")
  while not err and fed < 10485760 do
    err = select(2, reader:feed(piece))
    fed = fed + #piece
  end
  check.contains(err, "its length says")
  check.equal(fed <= 2 * 262144, true, tostring(fed))
end)

-- ---- objects --------------------------------------------------------------

local ROUTES = [[
% a remark
route:      192.0.0.0/16
origin:     AS1
source:     RADB

route:      192.0.2.0/24
descr:      two
 lines
+    here
origin:     as64496  # a comment
source:     RADB
rpki-ov-state: not_found # No ROAs found

route:      192.0.2.0/24
origin:     AS64497
source:     RIPE
rpki-ov-state: valid

route:      192.0.2.0/24
origin:     AS64497
source:     RIPE

route:      198.51.100.0/25
origin:     AS9
]]

local function shown(origins)
  local out = {}
  for i, o in ipairs(origins) do
    out[i] = ("AS%d %s %s %s"):format(o.asn, prefix.text(o.prefix),
      o.irr_source or "-", o.rpki or "-")
  end
  return out
end

check.case("longest_prefix_wins_and_all_its_origins_are_kept", function()
  check.equal(shown(rpsl.origins(ROUTES, b "192.0.2.7")),
    { "AS64496 192.0.2.0/24 RADB not_found",
      "AS64497 192.0.2.0/24 RIPE valid" })
end)

check.case("routes_that_do_not_hold_the_address_are_left_out", function()
  check.equal(shown(rpsl.origins(ROUTES, b "192.0.3.7")),
    { "AS1 192.0.0.0/16 RADB -" })
  check.equal(rpsl.origins(ROUTES, b "8.8.8.8"), {})
end)

check.case("continued_lines_belong_to_their_attribute", function()
  check.equal(rpsl.get(rpsl.objects(ROUTES)[2], "descr"), "two lines here")
end)

local BAD_ROUTES = {
  { name = "no_origin", text = "route: 192.0.2.0/24\n" },
  { name = "origin_is_no_number", text = "route: 192.0.2.0/24\norigin: ASX" },
  { name = "origin_is_zero", text = "route: 192.0.2.0/24\norigin: AS0" },
  { name = "origin_is_too_large",
    text = "route: 192.0.2.0/24\norigin: AS4294967296" },
  { name = "prefix_of_all", text = "route: 0.0.0.0/0\norigin: AS1" },
  { name = "prefix_of_half_of_all", text = "route: 128.0.0.0/1\norigin: AS1" },
  { name = "prefix_of_more_than_an_eighth",
    text = "route: 192.0.0.0/7\norigin: AS1" },
  { name = "prefix_is_none", text = "route: 192.0.2.0/99\norigin: AS1" },
  { name = "other_family", text = "route6: 2001:db8::/32\norigin: AS1" },
  { name = "no_object", text = "\0\0\0: : :\n:::\n\n\n" },
}
check.rows(BAD_ROUTES, function(row)
  check.equal(rpsl.origins(row.text, b "192.0.2.7"), {})
end)

check.case("a_default_route_hides_no_other", function()
  local text = "route: 0.0.0.0/0\norigin: AS1\n\nroute: 192.0.2.0/24\n"
    .. "origin: 64500\n"
  check.equal(#rpsl.origins(text, b "192.0.2.7"), 1)
  check.equal(rpsl.origins(text, b "192.0.2.7")[1].asn, 64500)
end)

check.case("prefixes_of_registries_count", function()
  check.equal(#rpsl.origins("route: 12.0.0.0/8\norigin: AS1\n",
    b "12.1.1.1"), 1)
  check.equal(#rpsl.origins("route6: 2600::/16\norigin: AS1\n",
    b "2600::1"), 1)
  for _, short in ipairs { "::/0", "2000::/3", "2600::/12", "2600::/15" } do
    check.equal(rpsl.origins(("route6: %s\norigin: AS1\n"):format(short),
      b "2600::1"), {}, short)
  end
end)

check.case("a_default_route_in_bgp_is_nobodys", function()
  check.equal({ cymru.line("1 | 5.5.5.5 | 0.0.0.0/0 | US | arin | "
    .. "2000-01-01 | ONE") }, { b "5.5.5.5", {} })
  check.equal(cymru.origins({ "1 | 0.0.0.0/0 | US | arin | 2000-01-01" },
    b "5.5.5.5"), {})
end)

local ASNS = { AS1 = 1, as4294967295 = 4294967295, ["AS1.10"] = 65546,
  ["AS65536.1"] = false, AS = false, [""] = false, AS99999999999 = false,
  ["AS-1"] = false, ["1"] = 1, ["as 3301"] = 3301, ["3301 x"] = false,
  ["A3301"] = false, ["-1"] = false }
for text, want in pairs(ASNS) do
  check.case(("asn_'%s'"):format(text), function()
    check.equal(rpsl.asn(text), want or nil)
  end)
end

local HOLDERS = {
  { name = "holder_by_description", text = "aut-num: AS1\nas-name: ONE\n"
    .. "descr: ------\ndescr: One Ltd\nsource: RIPE\n", want = "ONE" },
  { name = "holder_by_first_description", text = "aut-num: AS1\n"
    .. "as-name: ONE\ndescr: One Ltd\ndescr: Street 1\n", want = "One Ltd" },
  { name = "holder_by_name", text = "aut-num: AS1\nas-name: ONE\n",
    want = "ONE" },
  { name = "holder_by_org", text = "aut-num: AS1\norg: ORG-X1-RIPE\n",
    want = "ORG-X1-RIPE" },
  { name = "holder_of_another_as_is_not_taken",
    text = "aut-num: AS2\nas-name: TWO\n" },
  { name = "holder_with_escapes", text = "aut-num: AS1\n"
    .. "descr: \27]0;x\7O\tn\0e\r\n", want = "]0;xO ne" },
}
check.rows(HOLDERS, function(row)
  local holder = rpsl.holder(row.text, 1)
  check.equal(holder and holder.name, row.want)
end)

check.case("text_is_printable_and_short", function()
  check.equal(#clean.text(("x\27"):rep(100000)), 200)
  check.equal(clean.text "\0\27\7", nil)
  check.equal(clean.text "a\195\182\n b  ", "a\u{f6} b")
  check.equal(clean.text(("\u{f6}"):rep(150)), ("\u{f6}"):rep(100))
end)

-- ---- bulk whois -----------------------------------------------------------

local LINES = {
  { name = "cymru_answer", line = "23028   | 216.90.108.31    | "
    .. "216.90.108.0/24     | US | arin     | 1998-09-25 | TEAM-CYMRU, US",
    want = "216.90.108.31: 23028 216.90.108.0/24 US arin 1998-09-25 "
      .. "TEAM-CYMRU, US" },
  { name = "cymru_nothing_known", line = "NA      | 192.0.2.1 | NA | | | "
    .. "| NA", want = "192.0.2.1:" },
  { name = "cymru_several_origins_in_one_line",
    line = "1 2 | 192.0.2.1 | 192.0.2.0/24 | US | arin | | X",
    want = "192.0.2.1: 1 192.0.2.0/24 US arin - X; "
      .. "2 192.0.2.0/24 US arin - X" },
  { name = "cymru_bar_in_a_name",
    line = "1 | 192.0.2.1 | 192.0.2.0/24 | US | arin | - | A | B, US",
    want = "192.0.2.1: 1 192.0.2.0/24 US arin - A | B, US" },
  { name = "cymru_short_line", line = "1 | 192.0.2.1 | 192.0.2.0/24",
    want = "192.0.2.1: 1 192.0.2.0/24 - - - -" },
  { name = "cymru_prefix_of_another_address",
    line = "1 | 192.0.2.1 | 198.51.100.0/24 | | | | X", want = "192.0.2.1:" },
  { name = "cymru_number_too_large",
    line = "4294967296 | 192.0.2.1 | 192.0.2.0/24 | | | | X",
    want = "192.0.2.1:" },
  { name = "cymru_greeting", line = "Bulk mode; whois.cymru.com [2026]" },
  { name = "cymru_title", line = "AS | IP | BGP Prefix | CC | Registry" },
  { name = "cymru_error", line = "Error: no ASN or IP match on line 3." },
  { name = "cymru_no_address", line = "1 | x | 192.0.2.0/24" },
  { name = "cymru_empty", line = "" },
  { name = "cymru_binary", line = "\0|\255|\27|" },
}
check.rows(LINES, function(row)
  local bytes, origins = cymru.line(row.line)
  local parts = {}
  for i, o in ipairs(origins or {}) do
    parts[i] = (" %d %s %s %s %s %s"):format(o.asn, prefix.text(o.prefix),
      o.country or "-", o.registry or "-", o.allocated or "-",
      o.organization or "-")
  end
  check.equal(bytes and special.text(bytes) .. ":"
    .. table.concat(parts, ";"), row.want)
end)

check.case("cymru_lines_may_come_in_pieces", function()
  local text = "Bulk mode\r\n1 | 192.0.2.1 | 192.0.2.0/24 | | | | X\r\n"
    .. "2 | 192.0.2.2 | 192.0.2.0/24"
  for size = 1, #text do
    local reader, got = cymru.reader(), {}
    for at = 1, #text, size do
      for _, line in ipairs((reader:feed(text:sub(at, at + size - 1)))) do
        got[#got + 1] = special.text(line.bytes) .. " "
          .. line.origins[1].organization
      end
    end
    check.equal(got, { "192.0.2.1 X" })
  end
end)

-- Lines on which a backtracking pattern would take minutes.
check.case("long_blank_lines_take_no_time", function()
  local blank, began = (" "):rep(262144), os.clock()
  rpsl.objects("route: x" .. blank .. "y\n " .. blank .. "z\n" .. blank)
  cymru.reader():feed((blank .. "|\n"):rep(4))
  cymru.line((" "):rep(1000) .. "|" .. (" "):rep(1000) .. "x")
  check.equal(os.clock() - began < 1, true)
end)

check.case("cymru_endless_line_is_refused", function()
  check.contains(select(2, cymru.reader():feed(("x"):rep(10485760))),
    "without an end")
end)

-- ---- DNS ------------------------------------------------------------------

local ZONES = { [4] = "four.test", [16] = "six.test" }

check.case("cymru_dns_names", function()
  check.equal({ cymru.origin_name(b "192.0.2.7", ZONES),
    cymru.origin_name(b "2001:db8::1f", ZONES),
    cymru.holder_name(64496, "as.test") },
    { "7.2.0.192.four.test",
      "f.1." .. ("0."):rep(22) .. "8.b.d.0.1.0.0.2.six.test",
      "AS64496.as.test" })
end)

local TEXTS = {
  { name = "dns_origin", texts = { "23028 | 192.0.2.0/24 | US | arin | "
    .. "1998-09-25" }, want = "23028 192.0.2.0/24 US arin 1998-09-25" },
  { name = "dns_three_fields", texts = { "23028 | 192.0.2.0/24 | US" },
    want = "23028 192.0.2.0/24 US - -" },
  { name = "dns_several_origins", texts = { "1 2 | 192.0.2.0/24 | US" },
    want = "1 192.0.2.0/24 US - -; 2 192.0.2.0/24 US - -" },
  { name = "dns_several_records", texts = { "1 | 192.0.2.0/24 | US",
    "2 | 192.0.2.0/24 | GB" },
    want = "1 192.0.2.0/24 US - -; 2 192.0.2.0/24 GB - -" },
  { name = "dns_longest_prefix_wins", texts = { "1 | 192.0.0.0/16 | US",
    "2 | 192.0.2.0/24 | GB", "3 | 192.0.0.0/8 | SE" },
    want = "2 192.0.2.0/24 GB - -" },
  { name = "dns_no_such_name", texts = {}, want = "" },
  { name = "dns_nothing_announced", texts = { "NA | 192.0.2.0/24 | |" },
    want = "" },
  { name = "dns_prefix_of_another_address",
    texts = { "1 | 198.51.100.0/24 | US" }, err = "unreadable record: 1 |" },
  { name = "dns_other_family", texts = { "1 | 2001:db8::/32 | US" },
    err = "unreadable" },
  { name = "dns_no_prefix", texts = { "1 | x | US" }, err = "unreadable" },
  { name = "dns_one_field", texts = { "v=spf1 -all" },
    err = "an unreadable record: v=spf1 -all" },
  { name = "dns_empty_record", texts = { "" }, err = "an empty one" },
  { name = "dns_binary", texts = { "\0\255|\27|" }, err = "unreadable" },
  { name = "dns_escapes_in_a_field", texts = { "1 | 192.0.2.0/24 | "
    .. "\27[2J\7 | \0 | \r\nx" }, want = "1 192.0.2.0/24 [2J - x" },
  { name = "dns_good_one_among_bad_ones", texts = { "", "\0",
    "1 | 192.0.2.0/24 | US" }, want = "1 192.0.2.0/24 US - -" },
  { name = "dns_endless_record",
    texts = { "1 | 192.0.2.0/24 | " .. ("x"):rep(1000000) },
    want = "1 192.0.2.0/24 " .. ("x"):rep(200) .. " - -" },
}
check.rows(TEXTS, function(row)
  local origins, err = cymru.origins(row.texts, b "192.0.2.7")
  local parts = {}
  for i, o in ipairs(origins or {}) do
    parts[i] = ("%d %s %s %s %s"):format(o.asn, prefix.text(o.prefix),
      o.country or "-", o.registry or "-", o.allocated or "-")
  end
  check.equal(origins and table.concat(parts, "; "), row.want)
  if row.err then
    check.contains(err, row.err)
  end
end)

check.case("dns_many_records_are_cut_off", function()
  local texts = {}
  for i = 1, 1000 do
    texts[i] = i .. " | 192.0.2.0/24 | US"
  end
  check.equal(#cymru.origins(texts, b "192.0.2.7"), 16)
end)

local NAMES = {
  { name = "dns_holder", text = "7 | US | arin | 2002-01-04 | SEVEN, US",
    want = "SEVEN, US" },
  { name = "dns_holder_with_a_bar", text = "7 | US | arin | - | A | B, US",
    want = "A | B, US" },
  { name = "dns_holder_of_another_as", text = "8 | US | arin | - | EIGHT" },
  { name = "dns_holder_without_a_name", text = "7 | US | arin | - |" },
  { name = "dns_holder_cut_off", text = "7 | US" },
  { name = "dns_holder_with_escapes", text = "7||||\27]0;x\7 y\0",
    want = "]0;x y" },
  { name = "dns_holder_empty", text = "" },
}
check.rows(NAMES, function(row)
  local holder = cymru.holder({ row.text }, 7)
  check.equal(holder and holder.name, row.want)
end)

-- ---- RIPE -----------------------------------------------------------------

local function ripe_of(text)
  local reader = ripe.reader()
  local _, err = reader:feed(text)
  if err then
    return nil, err
  end
  return reader:origins(b "192.0.2.7")
end

check.case("ripe_query", function()
  check.equal(ripe.query(b "192.0.2.7"),
    "-r -K -T route,route6 192.0.2.7\n")
end)

check.case("ripe_answer", function()
  check.equal(shown(ripe_of("% This is the RIPE Database.\n\n"
    .. "route:          192.0.2.0/24\norigin:         AS64496\n\n\n")),
    { "AS64496 192.0.2.0/24 - -" })
end)

local RIPE_BAD = {
  { name = "ripe_no_entries", text = "%ERROR:101: no entries found\n%\n\n",
    want = {} },
  { name = "ripe_denied", err = "ERROR:201: access denied for 192.0.2.1",
    text = "% x\n\n%ERROR:201: access denied for 192.0.2.1\n%\n\n" },
  { name = "ripe_cut_off", text = "route: 192.0.2.0/24\norigin: AS",
    err = "closed in the middle" },
  { name = "ripe_silent", text = "", err = "closed in the middle" },
  { name = "ripe_too_long", text = ("x"):rep(65537), err = "64 KiB" },
}
check.rows(RIPE_BAD, function(row)
  local got, err = ripe_of(row.text)
  check.equal(got, row.want)
  if row.err then
    check.contains(err, row.err)
  end
end)

-- ---- merged facts ---------------------------------------------------------

check.case("many_origins_are_cut_in_the_table_and_kept_beside_it", function()
  local origins = {}
  for asn = 1, 9 do
    origins[asn] = { asn = asn, organization = "Org" .. asn,
      irr_source = "S" .. asn, prefix = prefix.parse "192.0.2.0/24" }
  end
  local facts = merge.facts({ { source = "irr", origins = origins } }, {})
  check.equal({ facts.asn, facts.organization, facts.source,
    #facts.origins }, { "AS1/AS2/AS3/AS4/...",
    "Org1 / Org2 / Org3 / Org4 / ...", "irr S1+S2+S3+S4+...", 9 })
end)

check.case("name_of_the_source_itself_goes_before_others", function()
  local facts = merge.facts({ { source = "cymru-dns",
    holders = { { name = "ONE, US" }, false },
    origins = { { asn = 1 }, { asn = 2 } } } },
    { { name = "One Ltd" }, { name = "Two Ltd" } })
  check.equal(facts.organization, "ONE, US / Two Ltd")
end)

check.finish()
