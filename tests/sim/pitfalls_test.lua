-- SPDX-License-Identifier: BSD-2-Clause
-- The mistakes that mtr, traceroute and others made, each staged so
-- that a case fails where we make it too. A case bears the number of its
-- pitfall. Not staged here, because they live outside the engine:
--   3  byte order of raw sockets: tests/net; wrong lengths in quotes:
--      tests/unit/wire_parse_test.c
--   5  EADDRINUSE of connect(): we send raw packets; what is left is below
--  13  kernel buffers: tests/net; what is left is below
--  15  EINTR: tests/net
--  16  capabilities: tests/net
--  20  names on a pipe: there is none; names of answers are below
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local forged = require "sim.forged"
local packet = require "sim.packet"
local quote = require "sim.quote"

local PROTOCOLS = { "icmp", "udp", "tcp" }

-- Bytes behind the IP header, by its version: all that old routers quote; what
-- holds the cookie.
local LEAST_QUOTE = { [4] = 8, [6] = 14 }

-- Every protocol over both families; `body` gets version, protocol.
local function everywhere(body)
  for _, version in ipairs { 4, 6 } do
    for _, protocol in ipairs(PROTOCOLS) do
      local ok, err = pcall(body, version, protocol)
      if not ok then
        error(("%s over IPv%d: %s"):format(protocol, version, err), 0)
      end
    end
  end
end

