-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local collect = require "mtrtrace.os.collect"
local sample = require "sample"

-- An engine whose fingerprinting is done after a number of polls; `requests`
-- has the options of each call.
local function engine(polls, macs)
  local core = { requests = {}, open = 0 }
  function core.fingerprint(options)
    core.requests[#core.requests + 1] = options
    if options.address == "10.0.9.9" then
      return nil, "no route to 10.0.9.9", "NOROUTE"
    end
    core.open = core.open + 1
    local left, handle = polls or 1, {}
    function handle.done()
      left = left - 1
      return left <= 0
    end
    function handle.result()
      return { probes_sent = { echo = 3, udp = 0, tcp = 0 },
        answers = { { probe = "echo", from = options.address } } }
    end
    function handle.close()
      core.open = core.open - 1
    end
    return handle
  end
  function core.neighbour(address)
    return (macs or {})[address]
  end
  return core
end

local function host_of()
  local host = { clock = 0, spawned = {}, sent = {}, prefixes = 0 }
  function host.now() return host.clock end
  function host.spawn(body) host.spawned[#host.spawned + 1] = body end
  function host.mac_prefixes()
    host.prefixes = host.prefixes + 1
    return "00000C Cisco Systems\n"
  end
  function host.exchange(address, port, bytes, seconds)
    host.sent[#host.sent + 1] = { address, port, #bytes > 0, seconds }
  end
  return host
end

local function hop(ttl, address, changes, more)
  local responder = sample.responder(address, changes)
  responder.answers = { { probe = "trace", ttl = ttl } }
  return sample.hop(ttl, { responder }, more)
end

local function result_of(hops, changes)
  local result = sample.result(hops)
  for key, value in pairs(changes or {}) do
    result[key] = value
  end
  return result
end

-- An enricher whose judge keeps its subjects by address.
local function enricher(core, settings, store, host)
  local subjects = {}
  settings = settings or {}
  settings.mode = settings.mode or "echo"
  function settings.judge(subject)
    subjects[subject.address] = subject
    return { label = "of " .. subject.address }
  end
  host = host or host_of()
  return collect.new(host, core, settings, store or {}), subjects, host
end

local function addresses(core)
  local list = {}
  for i, options in ipairs(core.requests) do
    list[i] = options.address
  end
  return table.concat(list, " ")
end

local function path()
  return { hop(1, "10.0.0.1"), sample.silent(2), hop(3, "10.0.3.1") }
end

check.case("each_address_that_answered_is_asked_once", function()
  local core = engine()
  local c = enricher(core, { source = "10.0.0.77", interface = "eth7" })
  c:see(result_of { hop(1, "10.0.0.1") })
  c:see(result_of(path()))
  c:see(result_of(path()))
  check.equal(addresses(core), "10.0.0.1 10.0.3.1")
  check.equal(core.requests[1], { address = "10.0.0.1", mode = "echo",
    source = "10.0.0.77", interface = "eth7" })
end)

check.case("passive_asks_nobody", function()
  local core = engine()
  local c, subjects = enricher(core, { mode = "passive" })
  local result = result_of(path(), { done = true })
  c:see(result)
  check.equal({ c:poll(), #core.requests }, { 0, 0 })
  c:leave()
  c:annotate(result)
  check.equal(subjects["10.0.0.1"].answers, { { probe = "trace", ttl = 1 } })
  check.equal(result.hops[3].responders[1].os.label, "of 10.0.3.1")
end)

check.case("traces_of_a_run_share_what_was_answered", function()
  local core, store = engine(), {}
  local one = enricher(core, nil, store)
  one:see(result_of(path()))
  one:poll()
  one:leave()
  local two, subjects = enricher(core, nil, store)
  local result = result_of { hop(1, "10.0.0.1"), hop(2, "10.0.3.1") }
  two:see(result)
  check.equal({ two:poll(), addresses(core) }, { 0, "10.0.0.1 10.0.3.1" })
  two:leave()
  two:annotate(result)
  check.equal(subjects["10.0.3.1"].probes_sent, { echo = 3, udp = 0, tcp = 0 })
  check.equal(#subjects["10.0.3.1"].answers, 2)
  check.equal(core.open, 0)
end)

check.case("ask_of_another_trace_goes_on_when_one_leaves", function()
  local core, store = engine(10), {}
  local one, two = enricher(core, nil, store), enricher(core, nil, store)
  one:see(result_of(path()))
  two:see(result_of(path()))
  one:leave()
  check.equal({ #core.requests, core.open }, { 2, 2 })
  two:leave()
  check.equal(core.open, 0)
end)

check.case("address_that_was_left_early_is_asked_on", function()
  local core, store = engine(10), {}
  local one, two = enricher(core, nil, store), enricher(core, nil, store)
  one:see(result_of { hop(1, "10.0.0.1") })
  one:leave()
  check.equal(core.open, 0)
  two:see(result_of { hop(1, "10.0.0.1") })
  check.equal({ addresses(core), core.open }, { "10.0.0.1 10.0.0.1", 1 })
end)

check.case("echoes_hold_up_the_table_for_less_than_half_a_second", function()
  local c, _, host = enricher(engine(math.huge))
  c:see(result_of(path(), { done = false }))
  host.clock = 60
  check.equal(c:poll(), 2)
  c:see(result_of(path(), { done = true }))
  host.clock = 60.3
  check.equal(c:poll(), 2)
  host.clock = 60.45
  check.equal(c:poll(), 0)
end)

check.case("active_is_waited_for_longer", function()
  local c, _, host = enricher(engine(math.huge), { mode = "active" })
  c:see(result_of(path(), { done = true }))
  host.clock = 2.5
  check.equal(c:poll(), 2)
  host.clock = 3
  check.equal(c:poll(), 0)
end)

check.case("what_came_until_then_is_used", function()
  local c, subjects = enricher(engine(math.huge))
  local result = result_of({ hop(1, "10.0.0.1") }, { done = true })
  c:see(result)
  c:leave()
  c:annotate(result)
  check.equal(#subjects["10.0.0.1"].answers, 2)
end)

check.case("address_that_cannot_be_asked_is_judged_all_the_same", function()
  local c, subjects = enricher(engine())
  local result = result_of { hop(1, "10.0.9.9") }
  c:see(result)
  check.equal(c:poll(), 0)
  c:leave()
  c:annotate(result)
  check.equal(#subjects["10.0.9.9"].answers, 1)
end)

check.case("address_at_two_hops_is_one_subject", function()
  local c, subjects = enricher(engine())
  local result = result_of { hop(4, "10.0.4.1", { name = "a.example" }),
    hop(5, "10.0.4.1", nil, { rate_limit = { sample_interval_s = 1.05 } }) }
  c:see(result)
  c:poll()
  c:annotate(result)
  local subject = subjects["10.0.4.1"]
  check.equal({ subject.ttl, #subject.answers, subject.name,
    subject.rate_limit,
    subject.target, subject.family },
    { { 4, 5 }, 3, "a.example", { sample_interval_s = 1.05 }, false, 4 })
  check.equal(result.hops[2].responders[1].os.label, "of 10.0.4.1")
end)

check.case("link_local_hop_is_asked_through_its_interface", function()
  local core = engine()
  local c, subjects = enricher(core)
  local result = result_of({ hop(1, "fe80::1") }, { interface = "eth3" })
  c:see(result)
  c:poll()
  c:annotate(result)
  check.equal({ addresses(core), subjects["fe80::1"].family },
    { "fe80::1%eth3", 6 })
end)

check.case("path_that_changes_all_the_time_is_not_asked_without_end",
  function()
    local core = engine()
    local c = enricher(core)
    for i = 0, 999 do
      c:see(result_of { hop(1, ("10.1.%d.%d"):format(i // 250, i % 250)) })
    end
    check.equal(#core.requests, 256)
  end)

-- ---- link layer, Nmap's own detection ------------------------------------

local function annotated(hops, settings, macs)
  local c, subjects, host = enricher(engine(1, macs), settings)
  local result = result_of(hops)
  c:see(result)
  c:poll()
  c:leave()
  c:annotate(result)
  return subjects, host
end

check.case("first_hop_has_its_hardware_address_and_vendor", function()
  local subjects, host = annotated(path(), nil,
    { ["10.0.0.1"] = "00:00:0c:01:02:03", ["10.0.3.1"] = "00:00:0c:9:9:9" })
  local first = subjects["10.0.0.1"]
  check.equal({ first.mac, first.mac_vendor, first.virtual_router,
    first.local_mac }, { "00:00:0c:01:02:03", "Cisco Systems", nil, false })
  check.equal({ subjects["10.0.3.1"].mac, host.prefixes }, { nil, 1 })
end)

check.case("hardware_address_of_a_virtual_router_is_known_as_such", function()
  local subjects = annotated(path(), nil,
    { ["10.0.0.1"] = "00:00:5e:00:01:07" })
  check.equal(subjects["10.0.0.1"].virtual_router, "VRRP")
end)

check.case("without_a_vendors_address_no_file_is_read", function()
  for _, text in ipairs { false, "02:00:00:00:00:01", "00:00:5e:00:01:07" }
  do
    local _, host = annotated(path(), nil, { ["10.0.0.1"] = text or nil })
    check.equal(host.prefixes, 0, text)
  end
end)

check.case("vendor_is_looked_up_once_in_a_run", function()
  local store, host = {}, host_of()
  for _ = 1, 3 do
    local c, subjects = enricher(engine(1,
      { ["10.0.0.1"] = "00:00:0c:01:02:03" }), nil, store, host)
    c:annotate(result_of { hop(1, "10.0.0.1") })
    check.equal(subjects["10.0.0.1"].mac_vendor, "Cisco Systems")
  end
  check.equal(host.prefixes, 1)
end)

check.case("target_on_the_link_has_nmaps_hardware_address", function()
  local subjects = annotated({ hop(1, "10.0.0.9", { target = true }) },
    { target_mac = "02:00:00:00:00:01" })
  check.equal({ subjects["10.0.0.9"].mac, subjects["10.0.0.9"].local_mac },
    { "02:00:00:00:00:01", true })
end)

check.case("nmaps_own_detection_is_of_the_target_alone", function()
  local nmap_os = { name = "Linux 5.4" }
  local subjects = annotated({ hop(1, "10.0.0.1"),
    hop(2, "10.0.3.1", { target = true }) }, { nmap_os = nmap_os })
  check.equal({ subjects["10.0.0.1"].nmap_os, subjects["10.0.3.1"].nmap_os },
    { nil, nmap_os })
end)

-- ---- SNMP ----------------------------------------------------------------

check.case("no_snmp_unless_asked_for", function()
  local _, host = annotated(path())
  check.equal(#host.spawned, 0)
end)

check.case("snmp_asks_each_address_once_and_is_waited_for", function()
  local store, host = {}, host_of()
  local c = enricher(engine(), { snmp = true }, store, host)
  local other = enricher(engine(), { snmp = true }, store, host)
  c:see(result_of(path()))
  other:see(result_of(path()))
  check.equal({ #host.spawned, c:poll() }, { 2, 2 })
  host.spawned[1]()
  check.equal({ c:poll(), host.sent }, { 1, { { "10.0.0.1", 161, true, 1 } } })
  host.spawned[2]()
  check.equal(c:poll(), 0)
end)

-- Enterprise 9, the MAC 00:00:0c:aa:bb:cc; an answer to request 1.
local REPORT = ([[
  30 60  02 01 03
  30 0e  02 01 01  02 03 00 ff e3  04 01 00  02 01 03
  04 1c  30 1a  04 0b 80 00 00 09 03 00 00 0c aa bb cc
         02 01 05  02 02 12 34  04 00  04 00  04 00
  30 2d  04 0b 80 00 00 09 03 00 00 0c aa bb cc  04 00
         a8 1c  02 01 01  02 01 00  02 01 00
         30 11  30 0f  06 0a 2b 06 01 06 03 0f 01 01 04 00  41 01 07 ]])
  :gsub("%s", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end)

local function discovered(answer)
  local host = host_of()
  function host.exchange() return answer end
  local c, subjects = enricher(engine(), { snmp = true }, {}, host)
  local result = result_of { hop(1, "10.0.0.1") }
  c:see(result)
  host.spawned[1]()
  c:poll()
  c:leave()
  c:annotate(result)
  return subjects["10.0.0.1"].snmp
end

check.case("snmp_engine_reaches_the_judge_with_its_vendor", function()
  local random = math.random
  math.random = function() return 1 end -- luacheck: ignore
  local ok, found = pcall(discovered, REPORT)
  math.random = random -- luacheck: ignore
  check.equal({ ok, found.enterprise, found.mac, found.mac_vendor },
    { true, 9, "00:00:0c:aa:bb:cc", "Cisco Systems" })
end)

check.case("snmp_that_is_none_says_nothing", function()
  check.equal({ discovered("0"), discovered(nil) }, {})
end)

check.case("peek_gives_what_is_guessed_so_far", function()
  local one = enricher(engine())
  check.equal({ one:peek "10.0.0.1" }, { {}, true })
  one:see(result_of { hop(1, "10.0.0.1") })
  check.equal({ one:peek "10.0.0.1" },
    { { os = { label = "of 10.0.0.1" } }, true })
  check.equal({ one:peek "10.0.0.2" }, { {}, true })
end)

check.case("peek_judges_once_for_each_result", function()
  local judged = 0
  local one = enricher(engine())
  one.settings.judge = function()
    judged = judged + 1
    return { label = "x" }
  end
  one:see(result_of { hop(1, "10.0.0.1"), hop(2, "10.0.0.2") })
  one:peek "10.0.0.1"
  one:peek "10.0.0.2"
  check.equal(judged, 2)
end)

check.case("asks_are_marked_as_the_trace_is", function()
  local core = engine()
  enricher(core, { mark = 7 }):see(result_of { hop(1, "10.0.0.1") })
  check.equal(core.requests[1].mark, 7)
end)

check.finish()
