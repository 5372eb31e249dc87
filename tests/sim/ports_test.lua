-- SPDX-License-Identifier: BSD-2-Clause
-- The hop that drops a port: firewalls that drop, reject and reset on a path
-- of eight rate-limiting routers, on one branch of two, at the target; and
-- paths without a finding. Complete runs, from options to the lines.
local check = require "check"
local core = require "sim.core"
local world = require "sim.world"

local NET = { [4] = "10.0.%d.2", [6] = "2001:db8:%d::2" }
local PROBER = { [4] = "10.0.0.1", [6] = "2001:db8:0::1" }

local function address(family, i)
  return NET[family]:format(i - 1)
end

-- Eight routers and a host at TTL 9; `change` changes nodes and path.
local function path_of(family, change)
  local nodes, path = {}, {}
  for i = 1, 8 do
    nodes["r" .. i] = { address = address(family, i), link = { delay_ms = 1 },
      rate_limit = family == 4 and "linux4" or "linux6" }
    path[i] = "r" .. i
  end
  nodes.t, path[9] = { address = address(family, 9), host = true }, "t"
  change(nodes, path)
  return world.check { prober = PROBER[family], target = address(family, 9),
    nodes = nodes, path = path }
end

local function rule(port, action, protocol)
  return { { protocol = protocol or "tcp", port = port, action = action } }
end

local function tcp(...)
  local list = {}
  for i, port in ipairs { ... } do
    list[i] = { protocol = "tcp", port = port }
  end
  return list
end

-- The outcome and hop of each port, and the lines.
local function found(family, change, ports, options, settings)
  local own = { packets = 3, ports = ports }
  for key, value in pairs(options or {}) do
    own[key] = value
  end
  local result, text, more = core.run(path_of(family, change), own, settings)
  local places = {}
  for i, port in ipairs(result.ports.list) do
    places[i] = ("%s/%d %s %s"):format(port.protocol, port.port,
      port.outcome, port.hop or port.target_ttl or "-")
  end
  return places, result.ports.lines, text, result, more
end

local BOTH = "; ICMP and tcp/443 reach the target at hop 9."

