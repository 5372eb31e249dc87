-- SPDX-License-Identifier: BSD-2-Clause
--- Direct questions in a simulation: each address that answers a trace is
-- asked once, as the prober does it, by the engine's own asks.
-- @module sim.asking
local random = require "sim.random"

local M = {}

local Asking = {}
Asking.__index = Asking

local function source_of(bytes)
  if bytes:byte() >> 4 == 4 then
    return ("%d.%d.%d.%d"):format(bytes:byte(13, 16))
  end
  return ("%x:%x:%x:%x:%x:%x:%x:%x"):format(string.unpack(
    ">I2I2I2I2I2I2I2I2", bytes, 9))
end

-- A trace that has ended samples nobody.
local function sampled(entry)
  for trace in pairs(entry.traces) do
    if not trace.ended_ns then
      return true
    end
  end
  return false
end

--- An answer to a trace has come.
-- @tparam string bytes of the answer
-- @tparam table trace
-- @tparam integer now
function Asking:heard(bytes, trace, now)
  local address = source_of(bytes)
  local entry = self.by_address[address]
  if not entry then
    local r = self.random
    entry = { traces = {}, probes = 0, engine = self.pace:ask {
      source = self.source, target = address, active = self.active,
      ident = r.whole(0, 65535), first_id = r.whole(0, 65535),
      cookie = r.whole(1, 0xffffffff), now_ns = now,
    } }
    self.by_address[address] = entry
    self.list[#self.list + 1] = entry
  end
  entry.traces[trace] = true
end

--- Sends what is due.
-- @tparam function send gets the probe and the entry, whose engine takes
--   replies like a trace's
-- @tparam integer now
-- @treturn integer when to be called again
function Asking:turn(send, now)
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

--- What was answered.
-- @treturn table by address { probes_sent, answers, probes }
function Asking:results()
  local out = {}
  for address, entry in pairs(self.by_address) do
    out[address] = entry.engine:result()
    out[address].probes = entry.probes
  end
  return out
end

--- Makes the asking part of a simulation.
-- @tparam table pace of the simulation
-- @tparam string mode "echo" or "active"
-- @tparam string source address of the prober
-- @tparam integer seed
-- @treturn table
function M.new(pace, mode, source, seed)
  return setmetatable({ pace = pace, active = mode == "active",
    source = source, random = random.new(seed), by_address = {},
    list = {} }, Asking)
end

return M
