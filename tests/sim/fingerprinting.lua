-- SPDX-License-Identifier: BSD-2-Clause
--- Fingerprinting in a simulation: the engine's fingerprinting probes go once
-- to each address that replies to a trace, as in the prober.
-- @module sim.fingerprinting
local random = require "sim.random"

local M = {}

local Fingerprinting = {}
Fingerprinting.__index = Fingerprinting

local function source_of(bytes)
  if bytes:byte() >> 4 == 4 then
    return ("%d.%d.%d.%d"):format(bytes:byte(13, 16))
  end
  return ("%x:%x:%x:%x:%x:%x:%x:%x"):format(string.unpack(
    ">I2I2I2I2I2I2I2I2", bytes, 9))
end

-- Whether an unfinished trace samples the address.
local function sampled(entry)
  for trace in pairs(entry.traces) do
    if not trace.ended_ns then
      return true
    end
  end
  return false
end

--- Takes a reply to a trace.
-- @tparam string bytes of the reply
-- @tparam table trace
-- @tparam integer now
function Fingerprinting:heard(bytes, trace, now)
  local address = source_of(bytes)
  local entry = self.by_address[address]
  if not entry then
    local r = self.random
    entry = { traces = {}, probes = 0, engine = self.pace:fingerprint {
      source = self.source, target = address, active = self.active,
      ident = r.whole(0, 65535), first_id = r.whole(0, 65535),
      cookie = r.whole(1, 0xffffffff), now_ns = now,
    } }
    self.by_address[address] = entry
    self.list[#self.list + 1] = entry
  end
  entry.traces[trace] = true
end

--- Sends the probes that are due.
-- @tparam function send called with the probe and the entry, whose engine
--   takes replies like that of a trace
-- @tparam integer now
-- @treturn integer when to be called again
function Fingerprinting:turn(send, now)
  local due = math.maxinteger
  for _, entry in ipairs(self.list) do
    local bytes, at = entry.engine:turn(now, sampled(entry))
    while bytes do
      entry.probes = entry.probes + 1
      send(bytes, entry)
      bytes, at = entry.engine:turn(now, sampled(entry))
    end
    due = at and at < due and at or due
  end
  return due
end

--- The replies.
-- @treturn table by address { probes_sent, answers, probes }
function Fingerprinting:results()
  local out = {}
  for address, entry in pairs(self.by_address) do
    out[address] = entry.engine:result()
    out[address].probes = entry.probes
  end
  return out
end

--- Makes the fingerprinting part of a simulation.
-- @tparam table pace of the simulation
-- @tparam string mode "echo" or "active"
-- @tparam string source address of the prober
-- @tparam integer seed
-- @treturn table
function M.new(pace, mode, source, seed)
  return setmetatable({ pace = pace, active = mode == "active",
    source = source, random = random.new(seed), by_address = {},
    list = {} }, Fingerprinting)
end

return M
