-- SPDX-License-Identifier: BSD-2-Clause

--- The newest counted probes of each hop in order, for graphs; memory is
-- bounded. Pure: fed with events.
-- @module mtrtrace.screen.history
local probe_key = require "mtrtrace.base.probe_key"

local M = {}

local key_of = probe_key.of

--- Probes kept for each hop.
M.LENGTH = 600

local History = {}
History.__index = History

local function hop_of(self, ttl)
  local hop = self.hops[ttl]
  if not hop then
    hop = { count = 0, rtt = {}, place = {}, probe = {}, at = {} }
    self.hops[ttl] = hop
  end
  return hop
end

local function sent(hop, event)
  hop.count = hop.count + 1
  local at = (hop.count - 1) % M.LENGTH + 1
  if hop.probe[at] then
    hop.place[hop.probe[at]] = nil
  end
  hop.place[key_of(event)], hop.probe[at] = at, key_of(event)
  hop.rtt[at], hop.at[at] = nil, event.at_ns
end

-- Outcomes of probes. A send error is neither a reply nor loss, so the place
-- of the probe stays empty.
local OUTCOMES = {
  reply = function(event) return event.rtt_ns and event.rtt_ns / 1e6 end,
  late = function(event) return event.rtt_ns and event.rtt_ns / 1e6 end,
  timeout = function() return false end,
  unreachable = function() return false end,
}

--- Takes an event of a trace.
-- @tparam table event as trace:events() gives it
function History:add(event)
  if event.kind == "rate-limited" then -- what came before counts no more
    self.hops[event.ttl] = nil
  end
  if event.class ~= "counted" then
    return
  end
  local hop = hop_of(self, event.ttl)
  if event.kind == "sent" then
    sent(hop, event)
  elseif OUTCOMES[event.kind] and hop.place[key_of(event)] then
    hop.rtt[hop.place[key_of(event)]] = OUTCOMES[event.kind](event)
  end
end

--- Returns the newest probes of a hop, the oldest of them first.
-- @tparam integer ttl
-- @tparam integer most the largest number of probes
-- @treturn {?number|boolean,...} RTTs in ms; false for a lost probe, nil while
--   the outcome is unknown, so use the second value as the length
-- @treturn integer number of probes
function History:last(ttl, most)
  local hop, out = self.hops[ttl], {}
  local length = hop and math.min(most, hop.count, M.LENGTH) or 0
  for i = 1, length do
    out[i] = hop.rtt[(hop.count - length + i - 1) % M.LENGTH + 1]
  end
  return out, length
end

--- Returns when the oldest of a hop's newest probes was sent.
-- @tparam integer ttl
-- @tparam integer most the largest number of probes
-- @treturn ?integer ns since the trace began
function History:since(ttl, most)
  local hop = self.hops[ttl]
  local length = hop and math.min(most, hop.count, M.LENGTH) or 0
  return length > 0 and hop.at[(hop.count - length) % M.LENGTH + 1] or nil
end

--- Returns an empty history.
-- @treturn table
function M.new()
  return setmetatable({ hops = {} }, History)
end

return M
