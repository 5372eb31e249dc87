-- SPDX-License-Identifier: BSD-2-Clause
--- Random worlds, and what is true in them: who can answer at which TTL, how
-- fast at best, and whether the destination must be found.
-- @module sim.chance
local link = require "sim.link"
local random = require "sim.random"
local world = require "sim.world"

local M = {}

local MS = 1000000

local FORGED = { "foreign_tcp", "foreign_source", "foreign_target",
  "foreign_port", "foreign_destination_port", "forged_cookie", "future",
  "reassembly", "short_quote", "no_quote", "unknown_type", "forged_echo",
  "bare_rst", "noise" }
local SHAPES = { "uniform", "exponential", "normal" }
local PRESETS = { [4] = { "linux4", "ios", "iosxr", "junos", "freebsd" },
  [6] = { "linux6", "linux6_48", "iosxr", "freebsd" } }
local MALFORMED = { "version", "checksum", "object_zero", "object_long",
  "cut", "length_long", "length_short", "legacy" }
local HEADERS = { "hop", "routing", "destination", "fragment",
  "authentication" }

-- Fields of a node, each with its chance and how it is drawn.
local TRAITS = {
  { "rate_limit", 0.25, function(R, v)
    return { preset = R.pick(PRESETS[v]),
      start = R.chance(0.3) and "empty" or nil }
  end },
  { "answers", 0.12, function(R) return R.pick { 0, 0, 0.5, 0.9 } end },
  { "answer_ms", 0.2, function(R)
    return { base_ms = R.whole(0, 20), jitter_ms = R.whole(0, 30),
      shape = R.pick(SHAPES) }
  end },
  { "ttl", 0.5, function(R) return R.pick { 64, 128, 255 } end },
  { "tos", 0.2, function(R) return R.pick { 0, "copy", "linux" } end },
  { "df", 0.2, function() return true end },
  { "ip_id", 0.3, function(R) return R.pick { "zero", "random", "echo" } end },
  { "quote", 0.3, function(R) return R.pick { 8, 28, 128 } end },
  { "extension", 0.15, function(R)
    return { labels = { { label = R.whole(16, 1048575), ttl = 1 },
      { label = R.whole(16, 1048575), tc = 3, ttl = 254 } },
      malformed = R.chance(0.5) and R.pick(MALFORMED) or nil }
  end },
  { "duplicate", 0.1, function(R)
    return { share = 0.3, copies = R.whole(1, 3), delay_ms = R.whole(0, 400) }
  end },
  { "late", 0.06, function(R)
    return { share = 0.2, delay_ms = R.whole(300, 4000) }
  end },
  { "forged", 0.12,
    function(R) return { R.pick(FORGED), R.pick(FORGED) } end },
  { "set_tos", 0.05, function() return 0x28 end },
}

local function random_link(R)
  local wire = { delay_ms = R.whole(0, 15) }
  if R.chance(0.4) then
    wire.delay_ms = { base_ms = wire.delay_ms, jitter_ms = R.whole(0, 8),
      shape = R.pick(SHAPES) }
  end
  if R.chance(0.1) then
    wire["loss_" .. R.pick { "forward", "back" }] = R.pick { 0.02, 0.05, 0.2,
      { enter = 0.05, leave = 0.4 }, { good_ms = 500, bad_ms = 20 } }
  end
  if R.chance(0.1) then
    wire.reorder = { share = 0.1, delay_ms = R.whole(1, 30) }
  end
  if R.chance(0.08) then
    wire.queue = { service_ms = 0.1, limit_ms = 50, others_every_ms = 0.15 }
  end
  return wire
end

-- IPv6 quotes as much as fits: the cookie in any case.
local LEAST_QUOTE_6 = 14

