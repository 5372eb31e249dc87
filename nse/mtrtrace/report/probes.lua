-- SPDX-License-Identifier: BSD-2-Clause

--- Collects the probes of a trace's counted samples from its events, for
-- reports that show single probes. When a rate-limited sample replaces the
-- initial one of a hop, the probes of the initial sample are dropped. Pure.
-- @module mtrtrace.report.probes
local M = {}

local Probes = {}
Probes.__index = Probes

-- A hop holds what each flow sent there: its probes in their order.
local function hop_of(self, ttl)
  local hop = self.hops[ttl]
  if not hop then
    hop = { ttl = ttl, flows = {}, heard = {} }
    self.hops[ttl] = hop
  end
  return hop
end

local function sample_of(self, ttl, flow)
  local hop = hop_of(self, ttl)
  local sample = hop.flows[flow]
  if not sample then
    sample = { probes = {}, order = {}, open = 0, answered = 0 }
    hop.flows[flow] = sample
  end
  return sample
end

-- Outcomes by kind of event.
local TAKE = {}

TAKE.sent = function(sample, event, self)
  sample.order[#sample.order + 1] = event.probe
  sample.probes[event.probe] = { sent_ns = event.at_ns, number = self.sent }
  sample.open = sample.open + 1
end

local function close(sample, event)
  local probe = sample.probes[event.probe]
  if probe and not probe.done then
    probe.done = true
    sample.open = sample.open - 1
  end
  return probe
end

TAKE.reply = function(sample, event)
  local probe = close(sample, event)
  if probe then
    probe.event = event
    sample.answered = sample.answered + 1
  end
  return probe
end

TAKE.late = function(sample, event, self)
  local probe = TAKE.reply(sample, event)
  if probe then
    probe.late_by = self.sent - probe.number
  end
end

TAKE.timeout = close

-- An unreachable message is shown as in traceroute, with sender and code; the
-- message is no reply of the hop.
TAKE.unreachable = function(sample, event)
  local probe = close(sample, event)
  if probe then
    probe.event = event
  end
end

TAKE["send-error"] = function(sample, event)
  local probe = close(sample, event)
  if probe then
    probe.unsent = event.error or true
  end
end

-- Replies kept of each flow, as many as traceroute sends probes to a hop.
local HEARD_MOST = 3

local HEARD = { reply = true, late = true, unreachable = true }

-- Keeps replies to probes outside the sample, which are all replies where a
-- run ends before its sample starts.
local function hear(self, event, flow)
  local heard = hop_of(self, event.ttl).heard
  local list = heard[flow] or {}
  heard[flow] = list
  if #list < HEARD_MOST then
    list[#list + 1] = { event = event }
  end
end

--- Takes an event.
-- @tparam table event as trace:events() gives it
function Probes:event(event)
  local flow = #self.flows > 1 and event.flow or self.flows[1]
  self.sent = self.sent + (event.kind == "sent" and 1 or 0)
  if event.kind == "rate-limited" then
    hop_of(self, event.ttl).flows[flow] = nil
    sample_of(self, event.ttl, flow).rate_limited = true
  elseif event.kind == "path-changed" and event.ending then
    self.ends[flow] = event.ending ~= "unknown" and event.ttl or nil
  elseif event.class == "counted" and TAKE[event.kind] then
    TAKE[event.kind](sample_of(self, event.ttl, flow), event, self)
    if event.target and event.reply ~= "time-exceeded" then
      self.ends[flow] = math.min(self.ends[flow] or event.ttl, event.ttl)
    end
  elseif HEARD[event.kind] then
    hear(self, event, flow)
  end
end

--- The probes of a hop, in the order of the flows.
-- @tparam integer ttl
-- @tparam ?integer flow its number; nil for all
-- @treturn {table,...} { event: of its reply, sent_ns, unsent: why it could
--   not be sent, late_by: how many probes were sent until a late reply came };
--   none where the hop has no sample
function Probes:of(ttl, flow)
  local hop, list = self.hops[ttl] or { flows = {} }, {}
  for _, number in ipairs(flow and { flow } or self.flows) do
    local sample = hop.flows[number] or { order = {} }
    for _, probe in ipairs(sample.order) do
      list[#list + 1] = sample.probes[probe]
    end
  end
  return list
end

--- Returns the replies of a hop to probes outside the sample.
-- @tparam integer ttl
-- @tparam ?integer flow its number; nil for all
-- @treturn {table,...} as above, up to three of a flow
function Probes:heard(ttl, flow)
  local hop, list = self.hops[ttl] or { heard = {} }, {}
  for _, number in ipairs(flow and { flow } or self.flows) do
    table.move(hop.heard[number] or {}, 1, HEARD_MOST, #list + 1, list)
  end
  return list
end

--- The hop at a TTL; a new one where nothing was sent there.
-- @tparam integer ttl
-- @treturn table { ttl, flows: samples by the number of the flow, which have
--   `order`, `open`, `answered` and `rate_limited` }
function Probes:hop(ttl)
  return hop_of(self, ttl)
end

local function last_of(self, number, result)
  local last = result.hops[#result.hops]
  return math.min(self.ends[number] or math.huge, last and last.ttl or 0)
end

--- Returns the probes of a flow, hop by hop, to the end of its path.
-- @tparam table result of the flow alone: one of `each_flow`, or that of a
--   trace of one flow
-- @treturn {table,...} { ttl, probes as above }
function Probes:path(result)
  local number = #self.flows > 1 and result.flow or self.flows[1]
  local hops = {}
  for ttl = result.first_hop or 1, last_of(self, number, result) do
    local list = self:of(ttl, number)
    hops[#hops + 1] = { ttl = ttl,
      probes = #list > 0 and list or self:heard(ttl, number) }
  end
  return hops
end

--- Results of the flows of a trace, one each.
-- @tparam table result
-- @treturn {table,...}
function M.each_flow(result)
  return result.each_flow or { result }
end

--- Returns the responder with an address at a hop.
-- @tparam table result of the whole trace
-- @tparam integer ttl
-- @tparam string address
-- @treturn table a responder; an empty one where it is not listed
function M.responder(result, ttl, address)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.ttl == ttl and hop.responders or {}) do
      if responder.address == address then
        return responder
      end
    end
  end
  return {}
end

--- A round trip in milliseconds, to the microsecond.
-- @tparam ?integer rtt_ns
-- @treturn ?number
function M.ms(rtt_ns)
  return rtt_ns and (rtt_ns + 500) // 1000 / 1000
end

--- Returns an empty collection.
-- @tparam ?{integer,...} flows their numbers; one flow where nil
-- @treturn table with `flows`, and `hops` and `ends` by TTL and flow
function M.new(flows)
  return setmetatable({ flows = flows or { 0 }, hops = {}, ends = {},
    sent = 0 }, Probes)
end

return M
