-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on one flow that depend on the other flows.
local check = require "check"
local flow_worlds = require "sim.flow_worlds"
local outcome = require "mtrtrace.session.outcome"

-- Runs of a flow at a hop: "A4 B6" is four replies of A and then six of B.
local function runs(flow, text)
  local list, at = {}, 0.1
  for letter, count in text:gmatch "(%a)(%d+)" do
    list[#list + 1] = { flow = flow, address = "10.9.0." .. letter:byte(),
      reply_ttl = 60, count = tonumber(count), at_s = at }
    at = at + 0.1 * tonumber(count)
  end
  return list
end

-- The kinds of the verdicts on hop 3, from its runs in two flows.
local function kinds_of(one, other, sockets, protocol)
  local random = flow_worlds.random(5)
  local flows, merge = flow_worlds.trace { random = random, packets = 10,
    flows = 2, stages = flow_worlds.diamond(random, { before = 1, width = 1,
      length = 2, after = 1 }) }
  for i, text in ipairs { one, other } do
    flows[i].hops[3].runs = runs(flows[i].flow, text)
    flows[i].sockets, flows[i].protocol = sockets, protocol
  end
  local kinds = {}
  for _, v in ipairs(outcome.of(flows, merge).verdicts) do
    kinds[#kinds + 1] = v.hop == 3 and v.kind or nil
  end
  return kinds
end

check.case("a_change_of_one_flow_is_reported", function()
  check.equal(kinds_of("A4 B6", "A10"), { "path_changed" })
end)

check.case("chance_is_no_change_where_another_flow_takes_turns", function()
  check.equal(kinds_of("A4 B6", "A2 B1 A2 B3 A1 B1"),
    { "balanced_per_packet" })
end)

-- Each connect of a process without rights has a source port of its own.
for _, row in ipairs {
  { "a_connects_own_port_tells_no_change", "A4 B6", "A10" },
  { "a_connects_own_port_tells_no_balancing", "A4 B6", "A2 B1 A2 B3 A1 B1" },
} do
  check.case(row[1], function()
    check.equal(kinds_of(row[2], row[3], "unprivileged", "tcp"), {})
  end)
end

check.case("a_ping_socket_keeps_its_flow", function()
  check.equal(kinds_of("A4 B6", "A10", "unprivileged", "icmp"),
    { "path_changed" })
end)

check.case("a_raw_socket_keeps_its_flow", function()
  check.equal(kinds_of("A4 B6", "A10", "raw", "tcp"), { "path_changed" })
end)

check.finish()