local function random_node(R, version, number)
  local node = { link = random_link(R), address = version == 4
    and ("10.%d.%d.1"):format(number // 250, number % 250)
    or ("2001:db8:%x::1"):format(number) }
  for _, trait in ipairs(TRAITS) do
    if R.chance(trait[2]) then
      node[trait[1]] = trait[3](R, version)
    end
  end
  if R.chance(0.1) and version == 4 then
    node.inner_options = R.whole(1, 10)
  elseif R.chance(0.1) and version == 6 then
    node.inner_headers = { R.pick(HEADERS), R.pick(HEADERS) }
  end
  if version == 6 and node.quote and node.quote < LEAST_QUOTE_6 then
    node.quote = LEAST_QUOTE_6
  end
  return node
end

-- A few routers; here and there a balancer with branches.
local function random_path(R, nodes, version)
  local path = {}
  local function fresh()
    local n = 1
    while nodes["n" .. n] do
      n = n + 1
    end
    nodes["n" .. n] = random_node(R, version, n)
    return "n" .. n
  end
  for _ = 1, R.whole(0, 9) do
    if R.chance(0.08) then
      local fork = { balance = R.pick { "flow", "packet", "destination" } }
      for i = 1, R.whole(2, 3) do
        fork[i] = {}
        for j = 1, R.whole(1, 2) do
          fork[i][j] = fresh()
        end
      end
      path[#path + 1] = fork
    else
      path[#path + 1] = fresh()
    end
  end
  path[#path + 1] = "host"
  return path
end

-- UDP carries its index in the checksum: where that stays rewritten, a quote
-- without cookie names no probe.
local function add_nat(R, nodes, version, protocol)
  local name = "n1"
  if not nodes[name] or not R.chance(0.1) then
    return
  end
  local inside = version == 4 and "192.168.7.7" or "fd00::7"
  nodes[name].nat = { restore = protocol ~= "udp"
    and R.pick { "all", "addresses" } or "all" }
  if R.chance(0.5) then
    nodes[name].nat.source = version == 4 and "203.0.113.9"
      or "2001:db8:aaaa::9"
  end
  if R.chance(0.3) then
    nodes[name].nat.source_port = 1234
  end
  if R.chance(0.3) then
    nodes[name].nat.target = inside
    nodes.host.address = inside
  end
end

--- Draws a world and the options of a trace through it.
-- @tparam integer seed
-- @treturn table world
-- @treturn table options for driver.options
-- @treturn table R what is left of the random source
function M.draw(seed)
  local R = random.new(seed)
  local version = R.chance(0.5) and 4 or 6
  local protocol = R.pick { "icmp", "udp", "tcp" }
  local target = version == 4 and "10.99.0.2" or "2001:db8:ffff::2"
  local host = random_node(R, version, 249)
  host.address, host.host, host.forged = target, true, nil
  host.tcp = R.pick { "open", "closed" }
  host.expires = R.chance(0.1) or nil
  if R.chance(0.85) then
    host.answers = nil
  end
  local nodes = { host = host }
  local path = random_path(R, nodes, version)
  local w = { prober = version == 4 and "10.0.0.1" or "2001:db8::1",
    target = target, nodes = nodes, path = path }
  if R.chance(0.1) then
    w.changes = { { at_s = R.unit() * 2,
      path = random_path(R, nodes, version) } }
  end
  if R.chance(0.1) then
    w.back = { hops = R.whole(1, 5), delay_ms = R.whole(0, 20) }
  end
  -- One NAT in a row: a second path might go round it.
  if not w.changes and type(path[1]) == "string" then
    add_nat(R, nodes, version, protocol)
  end
  return world.check(w), { protocol = protocol,
    packets = R.pick { 1, 3, 10, 10, 10, 20 }, tos = R.chance(0.2) and 8 or 0,
    interval = R.chance(0.15) and R.pick { 0.02, 0.5, 1.5 } or nil }, R
end

-- ---- what is true ----------------------------------------------------------

local function base_ns(spec)
  return (link.delay(spec, { unit = function() return 0 end,
    exponential = function() return 0 end }))
end

-- Every list of nodes a packet may pass.
local function straight(path, from)
  local lists = { from or {} }
  for _, item in ipairs(path) do
    local longer = {}
    for _, list in ipairs(lists) do
      local branches = type(item) == "string" and { { item } } or {}
      if type(item) == "table" then
        for _, branch in ipairs(item) do
          for _, flat in ipairs(straight(branch)) do
            branches[#branches + 1] = flat
          end
        end
      end
      for _, branch in ipairs(branches) do
        local copy = { table.unpack(list) }
        for _, name in ipairs(branch) do
          copy[#copy + 1] = name
        end
        longer[#longer + 1] = copy
      end
    end
    lists = longer
  end
  return lists
end

--- What holds in a world.
-- @tparam table w
-- @treturn table `places`: address to set of the TTLs at which it can answer;
--   `least_ns`: address to its fastest round trip; `target_ttls`: set, its
--   least member `nearest`
function M.truth(w)
  local truth = { places = {}, least_ns = {}, target_ttls = {} }
  local back_ns = w.back and (w.back.delay_ms or 0) * MS or 0
  local function note(address, ttl, rtt)
    local places = truth.places[address] or {}
    truth.places[address] = places
    places[ttl] = true
    truth.least_ns[address] = math.min(truth.least_ns[address] or rtt, rtt)
  end
  local function follow(list)
    local way = back_ns
    for ttl, name in ipairs(list) do
      local node = w.nodes[name]
      way = way + 2 * base_ns(node.link.delay_ms)
      local rtt = way + base_ns(node.answer_ms)
      if node.host then
        truth.target_ttls[ttl] = true
        truth.nearest = math.min(truth.nearest or ttl, ttl)
        for beyond = ttl, 255 do
          note(w.target, beyond, rtt)
          note(node.address, beyond, rtt)
        end
      else
        note(node.address, ttl, rtt)
      end
    end
  end
  local epochs = { w.path }
  for _, change in ipairs(w.changes or {}) do
    epochs[#epochs + 1] = change.path
  end
  for _, path in ipairs(epochs) do
    for _, list in ipairs(straight(path)) do
      follow(list)
    end
  end
  return truth
end

return M
