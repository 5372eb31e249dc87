-- SPDX-License-Identifier: BSD-2-Clause
-- Whole runs through balancers: search, flows, graph, verdicts and the
-- printed report, over routers that hash, meet and lose real bytes.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"
local dot = require "mtrtrace.report.dot"

local function prefix(version)
  return version == 6 and "2001:db8:%x:%x::1" or "10.%d.%d.1"
end

-- Names of nodes are letters with a number; each has an address of its own.
local function nodes_of(names, version, more)
  local nodes = {}
  for i, name in ipairs(names) do
    local node = { link = { delay_ms = 1 },
      address = prefix(version):format(64 + i // 16, i % 16 + 1) }
    for key, value in pairs(more and more[name] or {}) do
      node[key] = value
    end
    nodes[name] = node
  end
  return nodes
end

local function collect(path, names)
  for _, item in ipairs(path) do
    if type(item) == "table" then
      collect(item, names)
    elseif not item:find "^r%d" and item ~= "host" then
      names[#names + 1] = item
    end
  end
  return names
end

local function world(path, version, more)
  local nodes = nodes_of(collect(path, {}), version, more)
  for _, name in ipairs { "r1", "r2", "host" } do
    nodes[name] = more and more[name]
  end
  return build.line(2, { version = version, nodes = nodes, path = path })
end

local function one_each(letter, width, balance)
  local fork = { balance = balance or "flow" }
  for i = 1, width do
    fork[i] = { letter .. i }
  end
  return fork
end

local function diamond(width, balance)
  return { "r1", one_each("a", width, balance), "r2", "host" }
end

local NESTED = { "r1", { balance = "flow",
  { "a1", { balance = "flow", { "b1" }, { "b2" } }, "c1" },
  { "a2", { balance = "flow", { "b3" }, { "b4" } }, "c2" } }, "r2", "host" }
local ASYMMETRIC = { "r1", { balance = "flow", { "a1" },
  { "b1", "b2", { balance = "flow", { "b3" }, { "b4" } } } }, "r2", "host" }
local MESHED = { "r1", one_each("a", 3), one_each("b", 3), "r2", "host" }

-- All paths through a world, as lists of names.
local function paths_of(path, from)
  local item = path[from or 1]
  if not item then
    return { {} }
  end
  local heads, out = { { item } }, {}
  if type(item) == "table" then
    heads = {}
    for _, branch in ipairs(item) do
      table.move(paths_of(branch), 1, #paths_of(branch), #heads + 1, heads)
    end
  end
  for _, head in ipairs(heads) do
    for _, tail in ipairs(paths_of(path, (from or 1) + 1)) do
      local route = { table.unpack(head) }
      table.move(tail, 1, #tail, #route + 1, route)
      out[#out + 1] = route
    end
  end
  return out
end

local function sorted(set)
  local list = {}
  for key in pairs(set) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function true_links(w, path)
  local set = {}
  for _, route in ipairs(paths_of(path)) do
    for ttl = 1, #route - 1 do
      set[("%d %s > %d %s"):format(ttl, w.nodes[route[ttl]].address, ttl + 1,
        w.nodes[route[ttl + 1]].address)] = true
    end
  end
  return sorted(set)
end

local function found_links(graph)
  local set = {}
  for _, link in ipairs(graph.links) do
    set[link.from .. " > " .. link.to] = true
  end
  return sorted(set)
end

-- Lines that begin so.
local function grep(text, start)
  local out = {}
  for line in text:gmatch "[^\n]+" do
    out[#out + 1] = line:find(start) and line or nil
  end
  return out
end

local SHAPES = {
  { name = "width_2", path = diamond(2), versions = { 4, 6 } },
  { name = "width_4", path = diamond(4), versions = { 4, 6 } },
  { name = "width_16", path = diamond(16), versions = { 4 } },
  { name = "nested", path = NESTED, versions = { 4, 6 } },
  { name = "asymmetric", path = ASYMMETRIC, versions = { 4 } },
  { name = "meshed", path = MESHED, versions = { 4, 6 },
    meshed = { "Paths are meshed between hops 2 and 3: 9 links join 3 "
      .. "addresses and 3." } },
}

-- At 99.9 % per vertex a miss would be a defect, not chance.
local function searched(w, options)
  options.paths, options.packets = options.paths or 99.9, options.packets or 3
  return core.run(w, options)
end

for _, shape in ipairs(SHAPES) do
  check.case(shape.name .. "_is_found_measured_and_drawn", function()
    for _, version in ipairs(shape.versions) do
      for _, protocol in ipairs { "udp", "tcp", "icmp" } do
        local w = world(shape.path, version)
        local result, text = searched(w, { protocol = protocol })
        local what = ("%s, IPv%d"):format(protocol, version)
        check.equal(found_links(result.graph), true_links(w, shape.path),
          what)
        check.equal(grep(text, "^Paths are meshed"), shape.meshed or {}, what)
        check.equal(grep(text, "[Ll]oss"), { grep(text, "Loss%%")[1] }, what)
        for _, link in ipairs(result.graph.links) do
          check.contains(dot.trace(result, {}), ('"%s" -> "%s"'):format(
            link.from:match "%S+$", link.to:match "%S+$"))
        end
      end
    end
  end)
end

check.case("sixteen_ways_are_named_in_short", function()
  local _, text = searched(world(diamond(16), 4), { protocol = "udp" })
  local line = grep(text, "^Per%-flow load balancing at hop 2")[1]
  check.contains(line, "flows meet 16 addresses (")
  check.contains(line, " and 12 more).")
end)

check.case("search_says_how_sure_it_is_and_what_that_assumes", function()
  local result, text = searched(world(diamond(2), 4), { protocol = "udp",
    paths = 95 })
  check.equal(#grep(text, "^The search for paths found %d+ addresses and "
    .. "%d+ links with %d+ probes in %d+ flows: confidence 95 %% per node, "
    .. "%d+ %% for all%.$"), 1)
  check.equal(grep(text, "^The search assumes: "), { "The search assumes: "
    .. table.concat(result.graph.assumptions, "; ") .. "." })
  check.equal(result.graph.confidence > 0.8, true)
end)

check.case("per_packet_is_said_and_no_link_invented", function()
  for _, version in ipairs { 4, 6 } do
    local path = { "r1", { balance = "packet", { "a1", "a2", "a3" },
      { "b1", "b2", "b3" } }, "r2", "host" }
    local w = world(path, version)
    local result, text = searched(w, { protocol = "udp", packets = 20 })
    check.equal(#grep(text, "^Per%-packet load balancing at hop 2: 2 "
      .. "addresses reply in one flow"), 1)
    check.equal({ result.graph.per_packet, result.graph.gaps },
      { { 2, 3, 4 }, { 2, 3 } })
    check.equal(#result.groups, 1)
    check.equal(grep(text, "^Paths are meshed"), {})
  end
end)

check.case("per_destination_is_one_path", function()
  for _, version in ipairs { 4, 6 } do
    local w = world(diamond(4, "destination"), version)
    local result, text = searched(w, { protocol = "udp" })
    check.equal({ #result.graph.nodes, #result.graph.links }, { 4, 3 })
    check.equal(grep(text, "balanced"), {})
  end
end)

check.case("loss_on_one_branch_is_that_branch_s", function()
  for _, version in ipairs { 4, 6 } do
    for _, protocol in ipairs { "udp", "tcp", "icmp" } do
      local w = world({ "r1", one_each("a", 4), one_each("b", 1), "r2",
        "host" }, version, { a3 = { link = { delay_ms = 1,
          loss_forward = 0.15 } } })
      local address = w.nodes.a3.address
      local result, text = core.run(w, { protocol = protocol, flows = 16,
        packets = 30 })
      local lines = grep(text, "loss only through")
      check.equal(#lines, 1, protocol)
      check.contains(lines[1], ("Round-trip loss only through %s (hop 2; ")
        :format(address))
      check.equal(grep(text, "^Round%-trip loss is first"), {})
      for _, responder in ipairs(result.hops[2].responders) do
        local loss = 1 - responder.received / responder.sent
        check.equal(loss > 0.05, responder.address == address,
          responder.address)
      end
    end
  end
end)

-- By then the bursts are over that show how fast tokens come.
local MEASURED_NS = 5e9

-- Each branch to a rate-limiting router gets its own sample, and each flow one
-- reply, within the pace; no flow counts as silent.
local function rate_limited(path, version, protocol)
  local rate_limit, times = { rate_limit = "linux" .. version }, {}
  local w = world(path, version, { r1 = rate_limit, r2 = rate_limit,
    host = rate_limit })
  local result, text, run = core.run(w, { protocol = protocol, flows = 16,
    packets = 5 }, { verbose = true, on_send = function(_, ttl, now)
      times[#times + 1] = ttl == 1 and now > MEASURED_NS and now or nil
    end })
  for _, hop in ipairs(result.hops) do
    check.equal(hop.loss, 0.0, ("%s, loss of hop %d"):format(protocol,
      hop.ttl))
  end
  check.equal(grep(text, "only through"), {})
  check.equal(grep(text, "does not answer"), {})
  check.equal(found_links(result.graph), true_links(w, path))
  return result, run, times
end

local function keeps_pace(result, times)
  local least = result.hops[1].rate_limit.sample_interval_s * 1e9 - 25e6
  check.equal(#times > 10, true)
  for i = 2, #times do -- up to three at once probe a hop that was silent
    local gap = times[i] - times[i - 1]
    check.equal(gap == 0 or gap >= least, true, ("a gap of %.3f s at %.3f")
      :format(gap / 1e9, times[i] / 1e9))
  end
end

check.case("sixteen_flows_keep_the_pace_of_those_that_rate_limit", function()
  for _, version in ipairs { 4, 6 } do
    for _, protocol in ipairs { "icmp", "udp", "tcp" } do
      local result, run, times = rate_limited(diamond(4), version, protocol)
      check.equal(#result.groups, 4)
      keeps_pace(result, times)
      local found = grep(table.concat(run.logged, "\n"),
        "rate%-limits its answers")
      check.equal(#found, 1)
      local left = tonumber(found[1]:match ": about (%d+) s more$")
      -- The estimate may be made before the bursts that measure are over,
      -- and assumes a token a second until then.
      check.equal(version == 6 or math.abs(run.took_s - 3 - left) < 20, true,
        ("%s of %.1f s"):format(found[1], run.took_s))
    end
  end
end)

check.finish()