-- %N is the address of hop N with its range, #N that address alone.
local ROWS = {
  { name = "a_port_that_a_router_drops", ports = tcp(25, 443),
    change = function(nodes) nodes.r6.firewall = rule(25) end,
    places = { "tcp/25 dropped 6", "tcp/443 reached 9" },
    lines = { "tcp/25 is dropped beyond hop 6 (%6): 0 of N probes beyond it "
      .. "were answered, while hop 7 replies to ICMP and tcp/443" .. BOTH } },
  { name = "two_ports_that_a_router_drops_are_one_line",
    ports = tcp(25, 465, 443), change = function(nodes)
      nodes.r6.firewall = { rule(25)[1], rule(465)[1] }
    end,
    places = { "tcp/25 dropped 6", "tcp/465 dropped 6", "tcp/443 reached 9" },
    lines = { "tcp/25 and tcp/465 are dropped beyond hop 6 (%6): 0 of N "
      .. "probes beyond it were answered, while hop 7 replies to ICMP and "
      .. "tcp/443" .. BOTH } },
  { name = "a_port_that_the_target_s_firewall_drops", ports = tcp(25, 443),
    change = function(nodes) nodes.r8.firewall = rule(25) end,
    places = { "tcp/25 dropped 8", "tcp/443 reached 9" },
    lines = { "tcp/25 is dropped beyond hop 8 (%8), the last hop before the "
      .. "target: 0 of N probes beyond it were answered" .. BOTH } },
  { name = "a_port_that_a_router_prohibits", ports = tcp(25, 443),
    change = function(nodes) nodes.r6.firewall = rule(25, "prohibit") end,
    places = { "tcp/25 rejected 6", "tcp/443 reached 9" },
    lines = { "tcp/25 is rejected at hop 6 (%6): WORDS (CODE)" .. BOTH } },
  { name = "a_port_that_the_target_prohibits", ports = tcp(25),
    change = function(nodes) nodes.t.tcp = "prohibited" end,
    places = { "tcp/25 rejected 9" },
    lines = { "tcp/25 is rejected by the target at hop 9: WORDS "
      .. "(CODE); ICMP reaches the target at "
      .. "hop 9." } },
  { name = "a_port_that_a_middlebox_resets", ports = tcp(25, 443),
    change = function(nodes) nodes.r6.firewall = rule(25, "reset") end,
    places = { "tcp/25 answered_before_target 6", "tcp/443 reached 9" },
    lines = { "tcp/25 is answered before the target, at or just beyond hop 6 "
      .. "(%6): a RST in the target's name comes from TTL 7 on and over 6 "
      .. "hops, the target's reply to ICMP from TTL 9 on and over 9 hops"
      .. BOTH } },
  { name = "a_port_that_a_proxy_takes", ports = tcp(80),
    change = function(nodes) nodes.r2.firewall = rule(80, "answer") end,
    places = { "tcp/80 answered_before_target 2" },
    lines = { "tcp/80 is answered before the target, at or just beyond hop 2 "
      .. "(%2): a SYN-ACK in the target's name comes from TTL 3 on and over 2 "
      .. "hops, the target's reply to ICMP from TTL 9 on and over 9 hops; "
      .. "ICMP reaches the target at hop 9." } },
  { name = "a_closed_port", ports = tcp(25),
    change = function(nodes) nodes.t.tcp = "closed" end,
    places = { "tcp/25 reached 9" },
    lines = { "ICMP and tcp/25 reach the target at hop 9." } },
  { name = "a_udp_port_that_may_be_open", change = function(nodes)
      nodes.t.udp = "open"
    end, ports = { { protocol = "udp", port = 53 } },
    places = { "udp/53 unanswered 8" },
    lines = { "udp/53 passes hop 8 (%8), the last hop before the target, and "
      .. "gets no reply (0 of N probes): open or filtered there; ICMP "
      .. "reaches the target at hop 9." } },
  { name = "a_udp_port_that_a_router_drops", change = function(nodes)
      nodes.t.udp, nodes.r3.firewall = "open", rule(53, nil, "udp")
    end, ports = { { protocol = "udp", port = 53 } },
    places = { "udp/53 dropped 3" },
    lines = { "udp/53 is dropped beyond hop 3 (%3): 0 of N probes beyond it "
      .. "were answered, while hop 4 replies to ICMP; ICMP reaches the "
      .. "target at hop 9." } },
  { name = "ports_of_a_path_that_ends_for_all_traces", ports = tcp(25, 443),
    change = function(nodes) nodes.r6.firewall = { {} } end,
    places = { "tcp/25 unknown 6", "tcp/443 unknown 6" },
    lines = { "tcp/25 and tcp/443 get no reply beyond hop 6 (%6), and no "
      .. "other trace gets farther: it is unknown where the probes are "
      .. "lost." } },
  { name = "a_port_that_a_router_drops_before_silent_ones", ports = tcp(25),
    change = function(nodes)
      nodes.r5.firewall = rule(25)
      nodes.r6.answers, nodes.r7.answers = 0, 0
    end,
    places = { "tcp/25 dropped 5" },
    lines = { "tcp/25 is dropped beyond hop 5 (%5): 0 of N probes beyond it "
      .. "were answered, while hop 8 replies to ICMP; ICMP reaches the "
      .. "target at hop 9." } },
  { name = "a_port_of_a_path_that_loses_nearly_all", ports = tcp(25),
    change = function(nodes)
      nodes.r8.firewall, nodes.t.answers = rule(25), 0.35
    end, options = { packets = 100 },
    places = { "tcp/25 unknown 8" } },
  { name = "no_filtered_port", ports = {}, options = { scanned = true },
    change = function() end, places = {},
    lines = { "Nmap's port scan found no filtered port to trace." } },
  { name = "ports_beyond_the_most", ports = tcp(22, 25, 80, 443),
    options = { max_ports = 2 }, change = function() end,
    places = { "tcp/22 reached 9", "tcp/25 reached 9" },
    lines = { "ICMP, tcp/22 and tcp/25 reach the target at hop 9.",
      "2 more ports are not traced: at most 2 are (max-ports)." } },
}

local RANGE = { [4] = "Private", [6] = "Documentation" }
local CODE = { [4] = "ICMP 3/13", [6] = "ICMPv6 1/1" }
local WORDS = { [4] = "communication administratively prohibited",
  [6] = "administratively prohibited" }

local function expected(line, family)
  return (line:gsub("CODE", CODE[family]):gsub("WORDS",
    WORDS[family]):gsub("%%(%d)", function(hop)
    return address(family, tonumber(hop)) .. ", " .. RANGE[family]
  end))
end

local function without_count(line)
  return (line:gsub("0 of %d+ probes", "0 of N probes"))
end

