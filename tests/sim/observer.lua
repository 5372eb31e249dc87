-- SPDX-License-Identifier: BSD-2-Clause
--- Probes a router of the simulated network as a trace and the direct probes
-- of the OS guess do, and reads its replies into the records that the engine
-- gives. Bytes go to the model and come from it; nothing is taken from the
-- router's description.
-- @module sim.observer
local build = require "sim.build"
local model = require "sim.model"
local packet = require "sim.packet"

local M = {}

local pack, unpack, sub, rep = string.pack, string.unpack, string.sub,
  string.rep

local S = 1000000000
local ROUTERS, HOP = 3, 2
local SIZES = { icmp = 64, udp = 40, tcp = 40 } -- of IPv4; IPv6 has 20 more
local HEADER = { [4] = 20, [6] = 40 }

local function ip_of(self, ttl, target, i, df)
  return { version = self.family, source = packet.address(self.world.prober),
    target = packet.address(target), ttl = ttl, tos = 0,
    id = (i * 4099 + 77) % 65536, df = df }
end

-- Checksums of TCP and UDP are not looked at by the model.
local MAKE = {
  icmp = function(ip, i, size, more)
    return packet.icmp(ip, ip.version == 4 and 8 or 128, more.code or 0,
      7 << 16 | i, rep("x", size - 8))
  end,
  udp = function(ip, i, size)
    return packet.ip(ip, 17, pack(">I2I2I2I2", 33000, 33434 + i, size, 0)
      .. rep("x", size - 8))
  end,
  tcp = function(ip, i, _, more)
    return packet.ip(ip, 6, pack(">I2I2I4I4BBI2I2I2", 33000, 33434 + i,
      1000 + i, 2000, 0x50, more.flags, 1024, 0, 0))
  end,
}

-- ---- replies to records ----------------------------------------------------

local UNREACHABLE = { [4] = 3, [6] = 1 }
local EXCEEDED = { [4] = 11, [6] = 3 }
local ECHO = { [4] = 0, [6] = 129 }

local function kind_of(p, type)
  local v = p.version
  return type == EXCEEDED[v] and "time-exceeded" or type == ECHO[v]
    and "echo-reply" or type == UNREACHABLE[v] and "unreachable" or nil
end

-- RFC 4884: how long the quote is, where extensions follow it.
local function quote_length(p, length)
  local at = p.header + (p.version == 4 and 6 or 5)
  local words = unpack("B", p.bytes, at)
  return words > 0 and words * (p.version == 4 and 4 or 8) or length,
    words > 0
end

local function name_of(object)
  return (unpack(">s1", "\0" .. object) and sub(object, 2, object:byte() )
    :gsub("\0", ""))
end

local READ = {
  [1] = function(out, _, body)
    for at = 1, #body - 3, 4 do
      local word = unpack(">I4", body, at)
      table.insert(out.mpls, { label = word >> 12, tc = word >> 9 & 7,
        bottom = word >> 8 & 1 == 1, ttl = word & 255 })
    end
  end,
  [2] = function(out, _, body)
    table.insert(out.interfaces, { role = "incoming",
      name = name_of(body) })
  end,
}

local function extensions_of(bytes)
  local out = { checksum = "ok", compliant = true, mpls = {},
    interfaces = {}, unknown = {} }
  local at = 5
  while at + 3 <= #bytes do
    local length, class, kind = unpack(">I2BB", bytes, at)
    READ[class](out, kind, sub(bytes, at + 4, at + length - 1))
    at = at + length
  end
  return out
end

local function add_quote(record, p)
  local body = sub(p.bytes, p.header + 9)
  local length, extended = quote_length(p, #body)
  record.quoted = length
  record.quoted_ttl = body:byte(p.version == 4 and 9 or 8)
  if p.version == 4 then
    record.quoted_size, record.quoted_id = unpack(">I2I2", body, 3)
    record.quoted_checksum_ok =
      packet.checksum(packet.sum(sub(body, 1, 20))) == 0
  end
  if extended then
    record.extensions = extensions_of(sub(body, length + 1))
  end
end

local function add_reply(record, bytes)
  local p = {}
  packet.read(p, bytes)
  record.reply_ttl, record.tos, record.size = p.ttl, p.tos, p.length
  if p.version == 4 then
    record.df, record.ip_id = p.df, p.id
  end
  if p.protocol == 6 then
    local flags = bytes:byte(p.header + 14)
    record.kind = flags & 4 == 0 and "syn-ack"
      or flags & 16 ~= 0 and "rst" or "bare-rst"
    return
  end
  record.type, record.code = bytes:byte(p.header + 1, p.header + 2)
  record.kind = kind_of(p, record.type)
  if record.kind ~= "echo-reply" then
    add_quote(record, p)
  end
end

-- ---- probes ----------------------------------------------------------------

local function ask(self, probe, protocol, ttl, target, more)
  self.index, self.now = self.index + 1, self.now + S // 50
  local i = self.index
  local ip = ip_of(self, ttl, target, i, more.df or false)
  local bytes = MAKE[protocol](ip, i, SIZES[protocol] - 20, more)
  for _, reply in ipairs(self.model:receive(bytes, self.now)) do
    local record = { probe = probe, protocol = protocol, index = i,
      at = reply.at_ns / S, sent_ttl = ttl, sent_tos = 0,
      sent_size = #bytes }
    if self.family == 4 then
      record.sent_df, record.sent_id = ip.df, ip.id
      record.sent_code = protocol == "icmp" and more.code or nil
    end
    add_reply(record, reply.packet)
    table.insert(self.answers, record)
  end
end

local function ask_directly(self, address, mode)
  for i = 1, 3 do
    ask(self, "echo", "icmp", 64, address, { df = i == 2,
      code = self.family == 4 and i == 3 and 9 or 0 })
    if mode == "active" then
      ask(self, "udp", "udp", 64, address, {})
      ask(self, "tcp", "tcp", 64, address, { flags = 0x10 })
    end
  end
end

--- What a trace through a router, and direct probes to it, bring to light.
-- @tparam table router fields of its node, see sim.world
-- @tparam integer family 4 or 6
-- @tparam string mode "passive", "echo" or "active"
-- @tparam string protocol of the trace
-- @treturn table a subject for mtrtrace.os.judge
function M.observe(router, family, mode, protocol)
  local world = build.line(ROUTERS, { version = family,
    nodes = { ["r" .. HOP] = router } })
  local self = { family = family, world = world, answers = {}, index = 0,
    now = 0, model = model.new(world, 1) }
  local address = router.address or build.router(HOP, family)
  for _ = 1, 5 do
    ask(self, "trace", protocol, HOP, world.target, { flags = 2,
      df = true })
  end
  if mode ~= "passive" then
    ask_directly(self, address, mode)
  end
  return { address = address, family = family, target = false,
    ttl = #self.answers > 0 and { HOP } or {}, answers = self.answers,
    header = HEADER[family] }
end

return M
