-- SPDX-License-Identifier: BSD-2-Clause
-- The page of HTML, to the byte against golden/page.html. After a change that
-- is meant: tests/lua lua5.4 tests/unit/html_test.lua write. What a browser
-- and validators say of it is in tests/net/html_test.sh.
local chart = require "mtrtrace.html.chart"
local check = require "check"
local fill = require "mtrtrace.html.fill"
local graph = require "mtrtrace.html.graph"
local pages = require "pages"
local sample = require "sample"

local by_name = {}
for _, page in ipairs(pages.PAGES) do
  by_name[page.name] = page
end

local function render(name, changes)
  return pages.render(by_name[name], changes)
end

local function count(text, part)
  local n, from = 0, 1
  while true do
    local at = text:find(part, from, true)
    if not at then
      return n
    end
    n, from = n + 1, at + 1
  end
end

-- ---- the page -------------------------------------------------------------

check.stored("page_is_as_it_was", "tests/unit/golden/page.html", function()
  return render "usual"
end)

check.case("page_reads_no_clock", function()
  local time, date = os.time, os.date
  rawset(os, "time", function() error("os.time") end)
  rawset(os, "date", function(format, at)
    return date(format, assert(at, "os.date"))
  end)
  local ok, err = pcall(render, "usual")
  rawset(os, "time", time)
  rawset(os, "date", date)
  check.equal({ ok, ok or err }, { true, true })
end)

check.case("page_says_what_was_traced_when_and_how", function()
  local text = render "usual"
  for _, part in ipairs { "<h1>Path to www.example.com (93.184.216.34)</h1>",
    '<time datetime="2026-11-21T14:00:00.500Z">', "ICMP echo requests, 64 "
    .. "bytes; 10 counted per hop, 48 sent in all", "192.168.1.10 on eth0",
    "Reached at hop 8", "Hop 3 does not reply (0 of 13 probes)",
    "r: bursts were answered only in part", "Made by mtr-trace 1.0" } do
    check.contains(text, part)
  end
end)

check.case("one_target_needs_no_script", function()
  check.equal(render("usual"):find("script", 1, true), nil)
  check.contains(render "three", "<script>")
end)

check.case("ports_are_named", function()
  local item = { name = "x", make = function()
    return sample.result({ sample.hop(1, { sample.responder "192.0.2.1" }) },
      { protocol = "tcp", port = 443, source_port = 28672 })
  end }
  check.contains(pages.render { list = { item } },
    "TCP SYNs to port 443 from port 28672, 64 bytes")
end)

check.case("columns_of_the_user_stay_as_they_are", function()
  local text = render("usual", { columns = { "hop", "ip", "p95", "os" },
    chosen = true })
  check.contains(text, '<thead><tr><th scope="col">Hop</th><th scope="col" '
    .. 'class="t">IP Address</th><th scope="col">P95<wbr>(ms)</th>'
    .. '<th scope="col" class="t">OS Guess</th></tr></thead>')
end)

check.case("empty_columns_that_nobody_chose_are_left_out", function()
  local head = render("usual"):match('<table class="hops">.-</thead>')
  check.equal(head:find("OS Guess", 1, true), nil)
  check.contains(head, "Median")
end)

-- ---- text from the network ------------------------------------------------

check.case("text_is_escaped", function()
  check.equal(fill.escape "<a b='c' d=\"e\">&\27[1m\0\200",
    "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;[1m\u{c8}")
end)

check.case("values_are_no_templates", function()
  check.equal(fill.fill("$(a) $[b]", { a = "$(b)%1", b = "$(a)%0" }),
    "$(b)%1 $(a)%0")
end)

check.case("names_make_no_elements", function()
  local text = render "hostile"
  check.equal({ count(text, "<script"), count(text, "<img"),
    count(text, "</style>"), count(text, "</title>$") }, { 0, 0, 1, 0 })
  check.equal(text:find "[\0-\9\11-\31\127]", nil)
  check.equal(utf8.len(text) ~= nil, true)
  check.contains(text, "&lt;script&gt;alert(1)&lt;/script&gt;")
end)

check.case("long_names_are_whole_in_the_table", function()
  check.contains(render "long_names",
    ("Gesellschaft fuer Verbindungen "):rep(8) .. "</td>")
end)