for _, row in ipairs(ROWS) do
  for _, family in ipairs { 4, 6 } do
    check.case(("%s_v%d"):format(row.name, family), function()
      local places, lines, text = found(family, row.change, row.ports,
        row.options)
      check.equal(places, row.places)
      for i, line in ipairs(row.lines or {}) do
        check.equal(without_count(lines[i]), expected(line, family))
        check.contains(text, lines[i])
      end
      check.equal(#lines, row.lines and #row.lines or #lines)
    end)
  end
end

-- ---- a firewall at any place -----------------------------------------------

local OUTCOME = { drop = "dropped", prohibit = "rejected",
  reset = "answered_before_target", answer = "answered_before_target" }

for action, outcome in pairs(OUTCOME) do
  for at = 1, 8 do
    -- A middlebox directly before the target has the distance of the target.
    local as_target = at == 8 and outcome == "answered_before_target"
    check.case(("a_firewall_at_hop_%d_that_does_%s"):format(at, action),
      function()
        local places = found(4, function(nodes)
          nodes["r" .. at].firewall = rule(25, action)
        end, tcp(25))
        check.equal(places, { as_target and "tcp/25 reached 9"
          or ("tcp/25 %s %d"):format(outcome, at) })
      end)
  end
end

-- ---- several branches ------------------------------------------------------

-- Two branches from hop 4 to 6, one with a firewall; the salt decides which
-- flows pass which of them.
local function branches(salt)
  return function(nodes, path)
    for i = 4, 6 do
      nodes["b" .. i] = { address = ("10.1.%d.2"):format(i),
        link = { delay_ms = 1 } }
    end
    nodes.b5.firewall = rule(25)
    for i = 4, 9 do
      path[i] = nil
    end
    path[4] = { balance = "flow", salt = salt, { "r4", "r5", "r6" },
      { "b4", "b5", "b6" } }
    path[5], path[6], path[7] = "r7", "r8", "t"
  end
end

check.case("a_firewall_on_one_branch_drops_flows_of_this_branch_alone",
  function()
    local seen = {}
    for salt = 1, 24 do
      local places, lines, _, result = found(4, branches(salt), tcp(25))
      local port = result.ports.list[1]
      seen[port.outcome] = (seen[port.outcome] or 0) + 1
      if port.outcome == "partly_reached" then
        check.equal({ port.hop, port.ip, port.target_ttl }, { 5, "10.1.5.2",
          9 }, places[1])
        check.contains(lines[1], ("%d of %d flows; the others are without a "
          .. "reply beyond hop 5 (10.1.5.2, Private)"):format(
          port.flows_reached, port.flows))
        check.contains(lines[1], ", on another branch from hop 4 on (10.1.4.2 "
          .. "in place of 10.0.3.2)")
      elseif port.outcome == "dropped" then
        check.equal({ port.hop, port.ip, port.flows_reached }, { 5,
          "10.1.5.2", 0 }, places[1])
      else
        check.equal(places, { "tcp/25 reached 9" })
      end
      check.contains(lines[1], "the target at hop 9")
    end
    check.equal(seen.partly_reached > 0 and seen.dropped > 0
      and seen.reached > 0, true, "not all cases came up")
  end)

check.case("a_port_on_another_branch_than_others_says_so", function()
  for salt = 1, 24 do
    local _, lines, _, result = found(4, branches(salt), tcp(25))
    local port, icmp = result.ports.list[1], result.hops[5].responders[1]
    if port.outcome == "dropped" then
      local elsewhere = icmp.address ~= "10.1.5.2"
      check.equal(lines[1]:find("it may be this branch alone", 1, true) ~= nil,
        elsewhere, lines[1])
    end
  end
end)

-- ---- what it costs ---------------------------------------------------------

check.case("eight_ports_take_80_s_at_most_and_few_probes", function()
  local ports = tcp(21, 22, 23, 25, 80, 110, 443, 465)
  local _, _, _, _, more = found(4, function(nodes)
    nodes.r6.firewall = { { protocol = "tcp" } }
  end, ports)
  check.equal(more.took_s < 80, true, "took " .. more.took_s)
  check.equal(more.sent < 8 * 3 * 3 * 13 + 400, true, "sent " .. more.sent)
end)

check.case("a_run_that_is_ended_says_what_was_not_traced", function()
  local places, lines = found(4, function() end, tcp(22, 25, 80),
    { limit = { at = 6, name = "max-time" } })
  check.equal(places[3], "tcp/80 not_traced -")
  check.contains(lines[1], "tcp/80 not traced: no time")
end)

check.finish()
