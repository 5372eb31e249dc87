-- SPDX-License-Identifier: BSD-2-Clause
-- Ports without a network: the syntax of lists of ports, and findings on
-- results that are rare in simulations.
local args = require "mtrtrace.options.args"
local check = require "check"
local judge = require "mtrtrace.ports.judge"
local sample = require "sample"
local words = require "mtrtrace.ports.words"

-- ---- lists -----------------------------------------------------------------

local function read(text)
  local list, err = args.value("--", args.get "ports", text)
  if type(list) ~= "table" then
    return list or err
  end
  local parts = {}
  for i, port in ipairs(list) do
    parts[i] = port.protocol .. "/" .. port.port
  end
  return table.concat(parts, " ")
end

local LISTS = {
  { "22", "tcp/22" }, { "22,25,443", "tcp/22 tcp/25 tcp/443" },
  { "u:53", "udp/53" }, { "U:53,123,T:25,80", "udp/53 udp/123 tcp/25 tcp/80" },
  { "25,U:25,25,T:25", "tcp/25 udp/25" }, { "1-3", "tcp/1 tcp/2 tcp/3" },
  { "U:5-5 7", "udp/5 udp/7" }, { "65535", "tcp/65535" },
  { "filtered", "filtered" }, { "Filtered", "filtered" },
}
for _, row in ipairs(LISTS) do
  check.case("ports_" .. row[1], function()
    check.equal(read(row[1]), row[2])
  end)
end

for _, text in ipairs { "", "0", "65536", "1-", "-5", "5-1", "1-1001", "x",
  "T:", "S:25", "25;26", "22,filtered", "1-5-9", "99999999999", "U:U:5" } do
  check.case(("no_ports_%q"):format(text), function()
    check.contains(read(text), "expected filtered, or a list of 1 to 1000 "
      .. "ports such as 22,25,U:53")
  end)
end

-- ---- findings --------------------------------------------------------------

local SYN_ACK = { { name = "SYN-ACK", count = 3 } }

local function router(ttl, changes)
  return sample.hop(ttl, { sample.responder("10.0.0." .. ttl) }, changes)
end

local function target(ttl, changes)
  local responder = { target = true, codes = SYN_ACK, reply_ttl = 65 - ttl }
  for key, value in pairs(changes or {}) do
    responder[key] = value
  end
  return sample.hop(ttl, { sample.responder("10.0.0.99", responder) })
end

