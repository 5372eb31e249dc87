-- SPDX-License-Identifier: BSD-2-Clause

--- Collects the single RTTs of a trace from its events, in the order of the
-- probes: the same RTTs from which the trace's figures are computed. Memory is
-- bounded for runs of any length. Pure.
-- @module mtrtrace.diff.samples
local M = {}

local Samples = {}
Samples.__index = Samples

--- RTTs kept of each responder; at this number every second one is dropped.
M.MOST = 2048

local function list_of(self, event)
  local flows = self.hops[event.ttl] or {}
  self.hops[event.ttl] = flows
  local flow = flows[event.flow or 0] or {}
  flows[event.flow or 0] = flow
  local list = flow[event.from] or { stride = 1, seen = 0 }
  flow[event.from] = list
  return list
end

local function thin(list)
  local kept = 0
  for i = 1, #list, 2 do
    kept = kept + 1
    list[kept] = list[i]
  end
  for i = #list, kept + 1, -1 do
    list[i] = nil
  end
  list.stride = list.stride * 2
end

--- Takes an event of a trace.
-- @tparam table event as trace:events() gives it
function Samples:add(event)
  local flows = self.hops[event.ttl]
  if event.kind == "rate-limited" then
    -- A rate-limited sample replaces the initial one, whose RTTs are dropped.
    if flows then
      flows[event.flow or 0] = nil
    end
  elseif event.kind == "reply" and event.class == "counted"
    and event.rtt_ns and event.from and not event.late then
    local list = list_of(self, event)
    if list.seen % list.stride == 0 then
      list[#list + 1] = event.rtt_ns / 1e6
    end
    list.seen = list.seen + 1
    if #list >= M.MOST then
      thin(list)
    end
  end
end

--- Returns the collected RTTs.
-- @treturn table by TTL and address: arrays of ms, of several flows one flow
--   after the other
function Samples:take()
  local out = {}
  for ttl, flows in pairs(self.hops) do
    local numbers = {}
    out[ttl] = {}
    for number in pairs(flows) do
      numbers[#numbers + 1] = number
    end
    table.sort(numbers)
    for _, number in ipairs(numbers) do
      for ip, list in pairs(flows[number]) do
        local into = out[ttl][ip] or {}
        out[ttl][ip] = table.move(list, 1, #list, #into + 1, into)
      end
    end
  end
  return out
end

--- An empty collection.
-- @treturn table
function M.new()
  return setmetatable({ hops = {} }, Samples)
end

return M
