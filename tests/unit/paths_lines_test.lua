-- SPDX-License-Identifier: BSD-2-Clause
-- The lines under the table of several flows.
local check = require "check"
local lines = require "mtrtrace.verdict.path_lines"

local function group(number, flows, path)
  return { number = number, flows = flows, path = path, first_hop = 1,
    path_id = { crc32 = ("%08x"):format(number) } }
end

local function result_of(ports)
  local flows = {}
  for flow = 0, 4 do
    flows[flow + 1] = { flow = flow,
      source_port = ports and 28672 + flow or nil }
  end
  return { flows = flows, groups = {
    group(1, { 0, 2, 3 }, { "10.0.0.1", "10.0.1.1", "10.0.9.9" }),
    group(2, { 1, 4 }, { "10.0.0.1", false, "10.0.9.9" }),
  } }
end

check.case("one_flow_needs_no_lines", function()
  check.equal(lines.list { hops = {} }, {})
end)

check.case("one_path_needs_no_lines", function()
  local result = result_of(true)
  result.groups[2] = nil
  check.equal(lines.list(result), {})
end)

check.case("each_path_names_its_flows_and_where_it_differs", function()
  check.equal(lines.list(result_of(true)), {
    "Path 1 of 2, id 00000001: 3 flows (source ports 28672,28674-28675), "
      .. "by 10.0.1.1 at hop 2.",
    "Path 2 of 2, id 00000002: 2 flows (source ports 28673,28676), by * at "
      .. "hop 2.",
  })
end)

check.case("flows_without_ports_have_none", function()
  check.equal(lines.list(result_of(false))[2],
    "Path 2 of 2, id 00000002: 2 flows, by * at hop 2.")
end)

local function search(changes, protocol)
  local graph = { sent = 85, flow_count = 35, confidence_per_node = 0.95,
    confidence = 0.7999, links = { {}, {} },
    nodes = { { address = "10.0.0.1" }, {}, { address = "10.0.9.9" } },
    assumptions = { "routes stay", "shares are even" } }
  for key, value in pairs(changes or {}) do
    graph[key] = value
  end
  return table.concat(lines.list { graph = graph,
    protocol = protocol }, "\n")
end

check.case("search_tells_what_it_found_and_how_sure_it_is", function()
  check.equal(search(), "The search for paths found 2 addresses and 2 links "
    .. "with 85 probes in 35 flows: confidence 95 % per node, 79 % for all."
    .. "\nThe search assumes: routes stay; shares are even.")
end)

check.case("search_that_was_cut_short_says_so", function()
  check.contains(search { limited = true }, "there may be more")
end)

check.case("search_beside_connections_says_that_it_sent_syns", function()
  check.contains(search({}, "tcp-session"), "79 % for all. It sent SYNs with "
    .. "the connections' addresses and ports, not probes inside them.")
  check.equal(search({}, "tcp"), search())
end)

check.case("branches_that_were_not_measured_are_spoken_of", function()
  check.contains(search { whole = false }, "some nodes and links have "
    .. "no figures.")
  check.equal(search { whole = true }, search())
end)

check.finish()