-- Hops as letters: r a router, - silence, t the target.
local function result(shape, changes)
  local hops = {}
  for ttl = 1, #shape do
    local what = shape:sub(ttl, ttl)
    hops[ttl] = what == "r" and router(ttl) or what == "t" and target(ttl)
      or sample.silent(ttl)
  end
  local reached = shape:find "t" ~= nil
  local all = { target = "10.0.0.99", protocol = "tcp", flow = 0,
    reached = reached, ending = reached and "reached" or "silent",
    target_ttl = reached and #shape or nil }
  for key, value in pairs(changes or {}) do
    all[key] = value
  end
  -- sample.result sets target_ttl, which silence has none of.
  local made = sample.result(hops, all)
  made.target_ttl = all.target_ttl
  return made
end

local function nothing_known() end

-- The findings on tcp/25, compared with an ICMP trace, and their lines.
local function found(main, ...)
  local results = { ... }
  for i, one in ipairs(results) do
    one.flow = i - 1
  end
  local list, of_main = judge.list(main, { { protocol = "tcp", port = 25,
    results = results } })
  return list[1], words.lines(list, of_main, nothing_known)
end

local MAIN = result("rrrt", { protocol = "icmp" })

check.case("an_error_by_an_address_off_the_path_has_no_hop", function()
  local one = result "rr--"
  one.hops[3].reports = { { address = "192.0.2.7", type = 3, code = 13,
    name = "communication administratively prohibited", count = 2,
    periods = {} } }
  local port, lines = found(MAIN, one)
  check.equal({ port.outcome, port.hop, port.ip }, { "rejected", 2,
    "192.0.2.7" })
  check.equal(lines[1], "tcp/25 is rejected beyond hop 2 by 192.0.2.7, which "
    .. "is no hop of the path: communication administratively prohibited "
    .. "(ICMP "
    .. "3/13); ICMP reaches the target at hop 4.")
end)

check.case("the_most_frequent_error_is_named", function()
  local one = result "rr--"
  local function report(address, code, count)
    return { address = address, type = 3, code = code, name = "n" .. code,
      count = count, periods = {} }
  end
  one.hops[3].reports = { report("10.0.0.1", 1, 1), report("10.0.0.2", 13, 1) }
  one.hops[4].reports = { report("10.0.0.2", 13, 1) }
  local port = found(MAIN, one)
  check.equal({ port.hop, port.icmp_code }, { 2, 13 })
end)

check.case("probes_that_did_not_leave_say_nothing_of_the_path", function()
  local one = result("----", { send_error = "Operation not permitted" })
  for _, hop in ipairs(one.hops) do
    hop.total_sent = 0
  end
  local port, lines = found(MAIN, one)
  check.equal(port.outcome, "unknown")
  check.contains(lines[1], "tcp/25 could not be sent (Operation not "
    .. "permitted); ICMP reaches")
end)

check.case("a_port_that_was_not_traced_says_why", function()
  local list, main = judge.list(MAIN, { { protocol = "udp", port = 53,
    results = {}, error = "no memory" } })
  check.equal(list[1].outcome, "not_traced")
  check.equal(words.lines(list, main, nothing_known)[1], "udp/53 not traced: "
    .. "no memory; ICMP reaches the target at hop 4.")
end)

check.case("a_reply_from_nearer_needs_both_its_ttl_and_its_way", function()
  local near = result "rrt"
  check.equal(found(MAIN, near).outcome, "answered_before_target")
  -- The same return path as the target's other replies: a shorter branch.
  near = result "rrt"
  near.hops[3].responders[1].reply_ttl = 61
  check.equal(found(MAIN, near).outcome, "reached")
  -- Its reply TTL is unknown.
  near = result "rrt"
  near.hops[3].responders[1].reply_ttl = 0
  check.equal(found(MAIN, near).outcome, "reached")
end)

check.case("what_answers_before_the_target_is_no_target_to_others", function()
  local list = judge.list(MAIN, {
    { protocol = "tcp", port = 25, results = { result("rr--") } },
    { protocol = "tcp", port = 80, results = { result("rrt") } } })
  check.equal({ list[1].outcome, list[1].hop, list[1].at_target }, { "dropped",
    2, false })
  check.equal(list[2].outcome, "answered_before_target")
end)

check.case("a_flow_that_is_traced_again_is_one_flow", function()
  local list = judge.list(MAIN, { { protocol = "tcp", port = 25,
    results = { result("rrr-"), result("---t") } } })
  check.equal({ list[1].outcome, list[1].flows, list[1].flows_reached },
    { "reached", 1, 1 })
end)

-- A host rate-limits its port unreachables.
check.rows({
  { name = "udp_flows_silent_at_the_target_alone_show_no_firewall",
    shape = "rrr-", outcome = "reached" },
  { name = "udp_flows_that_stop_before_it_do", shape = "rr--",
    outcome = "partly_reached" },
}, function(row)
  local function udp(shape, flow)
    local one = result(shape, { protocol = "udp", flow = flow })
    if shape == "rrrt" then
      one.hops[4].responders[1].codes = { { type = 3, code = 3,
        name = "port unreachable", count = 3 } }
    end
    return one
  end
  local list = judge.list(MAIN, { { protocol = "udp", port = 53,
    results = { udp("rrrt", 0), udp(row.shape, 1), udp("rrrt", 2) } } })
  check.equal({ list[1].outcome, list[1].flows_reached }, { row.outcome, 2 })
end)

check.case("some_flows_that_are_rejected_are_named", function()
  local one = result "rr--"
  one.hops[3].reports = { { address = "10.0.0.2", type = 3, code = 10,
    name = "host administratively prohibited", count = 2, periods = {} } }
  local port, lines = found(MAIN, one, result "rrrt", result "rrrt")
  check.equal({ port.outcome, port.hop, port.flows, port.flows_reached,
    port.icmp_code }, { "partly_reached", 2, 3, 2, 10 })
  check.equal(lines[1], "tcp/25 reaches the target at hop 4 with 2 of 3 "
    .. "flows; the others are rejected at hop 2 (10.0.0.2): host "
    .. "administratively prohibited (ICMP 3/10); ICMP reaches the target at "
    .. "hop 4.")
end)

check.case("every_outcome_of_the_schema_has_words", function()
  for _, outcome in ipairs(judge.OUTCOMES) do
    check.equal(words.has(outcome), true, outcome)
  end
end)

check.case("lines_of_a_recording_that_are_none_are_left_out", function()
  check.equal(words.of { ports = { lines = { "a", {}, 5, "b" } } },
    { "a", "b" })
  check.equal(words.of { ports = { lines = 5 } }, {})
  check.equal(words.of { ports = 5 }, {})
  check.equal(words.of {}, {})
end)

check.finish()
