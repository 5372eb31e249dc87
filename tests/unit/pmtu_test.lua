-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local enrichers = require "mtrtrace.session.enrichers"
local pmtu = require "mtrtrace.pmtu.enricher"
local sample = require "sample"

local TOLD = { method = "packet too big", ttl = 3, from = 3, to = 4,
  address = "10.0.2.2", mtu = 1400 }
local SEARCHED = { method = "search", from = 3, to = 5, mtu = 1300,
  address = "10.0.2.2" }

local function with(base, changes)
  local out = {}
  for _, from in ipairs { base, changes or {} } do
    for key, value in pairs(from) do
      out[key] = value
    end
  end
  return out
end

-- A result of core.pmtu.
local function found(changes)
  return with({ mtu = 1400, exact = true, link_mtu = 1500, probed = "target",
    done = true, limited = false, invalid_messages = 0, sent = 4,
      elapsed_s = 0.1,
    reductions = { TOLD } }, changes)
end

local LINES = {
  { name = "a_router_tells", pmtu = found(),
    want = "Path MTU 1400: reduced beyond hop 3 (10.0.2.2 sent Packet Too "
      .. "Big)." },
  { name = "nobody_tells", pmtu = found { mtu = 1300, reductions = {
    with(SEARCHED, { to = 4 }) } },
    want = "Path MTU 1300: reduced beyond hop 3 (PMTU black hole: no router "
      .. "reports it, packets of 1301 bytes get no reply)." },
  { name = "nobody_tells_between_hops",
    pmtu = found { mtu = 1300, reductions = { SEARCHED } },
    want = "Path MTU 1300: reduced between hops 3 and 5 (PMTU black hole: "
      .. "no router reports it, packets of 1301 bytes get no reply)." },
  { name = "nobody_answers_behind", pmtu = found { mtu = 1300, reductions = {
    { method = "search", from = 3, mtu = 1300 } } },
    want = "Path MTU 1300: reduced somewhere beyond hop 3 (PMTU black hole: "
      .. "no router reports it, packets of 1301 bytes get no reply)." },
  { name = "before_the_first_that_answers", pmtu = found { mtu = 1300,
    reductions = { { method = "search", from = 0, to = 2, mtu = 1300 } } },
    want = "Path MTU 1300: reduced before hop 2 (PMTU black hole: no router "
      .. "reports it, packets of 1301 bytes get no reply)." },
  { name = "several", pmtu = found { mtu = 1300,
    reductions = { TOLD, SEARCHED } },
    want = "Path MTU 1300: reduced beyond hop 3 (to 1400, 10.0.2.2 sent "
      .. "Packet Too Big), then between hops 3 and 5 (to 1300, PMTU black "
        .. "hole: no router reports it, packets of 1301 bytes get no "
          .. "reply)." },
  { name = "this_host", pmtu = found { reductions = { with(TOLD,
    { ttl = 0, from = 0, to = 1 }) } },
    want = "Path MTU 1400: reduced on this host's own link (this host "
      .. "sends no more)." },
  { name = "nothing_shrinks", pmtu = found { mtu = 1500, reductions = {} },
    want = "Path MTU 1500: that of this host's link." },
  { name = "hop_not_in_time",
    pmtu = found { done = false, reductions = {} },
    want = "Path MTU 1400: packets of 1401 bytes get no reply, the hop was "
      .. "not "
      .. "found in time." },
  { name = "hop_not_within_the_bounds",
    pmtu = found { limited = true, reductions = {} },
    want = "Path MTU 1400: packets of 1401 bytes get no reply, the hop was "
      .. "not "
      .. "found." },
  { name = "size_not_in_time",
    pmtu = found { done = false, exact = false, mtu = 1280, reductions = {} },
    want = "Path MTU not found in time: packets of 1280 bytes pass." },
  { name = "size_not_in_time_but_a_range",
    pmtu = found { done = false, exact = false, mtu = 1280, upper_bound = 1399,
      reductions = {} }, want = "Path MTU not found in time: it is between "
        .. "1280 "
      .. "and 1399 (packets of 1280 bytes pass, none of 1400 was answered)." },
  { name = "size_not_in_time_and_no_upper_bound",
    pmtu = found { done = false, exact = false, mtu = 1280, upper_bound = 1500,
      reductions = {} },
    want = "Path MTU not found in time: packets of 1280 bytes pass." },
  { name = "size_not_within_the_bounds",
    pmtu = found { exact = false, limited = true, reductions = {} },
    want = "Path MTU not found: packets of 1400 bytes pass." },
  { name = "nobody_answers", pmtu = { done = true, reductions = {} },
    want = "Path MTU not found: no reply." },
  { name = "nothing_in_time", pmtu = { done = false, reductions = {} },
    want = "Path MTU not found in time." },
  { name = "target_is_silent", pmtu = found { probed = "hop",
    hop = { ttl = 5, address = "10.0.4.2" } },
    want = "Path MTU 1400 as far as hop 5, as the target does not reply: "
      .. "reduced beyond hop 3 (10.0.2.2 sent Packet Too Big)." },
  { name = "reductions_beyond_those_listed",
    pmtu = found { unlisted = 3 },
    want = "Path MTU 1400: reduced beyond hop 3 (10.0.2.2 sent Packet Too "
      .. "Big). 3 messages reported further reductions, which are not "
      .. "listed." },
  { name = "invalid_messages", pmtu = found { invalid_messages = 2,
    invalid_from = "10.0.1.2" },
    want = "Path MTU 1400: reduced beyond hop 3 (10.0.2.2 sent Packet Too "
      .. "Big). Invalid Packet Too Big messages from 10.0.1.2 were "
      .. "ignored." },
  { name = "beside_a_service", pmtu = found { mtu = 1500, reductions = {} },
    result = { protocol = "udp", udp_payload = "dns" },
    want = "Path MTU 1500: that of this host's link. It was searched with "
      .. "plain datagrams to the same port, not with dns requests: a "
      .. "firewall may drop them." },
  { name = "beside_a_connection",
    pmtu = found { mtu = 1500, reductions = {} },
    result = { protocol = "tcp-session" },
    want = "Path MTU 1500: that of this host's link. It was searched with "
      .. "SYNs, not inside the connection." },
  { name = "error", pmtu = { error = "no route", reductions = {} },
    want = "Path MTU not searched: no route." },
}
check.rows(LINES, function(row)
  check.equal(pmtu.line(with(row.result or {}, { pmtu = row.pmtu })),
    row.want)
end)