-- All of `hops` answered everything, each from one address.
local function assert_whole(result, hops, packets)
  check.equal(result.ending, "reached", "ending")
  check.equal(#result.hops, hops, "rows")
  for ttl, hop in ipairs(result.hops) do
    local what = "hop " .. ttl
    check.equal({ hop.sent, hop.received, hop.duplicates, hop.late },
      { packets or 10, packets or 10, 0, 0 }, what)
    check.equal(#hop.responders, 1, what .. " responders")
  end
end

local function sorted(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- ---- 1: match the whole quote ----------------------------------------------

for _, kind in ipairs(sorted(forged.kinds)) do
  check.case("01_whole_quote_is_matched_" .. kind, function()
    everywhere(function(version, protocol)
      local w = build.line(3, { version = version,
        nodes = { r2 = { forged = { kind } } } })
      local result = driver.trace(w, { protocol = protocol })
      assert_whole(result, 4)
      check.equal(result.hops[2].total_received, 22, "total_received")
    end)
  end)
end

check.case("01_forged_errors_of_a_silent_hop_leave_it_silent", function()
  local w = build.line(3, { nodes = { r2 = { answers = 0,
    forged = { "foreign_tcp", "foreign_target", "forged_cookie" } } } })
  local result = driver.trace(w)
  check.equal(result.hops[2].silent, true)
  check.equal(#result.hops[2].responders, 0)
end)

-- ---- 2: inner headers ------------------------------------------------------

check.case("02_inner_options_are_skipped", function()
  for words = 1, 10 do
    for _, protocol in ipairs(PROTOCOLS) do
      for _, bytes in ipairs { 8, 28, 500 } do
        local w = build.line(3, { each = { inner_options = words,
          quote = bytes } })
        assert_whole(driver.trace(w, { protocol = protocol }), 4)
      end
    end
  end
end)

check.case("02_inner_extension_headers_are_walked", function()
  for _, name in ipairs(sorted(quote.header_names)) do
    for _, protocol in ipairs(PROTOCOLS) do
      local w = build.line(3, { version = 6, each = {
        quote = LEAST_QUOTE[6],
        inner_headers = { "hop", name, "destination" } } })
      assert_whole(driver.trace(w, { protocol = protocol }), 4)
    end
  end
end)

-- Nobody quotes so little over IPv6 (RFC 4443, 2.4 c), but who guesses would.
check.case("02_a_quote_of_8_bytes_over_ip6_names_no_probe", function()
  for _, protocol in ipairs { "icmp", "udp" } do
    local w = build.line(3, { version = 6, each = { quote = 8 } })
    local result = driver.trace(w, { protocol = protocol })
    for ttl = 1, 3 do
      check.equal(result.hops[ttl].received, 0, protocol .. " at " .. ttl)
    end
  end
end)

-- ---- 4: checksums ----------------------------------------------------------

-- The transport's checksum adds up; not 0 where that means "none".
local function assert_checksum(bytes)
  local p = {}
  packet.read(p, bytes)
  local transport = bytes:sub(p.header + 1)
  local sum = packet.sum(transport)
  if p.protocol ~= 1 then
    sum = sum + packet.sum(p.source) + packet.sum(p.target) + p.protocol
      + #transport
  end
  check.equal(packet.checksum(sum), 0, "checksum")
  if p.protocol == 17 then
    check.equal(transport:sub(7, 8) ~= "\0\0", true, "a checksum is there")
  end
  if p.version == 4 then
    check.equal(packet.checksum(packet.sum(bytes:sub(1, 20))), 0,
      "header checksum")
  end
end

check.case("04_checksums_are_right_and_never_0", function()
  everywhere(function(version, protocol)
    -- Indexes run over the wrap, where a 0 would come.
    driver.trace(build.line(3, { version = version }), { protocol = protocol,
      first_index = 65500, packets = 20 }, { seed = 2,
      on_send = function(_, _, _, _, bytes) assert_checksum(bytes) end })
  end)
end)

check.case("04_what_balancers_hash_is_constant", function()
  everywhere(function(version, protocol)
    local seen = {}
    local header = version == 4 and 20 or 40
    driver.trace(build.line(3, { version = version }),
      { protocol = protocol }, { on_send = function(_, _, _, _, bytes)
        local label = version == 6 and bytes:sub(2, 4) or ""
        seen[label .. bytes:sub(header + 1, header + 4)] = true
      end })
    check.equal(#sorted(seen), 1, "flow keys")
  end)
end)

check.case("04_a_flow_balancer_shows_one_path", function()
  everywhere(function(version, protocol)
    local address = version == 4 and "10.7.%d.1" or "2001:db8:7:%d::1"
    local nodes, fork = {}, { balance = "flow" }
    for i = 1, 4 do
      nodes["b" .. i] = { address = address:format(i) }
      fork[i] = { "b" .. i }
    end
    local w = build.line(2, { version = version, nodes = nodes,
      path = { "r1", fork, "r2", "host" } })
    for seed = 1, 5 do
      assert_whole(driver.trace(w, { protocol = protocol },
        { seed = seed }), 4)
    end
  end)
end)

local NATS = {
  { name = "source", nat = { source = { "203.0.113.9", "2001:db8:a::9" } } },
  { name = "source_and_port", nat = { source_port = 4321,
    source = { "203.0.113.9", "2001:db8:a::9" } } },
  { name = "target", inside = { "192.168.7.7", "fd00::7" } },
  { name = "both", inside = { "192.168.7.7", "fd00::7" },
    nat = { source = { "203.0.113.9", "2001:db8:a::9" } } },
}

check.rows((function()
  local rows = {}
  for _, nat in ipairs(NATS) do
    for _, restore in ipairs { "all", "addresses" } do
      rows[#rows + 1] = { nat = nat, restore = restore, name =
        ("04_nat_of_%s_with_%s_restored"):format(nat.name, restore) }
    end
  end
  return rows
end)(), function(row)
  everywhere(function(version, protocol)
    local family = version == 4 and 1 or 2
    if version == 6 and protocol == "udp" and row.restore ~= "all" then
      return -- the index is in the checksum, and IPv6 repeats it nowhere
    end
    local spec = row.nat.nat or {}
    local inside = row.nat.inside and row.nat.inside[family]
    local w = build.line(4, { version = version,
      host = inside and { address = inside } or {},
      nodes = { r2 = { nat = { restore = row.restore, target = inside,
        source = spec.source and spec.source[family],
        source_port = spec.source_port } } } })
    assert_whole(driver.trace(w, { protocol = protocol }), 5)
  end)
end)

-- Behind a NAT that leaves the quote as it is, only the cookie tells.
check.case("04_a_rewritten_destination_is_known_by_the_cookie", function()
  for _, protocol in ipairs { "icmp", "udp" } do
    local w = build.line(4, { host = { address = "192.168.7.7" },
      nodes = { r2 = { nat = { target = "192.168.7.7",
        restore = "none" } } } })
    local result = driver.trace(w, { protocol = protocol })
    check.equal(#result.hops, 5, "rows")
    for ttl, hop in ipairs(result.hops) do
      check.equal({ hop.sent, hop.received }, { 10, 10 }, "hop " .. ttl)
    end
    -- Port unreachable from 192.168.7.7, one hop beyond the last: as reached
    -- as by an echo reply from there.
    check.equal(result.reached, true, protocol)
  end
end)

-- ---- 5, 6: TCP -------------------------------------------------------------

check.case("05_one_probe_answered_twice_is_one_answer", function()
  local w = build.line(2, { host = { duplicate = { share = 1 } } })
  local hop = driver.trace(w, { protocol = "tcp" }).hops[3]
  check.equal({ hop.sent, hop.received, hop.total_received, hop.loss },
    { 10, 10, 22, 0.0 })
  -- Those of the last answers come after the end.
  check.equal(hop.duplicates >= 9, true,
    hop.duplicates .. " duplicates, at least 9")
end)

for _, kind in ipairs { "open", "closed" } do
  check.case("06_tcp_" .. kind .. "_and_icmp_are_both_read", function()
    for _, version in ipairs { 4, 6 } do
      assert_whole(driver.trace(build.line(3, { version = version,
        host = { tcp = kind } }), { protocol = "tcp" }), 4)
    end
  end)
end

check.case("06_a_bare_rst_names_no_probe", function()
  local result = driver.trace(build.line(2, { host = { tcp = "reset" } }),
    { protocol = "tcp" })
  check.equal(result.ending, "silent")
end)

-- ---- 7: numbers ------------------------------------------------------------

-- 70,000 probes wrap the index; answers come up to 1.5 s late meanwhile.
check.case("07_numbers_wrap_and_late_answers_do_not_alias", function()
  local packets = 9500
  local w = build.line(6, { each = { late = { share = 0.01,
    delay_ms = 1500 } } })
  for _, protocol in ipairs { "icmp", "udp" } do
    local result = driver.trace(w, { protocol = protocol, timeout = 1,
      packets = packets, interval = 0.01, first_index = 65000 },
      { limit_s = 400 })
    check.equal(result.ending, "reached")
    check.equal(result.sent > 65536, true, "wrapped")
    for ttl, hop in ipairs(result.hops) do
      local what = ("%s hop %d"):format(protocol, ttl)
      check.equal(#hop.responders, 1, what)
      check.equal(hop.responders[1].best_ms, 2.0 * ttl, what .. " best")
      check.equal(hop.responders[1].worst_ms < 1001, true, what)
    end
  end
end)

-- ---- 8, 9: late answers and duplicates -------------------------------------

check.case("08_late_answers_are_an_outcome_of_their_own", function()
  everywhere(function(version, protocol)
    local w = build.line(3, { version = version,
      nodes = { r2 = { late = { share = 0.5, delay_ms = 1300 } } } })
    local result = driver.trace(w, { protocol = protocol, interval = 1.1,
      timeout = 1.2 })
    local hop = result.hops[2]
    check.equal({ hop.sent, hop.late > 0 }, { 10, true })
    -- A late last one may come after the end; all others were answered.
    check.equal(hop.received >= 9, true, "received")
    check.equal(hop.responders[1].worst_ms < 10, true, "not in the RTTs")
  end)
end)

check.case("08_an_answer_later_than_the_ring_keeps_is_nobodys", function()
  local w = build.line(2, { nodes = { r1 = { late = { share = 1,
    delay_ms = 40000 } } } })
  local result = driver.trace(w, { packets = 100, interval = 1, timeout = 2 })
  check.equal(result.hops[1].received, 0)
  check.equal(result.hops[2].received, 100)
end)

check.case("09_duplicates_are_counted_apart", function()
  everywhere(function(version, protocol)
    -- The last copies are behind the last reply of their hop.
    local w = build.line(3, { version = version, nodes = { r2 = {
      duplicate = { share = 1, copies = 2 } }, r1 = { answer_ms = 50 } } })
    local hop = driver.trace(w, { protocol = protocol }).hops[2]
    check.equal({ hop.sent, hop.received, hop.total_received, hop.duplicates },
      { 10, 10, 22, 44 })
  end)
end)

-- ---- 10: what ends a path --------------------------------------------------

local CODES = { [4] = { type = 3, codes = { 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11,
  12, 13, 14, 15 } }, [6] = { type = 1, codes = { 0, 1, 2, 3, 5, 6, 7 } } }

check.case("10_unreachable_is_not_the_target", function()
  for version, row in pairs(CODES) do
    for _, code in ipairs(row.codes) do
      local w = build.line(4, { version = version,
        nodes = { r3 = { reject = { type = row.type, code = code } } } })
      local result = driver.trace(w)
      check.equal({ result.ending, result.reached, result.ending_type,
        result.ending_code, #result.hops },
        { "unreachable", false, row.type, code, 4 }, "code " .. code)
    end
  end
end)

check.case("10_time_exceeded_from_the_target_is_the_target", function()
  everywhere(function(version, protocol)
    local w = build.line(3, { version = version, host = { expires = true } })
    local result = driver.trace(w, { protocol = protocol })
    assert_whole(result, 4)
    check.equal(result.target_ttl, 4)
  end)
end)

check.case("10_reassembly_time_exceeded_is_no_hop", function()
  local w = build.line(3, { nodes = { r2 = { forged = { "reassembly" },
    answers = 0 } } })
  check.equal(driver.trace(w).hops[2].silent, true)
end)

-- mtr #434: one of the parallel links is narrow, the others carry on.
check.case("10_too_big_in_the_middle_is_not_the_end", function()
  for seed = 1, 20 do
    local w = build.line(5, { nodes = { r3 = { reject = { type = 3, code = 4,
      mtu = 1400, share = 0.3 } } } })
    local result = driver.trace(w, { size = 1500 }, { seed = seed })
    check.equal({ result.ending, #result.hops }, { "reached", 6 },
      "seed " .. seed)
  end
end)

check.case("10_too_big_for_every_packet_ends_the_path", function()
  for _, version in ipairs { 4, 6 } do
    local w = build.line(5, { version = version,
      nodes = { r4 = { link = { delay_ms = 1, mtu = 1400 } } } })
    local result = driver.trace(w, { size = 1500 })
    check.equal({ result.ending, #result.hops,
      result.hops[4].responders[1].address },
      { "unreachable", 4, build.router(3, version) })
  end
end)

-- ---- 11: a target that moves -----------------------------------------------

local function moves(from, to, more)
  local long = { "r1", "r2", "r3", "r4", "r5", "host" }
  local short = { "r1", "r2", "host" }
  local paths = { long = long, short = short }
  return build.line(5, { path = paths[from], nodes = more,
    changes = { { at_s = 0.45, path = paths[to] } } })
end

local function assert_moved(w, rows, options)
  for seed = 1, 5 do
    local result, t = driver.trace(w, options, { seed = seed })
    check.equal({ result.reached, result.target_ttl, #result.hops },
      { true, rows, rows })
    for ttl, hop in ipairs(result.hops) do
      check.equal(hop.sent, 10, "hop " .. ttl .. " sent")
      check.equal(hop.sent - hop.received <= 1, true, "hop " .. ttl)
    end
    check.equal(t.elapsed_s < 5, true, "time")
  end
end

for _, protocol in ipairs(PROTOCOLS) do
  check.case("11_target_comes_nearer_" .. protocol, function()
    assert_moved(moves("long", "short"), 3, { protocol = protocol })
  end)
  check.case("11_target_moves_away_" .. protocol, function()
    assert_moved(moves("short", "long"), 6, { protocol = protocol })
  end)
end

-- What answered as the target before must not stay behind as a row of its.
check.case("11_target_moves_away_behind_silent_routers", function()
  local silent = { address = "10.0.4.1", answers = 0 }
  local result = driver.trace(moves("short", "long", { r4 = silent }))
  check.equal({ result.target_ttl, #result.hops }, { 6, 6 })
end)

-- Every probe beyond the target asks it too, and takes one of its tokens.
check.case("11_a_rate_limited_target_is_found_at_its_own_hop", function()
  local lossy = { delay_ms = 1, loss_forward = 0.1, loss_back = 0.1 }
  local w = build.line(4, { each = { rate_limit = "linux4" },
    host = { rate_limit = "linux4" }, nodes = { r3 = { link = lossy } } })
  for seed = 1, 300 do
    local result = driver.trace(w, { protocol = "udp" }, { seed = seed })
    check.equal({ result.target_ttl, #result.hops }, { 5, 5 },
      "seed " .. seed)
  end
end)

-- ---- 12: time --------------------------------------------------------------

check.case("12_an_instant_answer_has_no_negative_rtt", function()
  everywhere(function(version, protocol)
    local w = build.line(2, { version = version, link = { delay_ms = 0 } })
    local result = driver.trace(w, { protocol = protocol })
    assert_whole(result, 3)
    check.equal(result.hops[3].responders[1].worst_ms, 0.0)
  end)
end)

-- The clock is set back by a second: samples over it are dropped and named.
check.case("12_a_clock_that_is_set_spoils_no_sample", function()
  for _, step_ns in ipairs { -1000000000, 1000000000 } do
    local sim, w = {}, build.line(3, { link = { delay_ms = 20 } })
    local set_ns = 450000000
    function sim.clock(now)
      return 1700000000000000000 + now + (now >= set_ns and step_ns or 0)
    end
    local epoch = {}
    function sim.on_receive(delivery, _, _, run)
      run.epoch = delivery.at_ns >= set_ns and 1 or 0
      epoch[run.epoch] = true
      return true
    end
    function sim.on_send(_, _, now, _, _, run)
      run.epoch = now >= set_ns and 1 or 0
    end
    local result = driver.trace(w, { interval = 0.05 }, sim)
    check.equal({ epoch[0], epoch[1] }, { true, true }, "the clock was set")
    check.equal(result.clock_adjustments > 0, true, "clock_adjustments")
    for ttl, hop in ipairs(result.hops) do
      check.equal({ hop.sent, hop.received }, { 10, 10 }, "hop " .. ttl)
      check.equal(hop.responders[1].worst_ms, 40.0 * ttl)
      check.equal(hop.responders[1].best_ms, 40.0 * ttl)
    end
  end
end)

-- ---- 13, 14: sizes and extensions ------------------------------------------

check.case("13_large_probes_are_traced", function()
  for _, size in ipairs { 1500, 9001, 65535 } do
    assert_whole(driver.trace(build.line(3), { size = size }), 4)
  end
end)

local LABELS = { { label = 24001, ttl = 1 }, { label = 16, tc = 5, ttl = 9 } }

local function assert_extension(malformed)
  everywhere(function(version, protocol)
    for _, bytes in ipairs { LEAST_QUOTE[version], 28, 128, 1000 } do
      local w = build.line(3, { version = version, each = { quote = bytes,
        extension = { labels = LABELS, malformed = malformed } } })
      assert_whole(driver.trace(w, { protocol = protocol, size = 400 }), 4)
    end
  end)
end

check.case("14_extensions_well_formed", function() assert_extension() end)
for _, kind in ipairs(sorted(quote.malformations)) do
  check.case("14_extensions_malformed_" .. kind, function()
    assert_extension(kind)
  end)
end

-- ---- 15, 17: sending -------------------------------------------------------

check.case("15_send_errors_are_outcomes", function()
  everywhere(function(version, protocol)
    local failed = 0
    local w = build.line(3, { version = version })
    local result = driver.trace(w, { protocol = protocol }, {
      on_send = function(number)
        if number % 5 == 3 then
          failed = failed + 1
          return "fail", 113 -- EHOSTUNREACH
        end
      end })
    local errors = 0
    for ttl, hop in ipairs(result.hops) do
      check.equal({ hop.sent, hop.received, hop.loss }, { 10, 10, 0.0 },
        "hop " .. ttl)
      errors = errors + hop.send_errors
    end
    check.equal({ failed > 0, errors > 0, errors <= failed },
      { true, true, true })
    check.equal(result.send_error ~= nil, true, "named")
  end)
end)

check.case("15_a_host_that_sends_nothing_ends", function()
  local result, t = driver.trace(build.line(3), {}, {
    on_send = function() return "fail", 1 end })
  check.equal({ result.ending, #result.send_error > 0 }, { "silent", true })
  check.equal(t.elapsed_s < 20, true, "time")
end)

check.case("17_each_probe_carries_its_own_ttl", function()
  everywhere(function(version, protocol)
    local at = version == 4 and 9 or 8
    driver.trace(build.line(5, { version = version }),
      { protocol = protocol }, { on_send = function(_, ttl, _, _, bytes)
        check.equal(bytes:byte(at), ttl)
      end })
  end)
end)

-- ---- 18: statistics --------------------------------------------------------

-- By the textbook, from the RTTs in the order of their probes.
local function figures(rtts)
  local sum, squares, jitter = 0, 0, 0
  for i, rtt in ipairs(rtts) do
    sum = sum + rtt
    jitter = jitter + (i > 1 and math.abs(rtt - rtts[i - 1]) or 0)
  end
  local mean = sum / #rtts
  for _, rtt in ipairs(rtts) do
    squares = squares + (rtt - mean) ^ 2
  end
  return { avg_ms = mean, stdev_ms = math.sqrt(squares / (#rtts - 1)),
    jitter_ms = jitter / (#rtts - 1), best_ms = math.min(table.unpack(rtts)),
    worst_ms = math.max(table.unpack(rtts)), last_ms = rtts[#rtts] }
end

-- Jitter so large that answers overtake each other.
check.case("18_statistics_are_the_textbook_s", function()
  local w = build.line(3, { link = { delay_ms = { base_ms = 5,
    jitter_ms = 150 } } })
  for seed = 1, 5 do
    local result, t = driver.trace(w, { events = true, packets = 50,
      interval = 0.02 }, { seed = seed })
    local rtts, order = {}, {}
    for _, e in ipairs(t.events) do
      if e.kind == "sent" and not e.test then
        order[e.ttl] = order[e.ttl] or {}
        table.insert(order[e.ttl], e.probe)
      elseif e.kind == "reply" then
        rtts[e.probe] = e.rtt_ns / 1e6
      end
    end
    for ttl, hop in ipairs(result.hops) do
      local list = {}
      for i, probe in ipairs(order[ttl]) do
        list[i] = assert(rtts[probe], "answered")
      end
      for key, want in pairs(figures(list)) do
        local got = hop.responders[1][key]
        check.equal(math.abs(got - want) <= 1e-9 * want, true,
          ("hop %d %s: %.9f, want %.9f"):format(ttl, key, got, want))
      end
    end
  end
end)

-- ---- 19, 20: responders and names ------------------------------------------

check.case("19_loss_belongs_to_the_hop_not_to_a_responder", function()
  local w = build.line(4, { nodes = { r2 = { from = { "10.0.2.1",
    "10.0.2.99" }, link = { delay_ms = 1, loss_forward = 0.15 } } } })
  local result = driver.trace(w, { packets = 200, interval = 1.1 })
  local hop = result.hops[2]
  local sum = 0
  for _, responder in ipairs(hop.responders) do
    check.equal(responder.loss, nil, "a responder's loss")
    sum = sum + responder.received
  end
  check.equal({ #hop.responders, sum, hop.sent }, { 2, hop.received, 200 })
  check.equal(hop.loss > 0.08 and hop.loss < 0.24, true, "loss")
end)

check.case("20_every_answer_has_a_name", function()
  for version, row in pairs(CODES) do
    for _, code in ipairs(row.codes) do
      local w = build.line(2, { version = version,
        nodes = { r2 = { reject = { type = row.type, code = code } } } })
      local answer = driver.trace(w).hops[3].responders[1].codes[1]
      check.equal({ answer.type, answer.code, #answer.name > 3 },
        { row.type, code, true })
    end
  end
end)

check.finish()
