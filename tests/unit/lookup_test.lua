-- SPDX-License-Identifier: BSD-2-Clause
-- The look-ups of traces against servers of every kind, in virtual time.
local check = require "check"
local lookups = require "lookups"
local fake_net = require "fake_net"
local txt = require "txt"
local unicode = require "mtrtrace.base.unicode"
local world = require "world"

local BULK, BULK_ONLY, HOPS, IRR = lookups.BULK, lookups.BULK_ONLY,
  lookups.HOPS, lookups.IRR
local LAST, SECOND, V6 = lookups.LAST, lookups.SECOND, lookups.V6
local named, run, servers_of = lookups.named, lookups.run,
  lookups.servers_of
local settings_of, trace = lookups.settings_of, lookups.trace

local FULL = {
  "-|-", "AS3301|ACCESS-NET, SE", "AS2914|TRANSIT-1, US",
  "AS2915|CUSTOMER, US", "AS6453/AS6461|TWIN-A, GB / TWIN-B, GB",
  "AS7018 (irr AS1239)|NEWHOLDER, US", "AS6695 (irr)|Exchange Point",
  "-|-", "AS15133|EDGECAST, US",
}

check.case("both_sources_answer", function()
  local rows, net, extra = run()
  check.equal(rows, FULL)
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
  check.equal(extra < 0.2, true, tostring(extra))
end)

check.case("both_sources_answer_in_ipv6", function()
  local rows, net = run { hops = V6 }
  check.equal(rows, FULL)
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
end)