check.case("no_search_has_no_line", function()
  check.equal(pmtu.line {}, nil)
end)

-- An engine whose search is done after a number of polls.
local function engine(polls, result)
  local core = { log = {} }
  local function log(word)
    core.log[#core.log + 1] = word
  end
  function core.pmtu(options)
    core.options = options
    log "begin"
    local search = {}
    function search.done()
      polls = polls - 1
      return polls <= 0
    end
    function search.release() log "release" end
    function search.close() log "close" end
    function search.result() return result end
    return search
  end
  return core
end

local function run_of(core)
  return { core = core, store = {} }
end

local OPTIONS = { pmtu = "yes", protocol = "udp", port = 53, timeout = 2,
  max_hops = 9, tos = 4, packets = 3, size = 900, asn = {}, names = "no" }

check.case("it_runs_beside_the_trace_and_is_released_at_its_end", function()
  local core = engine(2, found { reductions = { with(TOLD) } })
  local list = enrichers.new({}, OPTIONS, run_of(core),
    { address = "10.0.9.2", source = "10.0.0.1", interface = "eth1" })
  local result = sample.result { sample.hop(2,
    { sample.responder "10.0.2.2" }) }
  check.equal(#list, 1)
  check.equal(list[1]:poll(), 1)
  list[1]:see { done = false }
  check.equal(core.log, { "begin" })
  list[1]:see(result)
  check.equal(list[1]:poll(), 0)
  list[1]:leave()
  list[1]:annotate(result)
  check.equal(core.log, { "begin", "release", "close" })
  check.equal(core.options, { hold = true, target = "10.0.9.2",
    source = "10.0.0.1", interface = "eth1", protocol = "udp", port = 53,
    timeout = 2, max_hops = 9, tos = 4 })
  -- the trace has the address at another hop than the quote
  local reduction = result.pmtu.reductions[1]
  check.equal({ reduction.ttl, reduction.from, reduction.to }, { 2, 2, 3 })
end)

check.case("it_runs_only_where_it_is_asked_for", function()
  local list = enrichers.new({}, with(OPTIONS, { pmtu = "no" }),
    run_of(engine(1)), {})
  check.equal(#list, 0)
end)

check.case("a_search_that_cannot_begin_is_told_once", function()
  local tries = 0
  local core = { pmtu = function()
    tries = tries + 1
    return nil, "no route to 10.0.9.2", "NOROUTE"
  end }
  local enricher = pmtu.new(core, OPTIONS, {})
  local result = sample.result {}
  check.equal({ enricher:poll(), enricher:poll() }, { 0, 0 })
  enricher:see(result)
  enricher:annotate(result)
  check.equal({ tries, result.pmtu.error }, { 1, "no route to 10.0.9.2" })
end)

check.finish()