-- ---- edges ----------------------------------------------------------------

local EDGES = {
  { name = "silent_path_has_no_chart", page = "silent",
    has = { "Not reached", "<th scope=\"row\">1-12</th>", "* (hop 1-12)" },
    lacks = { "<table class=\"chart\">" } },
  { name = "silent_hop_alone_is_a_row", page = "silent_hop",
    has = { "* (hop 1)", "no hop replies" } },
  { name = "unreachable_path_says_by_whom", page = "unreachable",
    has = { "62.20.1.1 at hop 2 replies with administratively prohibited" } },
  { name = "nothing_sent_is_said", page = "nothing",
    has = { "this host sent no probe" }, lacks = { "<table", "<figure" } },
  { name = "hops_without_figures_have_none", page = "figureless",
    has = { "<td>-</td><td>0</td><td>0</td>" },
    lacks = { "Mnan", ">nan", "-nan", "Hinf" } },
  { name = "target_that_was_not_traced", page = "not_traced",
    has = { "Not traced", "no such host" } },
  { name = "one_hop", page = "one_hop", has = { "Reached at hop 1" } },
  { name = "thirty_hops", page = "deep",
    has = { '<th scope="row">30</th>', '>30</text>' } },
  { name = "ipv6_addresses_are_whole", page = "ipv6",
    has = { ">2001:db8:aaaa:bbbb:cccc:dddd:eeee:2222</text>",
      "fe80::1234:5678:9abc:def0%enp0s31f6" } },
  { name = "many_addresses_are_all_in_the_table_only", page = "wide",
    has = { "and 250 more", "and 248 more: see the table",
      "<td class=\"t\">10.1.0.255</td>" },
    lacks = { "<text>10.1.0.255" } },
  { name = "latency_beyond_the_scale_has_an_arrow", page = "usual",
    has = { '<path class="beyond" d="M970' } },
}
check.rows(EDGES, function(row)
  local text = render(row.page)
  for _, part in ipairs(row.has) do
    check.contains(text, part)
  end
  for _, part in ipairs(row.lacks or {}) do
    check.equal(text:find(part, 1, true), nil, part)
  end
end)

check.case("thousand_targets_stay_below_4_MB", function()
  local text = render "thousand"
  check.equal(#text < 4e6, true, #text .. " bytes")
  check.equal({ count(text, '<details class="trace"><summary>'),
    count(text, "<svg class=\"bar\""), count(text, 'href="#t1000"'),
    count(text, 'id="t1000"') }, { 1000, 0, 1, 1 })
  check.contains(text, "Drawings are left out with more than 200 targets.")
  check.contains(text, "1000 targets, 800 reached")
end)

-- ---- drawings -------------------------------------------------------------

local ROUND = {
  { name = "round_1", value = 1.0, want = 1.0 },
  { name = "round_just_above_1", value = 1.01, want = 2.0 },
  { name = "round_5", value = 5.0, want = 6.0 },
  { name = "round_97", value = 97.0, want = 100.0 },
  { name = "round_1450", value = 1450.0, want = 2000.0 },
  { name = "round_small", value = 0.031, want = 0.04 },
}
check.rows(ROUND, function(row)
  local got = chart.round_up(row.value)
  check.equal(math.abs(got - row.want) < 1e-9, true, got)
end)

check.case("unknown_hops_are_nodes_of_their_own", function()
  local text = graph.render(sample.result { sample.silent(1),
    sample.silent(2), sample.hop(3, { sample.responder("192.0.2.1") }) }, "x")
  check.contains(text, "* (hop 1)")
  check.contains(text, "* (hop 2)")
  check.equal(count(text, '<g class="node'), 4)
end)

check.case("addresses_of_a_hop_stand_side_by_side", function()
  local text = graph.render(sample.result { sample.hop(1,
    { sample.responder("192.0.2.1"), sample.responder("192.0.2.2") }) }, "x")
  local one, at_one = text:match('192.0.2.1<.-<rect x="(%d+)" y="(%d+)"')
  local two, at_two = text:match('192.0.2.2<.-<rect x="(%d+)" y="(%d+)"')
  check.equal({ at_one, tonumber(two) > tonumber(one) }, { at_two, true })
  check.contains(text, 'class="edge unsure"')
end)

check.finish()