check.case("details_are_kept", function()
  local _, _, _, by = run()
  local r = by["12.122.1.1"]
  check.equal({ r.prefix, r.registry, r.country, r.source, r.announced },
    { "12.122.0.0/16", "arin", "US",
      "irr irr.test RADB, cymru bulk.test", true })
  check.equal(r.rpki, nil) -- that of another origin
  check.equal(by["62.20.1.1"].rpki, "valid")
  check.equal(by["80.81.192.5"].announced, false)
  check.equal(by["5.5.5.5"].announced, false)
  check.equal(#r.origins, 2)
  check.equal({ r.origins[1].asn, r.origins[1].source, r.origins[2].asn,
    r.origins[2].irr_source or "" }, { "AS1239", "irr", "AS7018", "" })
end)

local SPECIAL = { "10.0.0.1", "100.64.0.1", "169.254.1.1", "192.0.2.1",
  "198.18.0.1", "224.0.0.1", "fd00::1", "fe80::1%eth0", "5f00::1", "4000::1",
  "2001:db8::1" }

check.case("no_third_party_gets_special_addresses", function()
  for _, order in ipairs { { "irr", "cymru" }, { "cymru-dns" }, { "ripe" } } do
    local _, net = run { hops = SPECIAL, settings = { order = order } }
    check.equal({ net.connects, net.sent, net.asked_texts }, { {}, {}, {} })
  end
  local _, net = run { hops = SPECIAL, settings = { names = false } }
  check.equal({ net.asked_names, net.lines[2] }, { {} })
end)

check.case("special_addresses_are_named_by_the_resolver", function()
  local _, net, _, by = run { hops = SPECIAL, names = {
    ["10.0.0.1"] = "gate.home.arpa", ["fe80::1"] = "gate6.home.arpa",
    ["fd00::1"] = "nas.home.arpa" } }
  check.equal(#net.asked_names, #SPECIAL)
  check.equal({ by["10.0.0.1"].name, by["fe80::1%eth0"].name,
    by["fd00::1"].name, by["100.64.0.1"].name, by["10.0.0.1"].special },
    { "gate.home.arpa", "gate6.home.arpa", "nas.home.arpa", nil,
      "private" })
end)

local function count(list, text)
  local n = 0
  for _, item in ipairs(list) do
    for _ in item:gmatch(text) do
      n = n + 1
    end
  end
  return n
end

check.case("nothing_is_asked_twice", function()
  local _, net = run { hops = { "62.20.1.1", "62.20.1.2", "62.20.1.3",
    "62.20.1.1" } }
  check.equal({ count(net.sent, "!r"), count(net.sent, "!maut"),
    count(net.sent, "62%.20%.1%.%d\n"), #net.asked_names }, { 1, 1, 1, 3 })
end)

check.case("two_traces_share_answers_and_questions", function()
  local net = fake_net.new(servers_of())
  local store, results = {}, {}
  net:run(function(host)
    for i = 1, 20 do
      host.spawn(function()
        results[i] = trace(host, HOPS, settings_of(), store)
      end)
    end
  end)
  for i = 1, 20 do
    check.equal(results[i].hops[9].responders[1].asn, "AS15133")
  end
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
  check.equal(count(net.sent, "!r"), 8)
end)

check.case("a_later_trace_asks_nothing_that_is_known", function()
  local net = fake_net.new(servers_of())
  local store, before = {}, nil
  net:run(function(host)
    trace(host, HOPS, settings_of(), store)
    before = #net.sent
    trace(host, HOPS, settings_of(), store)
  end)
  check.equal(count({ table.unpack(net.sent, before + 1) }, "!r"), 0)
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
end)

check.case("short_trace_waits_for_its_answers", function()
  local rows, _, extra = run { seconds = 0.2 }
  check.equal(rows, FULL)
  check.equal(extra <= 0.5, true, tostring(extra))
end)

check.case("number_of_queries_is_reported", function()
  local _, net = run()
  check.contains(net.lines[#net.lines], "irr 16 queries, 1 connection; "
    .. "cymru 8 queries, 1 connection; names 9 queries")
end)

-- ---- faulty servers -------------------------------------------------------

local function sends(text, interval)
  return function(remote)
    function remote.heard()
      remote.heard = nil
      if not interval then
        remote.say(text, 0.01)
        return
      end
      for i = 1, #text do
        remote.say(text:sub(i, i), i * interval)
      end
    end
  end
end

local function endless(piece)
  return function(remote)
    function remote.heard()
      remote.heard = nil
      for i = 1, 2000 do
        remote.say(piece, i * 0.01)
      end
    end
  end
end

local function then_closes(text)
  return function(remote)
    function remote.heard()
      remote.say(text, 0.01)
      remote.hang_up(0.02)
    end
  end
end

local function never(_) end

local BAD = {
  { name = "refused", server = "refuse" },
  { name = "unreachable", server = "silent" },
  { name = "silent", server = never },
  { name = "closing_at_once", server = function(r) r.hang_up(0) end },
  { name = "slow", server = sends(("C\nC\nA900\n"):rep(100), 1) },
  { name = "slow_with_lines", server = sends(("62.20.1.1 |"):rep(100), 1) },
  { name = "endless", server = endless(("x"):rep(8192)) },
  { name = "endless_lines", server = endless("C\nbogus\n") },
  { name = "endless_answers", server = endless("D\n") },
  { name = "cut_off", server = then_closes("C\nC\nA900\nroute: 6") },
  { name = "wrong_length", server = sends "C\nC\nA3\nroute: 62.20\nC\n" },
  { name = "without_C", server = sends "C\nC\nA6\nroute\nD\n" },
  { name = "binary", server = sends(("\0\255\1"):rep(1000)) },
  { name = "escapes", server = sends "\27[2J\27]0;owned\7\n" },
  { name = "ten_megabytes", server = sends(("x"):rep(10485760)) },
  { name = "huge_answer", server = sends("C\nC\nA10485760\n") },
}

-- Each debug line is printable and names the server.
local function tidy(lines)
  for _, line in ipairs(lines) do
    check.equal(unicode.clean(line), line)
    check.equal(#line < 200, true, line)
  end
end

for _, row in ipairs(BAD) do
  check.case("irr_server_is_" .. row.name, function()
    local rows, net, extra, _, all = run {
      servers = { [IRR] = row.server, [SECOND] = "refuse", [LAST] = never },
    }
    check.equal(rows, BULK_ONLY)
    check.equal(extra <= 3.15, true, tostring(extra))
    check.equal(all <= 8, true, tostring(all))
    check.equal(count(net.lines, "irr: irr%.test:43: "), 1,
      table.concat(net.lines, "; "))
    check.equal(net.connects["irr.test"], 1)
    tidy(net.lines)
  end)
  check.case("bulk_server_is_" .. row.name, function()
    local rows, net, extra, _, all = run { servers = { [BULK] = row.server } }
    check.equal(rows[2], "AS3301|Access Networks AB")
    check.equal(rows[5], "AS6453/AS6461|Twin A / Twin B")
    check.equal(extra <= 3.15, true, tostring(extra))
    check.equal(all <= 8, true, tostring(all))
    check.equal(count(net.lines, "cymru: bulk%.test:43: "), 1,
      table.concat(net.lines, "; "))
    check.equal(net.connects["bulk.test"], 1)
    tidy(net.lines)
  end)
end

check.case("silent_server_holds_up_one_trace_only", function()
  local net = fake_net.new(servers_of { [IRR] = never, [SECOND] = never,
    [BULK] = never, [LAST] = never })
  -- As in Nmap: threads of a finished trace do not continue.
  local spawn, took = net.host.spawn, {}
  net.host.spawn = function(body)
    spawn(function()
      if #took < 4 then
        body()
      end
    end)
  end
  net:run(function(host)
    local store = {}
    for i = 1, 4 do
      local began = host.now()
      trace(host, HOPS, settings_of(), store)
      took[i] = host.now() - began
    end
  end)
  check.equal(took[4] < 4.2, true, tostring(took[4]))
  check.equal(count(net.lines, "bulk%.test:43: no answer"), 1)
end)

check.case("second_irr_server_is_asked_where_the_first_fails", function()
  local rows, net = run { servers = { [IRR] = "refuse" } }
  check.equal(rows, FULL)
  check.equal(net.connects, { ["irr.test"] = 1, ["second.test"] = 1,
    ["bulk.test"] = 1 })
end)

check.case("last_resort_is_asked_a_few_times_where_all_fail", function()
  local rows, net = run { servers = { [IRR] = "refuse", [SECOND] = "refuse",
    [BULK] = "refuse" }, seconds = 6 }
  check.equal(rows[2], "AS3301|-")
  check.equal(net.connects["last.test"], 4)
end)

check.case("last_resort_is_not_asked_in_place_of_a_users_server", function()
  local _, net = run { servers = { [IRR] = "refuse", [SECOND] = "refuse",
    [BULK] = "refuse" }, settings = named "irr" }
  check.equal(net.connects["last.test"], nil)
end)

check.case("nat64_is_looked_up_by_the_address_in_it", function()
  local rows, net = run { hops = { "64:ff9b::a00:1", "64:ff9b::3e14:101",
    "64:ff9b::c7a:101" }, names = { ["62.20.1.1"] = "r1.access.example" } }
  check.equal(rows, { "-|-", "AS3301|ACCESS-NET, SE",
    "AS7018 (irr AS1239)|NEWHOLDER, US" })
  table.sort(net.asked_names)
  check.equal(net.asked_names, { "10.0.0.1", "12.122.1.1", "62.20.1.1" })
  check.equal(count(net.sent, "ff9b"), 0)
end)

check.case("cymru_alone", function()
  local rows, net = run { settings = { order = { "cymru" } } }
  check.equal(rows, BULK_ONLY)
  check.equal(net.connects, { ["bulk.test"] = 1 })
end)

check.case("irr_alone_needs_no_mark", function()
  local rows = run { settings = { order = { "irr" } } }
  check.equal({ rows[2], rows[7] }, { "AS3301|Access Networks AB",
    "AS6695|Exchange Point" })
end)

check.case("nothing_is_looked_up_where_nothing_is_wanted", function()
  local _, net = run { settings = { order = {}, names = false } }
  check.equal({ net.connects, net.asked_names }, { {}, {} })
end)

check.case("database_first_spares_the_servers", function()
  local asked = {}
  local db = function(address)
    asked[#asked + 1] = address
    return address == "62.20.1.1" and { source = "db", origins = { {
      asn = 3301, organization = "From File" } } } or nil
  end
  local rows, net = run { hops = { "62.20.1.1", "5.5.5.5" },
    settings = { order = { "db", "cymru" }, db = db } }
  check.equal(rows, { "AS3301|From File", "-|-" })
  check.equal(count(net.sent, "62%.20"), 0)
  check.equal(count(net.sent, "5%.5%.5%.5"), 1)
end)

-- ---- DNS in place of bulk whois -------------------------------------------

local function honest_texts(name)
  return txt.records(world, name)
end

-- No bulk whois server, but a resolver that answers with `texts`.
local function run_dns(texts, changes)
  changes = changes or {}
  changes.servers = changes.servers or { [BULK] = "refuse" }
  changes.texts = texts
  return run(changes)
end

check.case("dns_answers_as_the_bulk_server_does", function()
  local rows, net, extra, by = run_dns(honest_texts)
  check.equal(rows, FULL)
  check.equal(extra <= 0.3, true, tostring(extra))
  check.equal(count(net.lines, "cymru: bulk%.test:43: "), 1)
  local r = by["12.122.1.1"]
  check.equal({ r.prefix, r.registry, r.country, r.source, r.announced },
    { "12.122.0.0/16", "arin", "US",
      "irr irr.test RADB, cymru-dns asn.cymru.com", true })
  check.equal(by["5.5.5.5"].announced, false)
  check.contains(net.lines[#net.lines], "; cymru-dns 15 queries; ")
end)

check.case("dns_answers_in_ipv6", function()
  local rows = run_dns(honest_texts, { hops = V6 })
  check.equal(rows, FULL)
end)

check.case("dns_is_not_asked_where_the_bulk_server_answers", function()
  local _, net = run { texts = honest_texts }
  check.equal(net.asked_texts, {})
end)

local BLOCKED = { [IRR] = "silent", [SECOND] = "silent", [BULK] = "silent",
  [LAST] = "silent" }

check.case("blocked_port_is_noticed_and_dns_answers_meanwhile", function()
  local rows, net, extra = run_dns(honest_texts, { servers = BLOCKED,
    seconds = 0.3 })
  check.equal(rows, BULK_ONLY)
  check.equal(extra <= 2.9, true, tostring(extra))
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
  check.equal(count(net.lines, "port 43 seems to be blocked"), 1)
end)

check.case("blocked_port_costs_the_next_trace_nothing", function()
  local net = fake_net.new(servers_of(BLOCKED), nil, honest_texts)
  local took
  net:run(function(host)
    local store, settings = {}, settings_of()
    trace(host, HOPS, settings, store)
    took = host.now()
    trace(host, { "62.20.9.1", "80.231.9.1" }, settings, store)
    took = host.now() - took
  end)
  check.equal(took <= 1.3, true, tostring(took))
  check.equal(net.connects, { ["irr.test"] = 1, ["bulk.test"] = 1 })
end)

check.case("two_silent_servers_block_no_port_that_a_third_opens", function()
  local rows, net = run { servers = { [IRR] = "silent",
    [SECOND] = "silent" }, seconds = 12 }
  check.equal(rows[2], "AS3301|ACCESS-NET, SE")
  check.equal(net.connects["second.test"], 1)
  check.equal((net.connects["last.test"] or 0) > 0, true)
  check.equal(count(net.lines, "seems to be blocked"), 0)
end)

check.case("dns_steps_in_where_connecting_takes_long", function()
  local net = fake_net.new(servers_of(), nil, honest_texts)
  local connect, result = net.host.connect, nil
  net.host.connect = function(name, ...)
    if name == "bulk.test" then
      net.host.sleep(2.5)
    end
    return connect(name, ...)
  end
  local took = net:run(function(host)
    result = trace(host, HOPS, settings_of(), {})
  end)
  check.equal(took <= 1.6, true, tostring(took))
  check.equal(result.hops[6].responders[1].asn, "AS7018 (irr AS1239)")
  check.equal(result.hops[6].responders[1].source,
    "irr irr.test RADB, cymru-dns asn.cymru.com")
end)

check.case("dns_is_not_asked_in_place_of_a_users_server", function()
  local _, net = run_dns(honest_texts, { settings = named "cymru" })
  check.equal(net.asked_texts, {})
end)

check.case("dns_is_asked_alone_by_name", function()
  local rows, net = run_dns(honest_texts,
    { settings = { order = { "cymru-dns" } } })
  check.equal(rows, BULK_ONLY)
  check.equal(net.connects, {})
end)

check.case("dns_gets_no_special_address_and_nothing_twice", function()
  local net = fake_net.new(servers_of { [BULK] = "refuse" }, nil,
    honest_texts)
  local hops = { "10.0.0.1", "100.64.0.1", "fd00::1", "62.20.1.1",
    "62.20.1.2", "62.20.9.1" }
  net:run(function(host)
    local store = {}
    for _ = 1, 5 do
      host.spawn(function()
        trace(host, hops, settings_of(), store)
      end)
    end
  end)
  table.sort(net.asked_texts)
  check.equal(net.asked_texts, { "1.1.20.62.nmap.asn.cymru.com",
    "1.9.20.62.nmap.asn.cymru.com", "AS3301.asn.cymru.com" })
end)

local BAD_TEXTS = {
  { name = "silent", texts = function() return "silent" end,
    line = "No Answers" },
  { name = "refused", texts = function() return nil, "refused" end,
    line = "refused" },
  { name = "raising", texts = function() error "oops" end,
    line = "internal error" },
  { name = "binary", line = "an unreadable record: \u{ff}\u{ff}",
    texts = function() return { ("\0\255\27\1"):rep(9000) } end },
  { name = "escapes", line = "an unreadable record: [2J | x",
    texts = function() return { "\27[2J | x" } end },
  { name = "empty", line = "an unreadable record: an empty one",
    texts = function() return { "" } end },
  { name = "of_another_prefix", line = "an unreadable record: 1 | 1.0.0.0/8",
    texts = function() return { "1 | 1.0.0.0/8 | US | arin |" } end },
}
for _, row in ipairs(BAD_TEXTS) do
  check.case("dns_is_" .. row.name, function()
    local rows, net, extra, _, all = run_dns(row.texts)
    check.equal({ rows[2], rows[8] },
      { "AS3301|Access Networks AB", "-|-" })
    check.equal(extra <= 3.15, true, tostring(extra))
    check.equal(all <= 8, true, tostring(all))
    check.contains(table.concat(net.lines, "\n"), row.line)
    tidy(net.lines)
  end)
end

check.case("dns_that_never_works_is_given_up", function()
  local net = fake_net.new(servers_of { [BULK] = "refuse" }, nil,
    function() return "silent" end)
  local took, before
  net:run(function(host)
    local store, settings = {}, settings_of()
    trace(host, HOPS, settings, store)
    before = #net.asked_texts
    took = host.now()
    trace(host, { "62.21.1.1", "62.22.1.1" }, settings, store)
    took = host.now() - took
  end)
  check.equal(#net.asked_texts, before)
  check.equal(took < 1.3, true, tostring(took))
  check.equal(count(net.lines, "cymru%-dns: "), 1)
end)

check.case("dns_thread_that_died_is_replaced", function()
  local net = fake_net.new(servers_of(), nil, honest_texts)
  local spawn, died, result = net.host.spawn, 0, nil
  net.host.txt, net.txt = function(name, seconds)
    died = died + 1
    if died <= 2 then
      coroutine.yield(math.huge) -- as dead: it never returns
    end
    return net.txt(name, seconds)
  end, net.host.txt
  net.host.spawn = spawn
  net:run(function(host)
    host.spawn(function()
      result = trace(host, HOPS, settings_of { names = false,
        order = { "cymru-dns" } }, {}, 8)
      net.threads = {}
    end)
  end)
  check.equal(result.hops[2].responders[1].asn, "AS3301")
  check.equal(result.hops[3].responders[1].asn, "AS2914")
end)

-- ---- threads that die, names ----------------------------------------------

check.case("thread_that_died_is_replaced", function()
  local net = fake_net.new(servers_of())
  local spawn, died = net.host.spawn, 0
  local result
  net.host.spawn = function(body)
    died = died + 1
    if died > 2 then
      spawn(body)
    end
  end
  net:run(function(host)
    result = trace(host, HOPS, settings_of { names = false }, {}, 8)
  end)
  check.equal(result.hops[9].responders[1].asn, "AS15133")
end)

check.case("names_are_added_and_checked", function()
  local _, _, _, by = run { names = { ["62.20.1.1"] = "r1.access.example.",
    ["129.250.1.1"] = "evil\27[2J.example", ["80.231.1.1"] = "a b",
    ["12.122.1.1"] = "", ["93.184.216.34"] = ("x"):rep(300) } }
  check.equal({ by["62.20.1.1"].name, by["129.250.1.1"].name,
    by["80.231.1.1"].name, by["12.122.1.1"].name,
    by["93.184.216.34"].name }, { "r1.access.example" })
end)

check.case("names_without_an_answer_do_not_hold_up_the_table", function()
  local names = {}
  for _, address in ipairs(HOPS) do
    names[address] = "silent"
  end
  local rows, net, extra = run { names = names }
  check.equal(rows, FULL)
  check.equal(extra <= 3.15, true, tostring(extra))
  check.equal(count(net.lines, "names: %d"), 1)
end)

check.case("resolver_that_never_answers_is_given_up", function()
  local net = fake_net.new(servers_of(), setmetatable({}, {
    __index = function() return "silent" end,
  }))
  local took
  net:run(function(host)
    local store, hops = {}, {}
    for i = 1, 20 do
      hops[i] = ("5.5.%d.1"):format(i)
    end
    for i = 1, 3 do
      local began = host.now()
      trace(host, hops, settings_of { order = {} }, store)
      took = host.now() - began
      hops = { ("6.6.%d.1"):format(i) }
    end
  end)
  check.equal(took < 1.2, true, tostring(took))
  check.equal(#net.asked_names < 20, true, #net.asked_names)
  check.equal(count(net.lines, "no further queries"), 1)
end)

check.case("no_names_on_request", function()
  local _, net = run { settings = { names = false } }
  check.equal(net.asked_names, {})
end)

check.finish()
