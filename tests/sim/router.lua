-- SPDX-License-Identifier: BSD-2-Clause
--- A node of the simulated network, router or host: whether, when and with
-- what bytes it answers a probe. Where the probe and the answer travel is
-- the model's business.
-- @module sim.router
local bucket = require "sim.bucket"
local forged = require "sim.forged"
local link = require "sim.link"
local packet = require "sim.packet"
local quote = require "sim.quote"
local services = require "sim.services"

local M = {}

local unpack, sub = string.unpack, string.sub

local function copy_of(t)
  local copy = {}
  for key, value in pairs(t) do
    copy[key] = value
  end
  return copy
end

local function addresses_of(spec)
  local from = spec.from or spec.address
  if type(from) == "string" then
    from = { from }
  end
  local list = {}
  for i, text in ipairs(from) do
    list[i] = packet.address(text)
  end
  return list
end

-- The addresses that a host takes packets for.
local function own_addresses(node, also)
  local own = { [node.bytes] = true }
  for _, text in ipairs(also or {}) do
    own[packet.address(text)] = true
  end
  return own
end

local function compile_nat(nat)
  if not nat then
    return nil
  end
  local compiled = copy_of(nat)
  compiled.source = nat.source and packet.address(nat.source)
  compiled.target = nat.target and packet.address(nat.target)
  return compiled
end

--- Makes a node ready to run.
-- @tparam table spec a checked node of a world
-- @tparam table random
-- @treturn table
function M.new(spec, random)
  local node = copy_of(spec)
  local wire = spec.link or {}
  node.bytes = packet.address(spec.address)
  node.version = #node.bytes == 4 and 4 or 6
  node.sources = addresses_of(spec)
  node.own = own_addresses(node, spec.also)
  node.there_ns, node.there = link.new(wire, "forward", random)
  node.back_ns, node.back = link.new(wire, "back", random)
  node.mtu = wire.mtu
  node.answer_ns, node.answer_jitter = link.delay(spec.answer_ms, random)
  node.take_token = spec.rate_limit and bucket.new(spec.rate_limit, random)
  node.nat = compile_nat(spec.nat)
  node.ttl = spec.ttl or 64
  node.next_id = random.whole(1, 60000)
  node.counts, node.replies = { n = 0 }, spec.replies or {}
  node.random = random
  -- What the model looks at before it lets a packet pass.
  node.stops = spec.host or spec.outage or spec.reject or node.mtu or node.nat
    or spec.set_tos or spec.firewall or spec.congested or spec.clears_ecn
    or spec.direct
  return node
end

-- What answers of a kind have of their own, else what all have.
local function of_kind(node, kind, key)
  local own = node.replies[kind]
  local value = own and own[key]
  if value == nil then
    return node[key]
  end
  return value
end

-- One counter for all kinds of answers, or one each, far apart.
local function counted(node, kind)
  local counter = node.counters == "apart" and kind or "all"
  local at = node.counts[counter]
  if not at then
    at = (node.next_id + 9973 * node.counts.n) % 65536
    node.counts.n = node.counts.n + 1
  end
  node.counts[counter] = at % 65535 + 1
  return node.counts[counter]
end

local function next_id(node, p, kind, class)
  if class == "zero" then
    return 0
  elseif class == "random" then
    return node.random.whole(0, 65535)
  elseif class == "echo" then
    return p.id
  end
  return counted(node, kind)
end

local function tos_of(node, p, kind)
  local tos = of_kind(node, kind, "tos") or "linux"
  if tos == "linux" then
    return p.tos & 0x1e | 0xc0
  end
  return tos == "copy" and p.tos or tos
end

-- Reused: nothing keeps it beyond the building of one packet.
local outer = {}

local function header(node, p, source, hops_back, tos, kind)
  local ttl, df = of_kind(node, kind, "ttl"), of_kind(node, kind, "df")
  outer.version, outer.source, outer.target = p.version, source, p.source
  outer.ttl = ttl > hops_back and ttl - hops_back or 1
  outer.tos = tos
  outer.id = next_id(node, p, kind, of_kind(node, kind, "ip_id"))
  outer.df = df == "reflect" and p.df or df == true
  return outer
end

local function source_of(node)
  local sources = node.sources
  return sources[2] and node.random.pick(sources) or sources[1]
end

local EXCEEDED = { [4] = 11, [6] = 3 }

--- An ICMP error about the probe.
-- @tparam table node
-- @tparam table p the probe at the prober, see packet.read
-- @tparam string quoted the probe as the quote shows it
-- @tparam integer hops_back routers on the way back
-- @tparam integer type
-- @tparam integer code
-- @tparam integer rest second word of the header, e.g. an MTU
-- @tparam ?string source address that a NAT gives the answer
-- @treturn string
function M.error(node, p, quoted, hops_back, type, code, rest, source)
  local body, more = quote.build(node, quoted, p.version)
  local kind = type == EXCEEDED[p.version] and "exceeded" or "unreachable"
  local ip = header(node, p, source or source_of(node), hops_back,
    tos_of(node, p, kind), kind)
  return packet.icmp(ip, type, code, rest + more, body)
