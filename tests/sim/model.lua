-- SPDX-License-Identifier: BSD-2-Clause
--- The model of a network over bytes: a probe in, its answers out, each with
-- the time at which it reaches the prober. Everything random comes from the
-- seed. Time must not run backwards from call to call.
-- @module sim.model
local nat = require "sim.nat"
local packet = require "sim.packet"
local path = require "sim.path"
local random = require "sim.random"
local router = require "sim.router"

local M = {}

local Model = {}
Model.__index = Model

local S, MS = 1000000000, 1000000
local EXCEEDED = { [4] = 11, [6] = 3 }
local PORT_UNREACHABLE = { [4] = { 3, 3 }, [6] = { 1, 4 } }
local PROHIBITED = { [4] = { 3, 13 }, [6] = { 1, 1 } }
local TOO_BIG = { [4] = { 3, 4 }, [6] = { 2, 0 } }

local function apply(self, epoch, source)
  if epoch.path then
    self.route = path.new(epoch.path, self.nodes, source)
  end
  if epoch.back then
    self.more_hops = epoch.back.hops or 0
    self.more_ns = (epoch.back.delay_ms or 0) * MS // 1 | 0
  end
end

--- A model of a world.
-- @tparam table world checked
-- @tparam integer seed
-- @treturn table
function M.new(world, seed)
  local source = random.new(seed)
  local self = setmetatable({ nodes = {}, changes = {}, probe = {},
    random = source, more_hops = 0, more_ns = 0 }, Model)
  local names = {}
  for name in pairs(world.nodes) do
    names[#names + 1] = name
  end
  table.sort(names) -- pairs has no order, and each node draws from the source
  for _, name in ipairs(names) do
    self.nodes[name] = router.new(world.nodes[name], source)
  end
  apply(self, world, source)
  for i, change in ipairs(world.changes or {}) do
    self.changes[i] = change
  end
  return self
end

local function change_path(self, now_ns)
  local change = self.changes[1]
  while change and now_ns >= change.at_s * S do
    apply(self, change, self.random)
    table.remove(self.changes, 1)
    change = self.changes[1]
  end
end

-- The way back from hop i: the time of arrival, or nil where it is lost.
local function return_from(self, hops, i, at)
  for j = i, 1, -1 do
    local node = hops[j]
    local cross = node.back
    if cross then
      at = cross(at)
      if not at then
        return nil
      end
    else
      at = at + node.back_ns
    end
  end
  return at + self.more_ns
end

local function deliver(self, trip, at, bytes, out)
  local arrival = return_from(self, trip.hops, trip.i, at)
  if arrival then
    out[#out + 1] = { at_ns = arrival, packet = bytes() }
  end
end

-- The probe as the prober will see it quoted: its TTL as it arrived, and what
-- the NATs on the way back make of it.
local function quoted(trip, p)
  local bytes = trip.bytes
  for n = #trip.nats, 1, -1 do
    local passed = trip.nats[n]
    bytes = nat.back(passed.nat, passed.before, bytes, p)
  end
  return packet.with_ttl(bytes, trip.left > 0 and trip.left or 0)
end

-- An answer of the node the trip has come to; `make` builds its bytes, with
-- the number of routers on the way back.
local function answer(self, trip, p, rate_limited, make, out)
  local node = trip.hops[trip.i]
  local hops_back = trip.i - 1 + self.more_hops
  if node.forged then
    local packets = router.forged(node, p, quoted(trip, p), hops_back)
    for _, bytes in ipairs(packets) do
      deliver(self, trip, trip.at, function() return bytes end, out)
    end
  end
  local at = router.answer_at(node, p, trip.at, rate_limited)
  if not at then
    return
  end
  local bytes
  local function once()
    bytes = bytes or make(node, hops_back)
    return bytes
  end
  deliver(self, trip, at, once, out)
  if node.duplicate then
    for _, later in ipairs(router.copies(node, at)) do
      deliver(self, trip, later, once, out)
    end
  end
end

local function refuse(self, trip, p, kind, code, rest, out)
  answer(self, trip, p, true, function(node, hops_back)
    local nat_before = trip.nats[1] and trip.nats[1].nat
    local translated = nat_before and (nat_before.hides
      or node.host and nat_before.restore ~= "none")
    local one_of_several = node.also and trip.target == p.target
    return router.error(node, p, quoted(trip, p), hops_back, kind, code,
      rest, (translated or one_of_several) and p.target)
  end, out)
end

local function expire(self, trip, p, out)
  refuse(self, trip, p, EXCEEDED[p.version], 0, 0, out)
end

-- The packet has come to a host: is it for it, and what does it say?
local function arrive(self, trip, p, out)
  local node = trip.hops[trip.i]
  local function direct(make)
    answer(self, trip, p, false, function(host, hops_back)
      local from = host.from and host.sources[1] or p.target
      return make(host, p, from, hops_back)
    end, out)
  end
  if not node.own[trip.target] then
    return -- not for it, and a host forwards nothing
  elseif node.expires and trip.left == 1 then
    expire(self, trip, p, out)
  elseif p.protocol == 17 then
    if node.service then
      if router.serves(node, p) then
        direct(router.service)
      end
    elseif node.udp ~= "open" then
      local code = PORT_UNREACHABLE[p.version]
      refuse(self, trip, p, code[1], code[2], 0, out)
    end
  elseif p.protocol == 6 then
    if node.tcp == "prohibited" then
      local code = PROHIBITED[p.version]
      refuse(self, trip, p, code[1], code[2], 0, out)
    elseif node.tcp ~= "filtered" then
      direct(function(host, probe, from, hops_back)
        return router.tcp(host, probe, from, hops_back, trip.bytes)
      end)
    end
  elseif node.echo ~= false then
    direct(router.echo)
  end
end

-- A queue that grows marks packets that say they bear it.
local function mark(self, trip)
  local tos = packet.tos(trip.bytes)
  if tos & 3 ~= 0 and self.random.unit() < trip.hops[trip.i].congested then
    trip.bytes = packet.with_tos(trip.bytes, tos | 3)
  end
end

-- Whether the link beyond the node is down.
local function is_down(outage, at)
  local since = at / S - (outage.from_s or 0)
  return since >= 0 and since % outage.every_s < outage.down_s
end

local PROTOCOL = { icmp = { 1, 58 }, udp = { 17 }, tcp = { 6 } }

local function is_of(p, rule)
  local of = PROTOCOL[rule.protocol]
  local port = rule.port and string.unpack(">I2", p.bytes, p.header + 3)
  return (not rule.protocol or p.protocol == of[1] or p.protocol == of[2])
    and (not rule.port or p.protocol ~= 1 and p.protocol ~= 58
      and port == rule.port)
end

local function action_of(firewall, p)
  for _, rule in ipairs(firewall) do
    if is_of(p, rule) then
      return rule.action or "drop"
    end
  end
  return "accept"
end

-- Whether a firewall lets no packet like this pass; what it says of it.
local function filter(self, trip, p, out)
  local node = trip.hops[trip.i]
  local action = action_of(node.firewall, p)
  if action == "prohibit" then
    local code = PROHIBITED[p.version]
    refuse(self, trip, p, code[1], code[2], 0, out)
  elseif action ~= "drop" and action ~= "accept" then
    local as = setmetatable({ tcp = action == "reset" and "closed" or "open" },
      { __index = node })
    answer(self, trip, p, false, function(_, hops_back)
      return router.tcp(as, p, p.target, hops_back, trip.bytes)
    end, out)
  end
  return action ~= "accept"
end

-- A node that is not a plain router; true where the packet goes no further.
local function stop(self, trip, p, out)
  local node = trip.hops[trip.i]
  if node.host or node.direct and node.own[trip.target] then
    arrive(self, trip, p, out)
    return true
  end
  local outage = node.outage and is_down(node.outage, trip.at)
    and node.outage
  local expires = trip.left <= 1
    and not (node.zero_ttl and trip.left == 1)
  if expires and not (outage and outage.early) then
    expire(self, trip, p, out)
    return true
  end
  if outage then
    if outage.type then
      refuse(self, trip, p, outage.type, outage.code, 0, out)
    end
    return true
  end
  if node.firewall and filter(self, trip, p, out) then
    return true
  end
  local reject = node.reject
  if reject and self.random.unit() < (reject.share or 1) then
    refuse(self, trip, p, reject.type, reject.code, reject.mtu or 0, out)
    return true
  end
  local after = trip.hops[trip.i + 1]
  if after and after.mtu and p.length > after.mtu then
    local code = TOO_BIG[p.version]
    if not node.black_hole then
      refuse(self, trip, p, code[1], code[2], after.mtu, out)
    end
    return true
  end
  if node.nat then
    trip.nats[#trip.nats + 1] = { nat = node.nat, before = trip.bytes }
    trip.bytes = nat.forward(node.nat, trip.bytes, p)
    trip.target = node.nat.target or trip.target
  end
  if node.set_tos then
    trip.bytes = packet.with_tos(trip.bytes, node.set_tos)
  end
  if node.congested then
    mark(self, trip)
  end
  if node.clears_ecn and p.protocol == 6 then
    trip.bytes = packet.with_tcp_flags(trip.bytes, p.header, 0x03f)
  end
  return false
end

local no_nats = {}

--- Takes a probe that leaves the prober.
-- @tparam string bytes from the IP header on
-- @tparam integer now_ns
-- @treturn {table,...} what comes back, each { at_ns, packet }
function Model:receive(bytes, now_ns)
  if self.changes[1] then
    change_path(self, now_ns)
  end
  local p, out = self.probe, {}
  packet.read(p, bytes)
  local hops = self.route(p)
  local trip = { hops = hops, bytes = bytes, target = p.target,
    nats = no_nats }
  local at, ttl = now_ns, p.ttl
  for i = 1, #hops do
    local node = hops[i]
    local cross = node.there
    if cross then
      at = cross(at, p.length)
      if not at then
        return out
      end
    else
      at = at + node.there_ns
    end
    local left = ttl - i + 1
    local after = hops[i + 1]
    if left <= 1 or node.stops or after and after.mtu then
      trip.i, trip.at, trip.left = i, at, left
      if node.nat and trip.nats == no_nats then
        trip.nats = {}
      end
      if stop(self, trip, p, out) then
        return out
      end
    end
  end
  return out
end

return M