end

--- The echo reply of a host. `source` is the address that was asked.
function M.echo(node, p, source, hops_back)
  local at = p.header
  local ident, seq = unpack(">I2I2", p.bytes, at + 5)
  local ip = header(node, p, source, hops_back, p.tos, "echo")
  local code = of_kind(node, "echo", "code") == "zero" and 0
    or p.bytes:byte(at + 2)
  return packet.icmp(ip, p.version == 4 and 0 or 129, code, ident << 16 | seq,
    sub(p.bytes, at + 9))
end

local FLAGS = { open = 0x12, closed = 0x14, reset = 0x04 }

-- What a host says to the ECN flags of a SYN that has come with this TOS
-- (RFC 3168 section 6.1.1, RFC 9768 table 2): Linux accepts no ECT on a SYN.
local ACCURATE = { [0] = 0x080, 0x0c0, 0x100, 0x180 }
local ECN = {
  no = function() return 0 end,
  yes = function(flags, tos)
    return flags & 0xc0 == 0xc0 and tos & 3 == 0 and 0x40 or 0
  end,
  accecn = function(flags, tos)
    return flags & 0x1c0 == 0x1c0 and ACCURATE[tos & 3]
      or flags & 0x1c0 == 0xc0 and 0x40 or 0
  end,
  reflect = function(flags) return flags & 0x1c0 end,
}

--- The answer of a host to a SYN, or to an ACK that belongs to nothing.
-- `arrived`: its bytes as they came.
function M.tcp(node, p, source, hops_back, arrived)
  local sport, dport, seq, acked, offset = unpack(">I2I2I4I4B", p.bytes,
    p.header + 1)
  local flags = unpack(">I2", arrived, p.header + 13) & 0x1ff
  local data = p.length - p.header - (offset >> 4) * 4
  local ip = header(node, p, source, hops_back, 0, "tcp")
  if flags & 0x10 ~= 0 then
    return packet.tcp(ip, { source_port = dport, target_port = sport,
      seq = acked, ack = 0, flags = FLAGS.reset })
  end
  local kind = node.tcp or "open"
  local has_ack = kind ~= "reset"
  local ack = seq + 1 + (kind == "closed" and data or 0) & 0xffffffff
  return packet.tcp(ip, { source_port = dport, target_port = sport,
    seq = has_ack and node.random.whole(0, 0xffffffff) or 0,
    ack = has_ack and ack or 0, flags = FLAGS[kind] | (kind == "open"
      and ECN[node.ecn or "no"](flags, packet.tos(arrived)) or 0),
    window = kind == "open" and 65535 or 0 })
end

local function service_reply(node, p)
  return services.reply(node.service, sub(p.bytes, p.header + 9))
end

--- Whether a host's UDP service answers the probe.
function M.serves(node, p)
  return service_reply(node, p) ~= nil
end

--- The answer of a host's UDP service.
function M.service(node, p, source, hops_back)
  local payload = service_reply(node, p)
  local sport, dport = unpack(">I2I2", p.bytes, p.header + 1)
  local ip = header(node, p, source, hops_back, 0, "udp")
  return packet.udp(ip, dport, sport, payload)
end

--- What the node says that is not true, as packets.
-- @treturn {string,...}
function M.forged(node, p, quoted, hops_back)
  local list = {}
  for _, name in ipairs(node.forged) do
    local ip = header(node, p, node.sources[1], hops_back, 0, "forged")
    list[#list + 1] = forged.kinds[name](ip, p, quoted)
  end
  return list
end

--- Whether and when an answer leaves the node.
-- @tparam table node
-- @tparam table p
-- @tparam integer at when the probe arrived
-- @tparam boolean rate_limited ICMP errors are
-- @treturn ?integer nil for no answer
function M.answer_at(node, p, at, rate_limited)
  if node.answers and node.random.unit() >= node.answers then
    return nil
  end
  if rate_limited and node.take_token and not node.take_token(at, p.source,
    p.target) then
    return nil
  end
  at = at + node.answer_ns
  if node.answer_jitter then
    at = at + node.answer_jitter()
  end
  local late = node.late
  if late and node.random.unit() < late.share then
    local base, more = link.delay(late.delay_ms, node.random)
    at = at + base + (more and more() or 0)
  end
  return at
end

--- When copies of an answer leave, behind the answer itself.
-- @treturn {integer,...}
function M.copies(node, at)
  local times, duplicate = {}, node.duplicate
  if duplicate and node.random.unit() < duplicate.share then
    for i = 1, duplicate.copies or 1 do
      local base, more = link.delay(duplicate.delay_ms or 0.05, node.random)
      at = at + base + (more and more() or 0)
      times[i] = at
    end
  end
  return times
end

return M
