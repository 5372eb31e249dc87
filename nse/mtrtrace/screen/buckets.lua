-- SPDX-License-Identifier: BSD-2-Clause

--- Counted probes of each hop by send time, in buckets of some seconds.
-- Buckets get longer with the run, so memory is bounded. Pure: fed with
-- events.
-- @module mtrtrace.screen.buckets
local probe_key = require "mtrtrace.base.probe_key"

local M = {}

local key_of = probe_key.of

local Buckets = {}
Buckets.__index = Buckets

-- Initial length of a bucket, and the number of buckets from which pairs of
-- buckets are merged.
local LENGTH_NS, MOST = 1000000000, 1024

-- Largest number of probes in flight that are kept for a hop.
local MOST_OPEN = 4096

local function hop_of(self, ttl)
  local hop = self.hops[ttl]
  if not hop then
    hop = { list = {}, open = {}, count = 0 }
    self.hops[ttl] = hop
  end
  return hop
end

local function merge(hop)
  local merged = {}
  for i, from in pairs(hop.list) do
    local into = merged[i // 2] or { sent = 0, answered = 0, timed = 0,
      sum = 0 }
    for key, value in pairs(from) do
      into[key] = into[key] + value
    end
    merged[i // 2] = into
  end
  hop.list = merged
end

local function bucket_of(self, hop, at_ns)
  while at_ns // self.length_ns >= MOST do
    self.length_ns = self.length_ns * 2
    for _, other in pairs(self.hops) do
      merge(other)
    end
  end
  local i = at_ns // self.length_ns
  hop.list[i] = hop.list[i] or { sent = 0, answered = 0, timed = 0, sum = 0 }
  return hop.list[i]
end

local function finish(self, hop, event, answered)
  local at_ns = hop.open[key_of(event)]
  if not at_ns then
    return
  end
  hop.open[key_of(event)], hop.count = nil, hop.count - 1
  local bucket = bucket_of(self, hop, at_ns)
  bucket.sent = bucket.sent + 1
  bucket.answered = bucket.answered + (answered and 1 or 0)
  if answered and event.rtt_ns and event.kind == "reply" then
    bucket.timed, bucket.sum = bucket.timed + 1,
      bucket.sum + event.rtt_ns / 1e6
  end
end

local ANSWERED = { reply = true, late = true, timeout = false,
  unreachable = false }

--- Takes an event of a trace.
-- @tparam table event as trace:events() gives it
function Buckets:add(event)
  if event.kind == "rate-limited" then -- what came before counts no more
    self.hops[event.ttl] = nil
  elseif event.class == "counted" and event.probe then
    local hop = hop_of(self, event.ttl)
    if event.kind == "sent" and hop.count < MOST_OPEN then
      hop.open[key_of(event)], hop.count = event.at_ns, hop.count + 1
    elseif ANSWERED[event.kind] ~= nil then
      finish(self, hop, event, ANSWERED[event.kind])
    end
  end
end

--- Returns loss and mean RTT of the probes sent in a period, to the resolution
-- of a bucket.
-- @tparam integer ttl
-- @tparam number from_s seconds since the trace began
-- @tparam number to_s
-- @treturn ?table { sent, loss: 0 to 1, avg_ms }; nil where none was sent
function Buckets:between(ttl, from_s, to_s)
  local hop, sent, answered, timed, sum = self.hops[ttl], 0, 0, 0, 0
  for i, bucket in pairs(hop and hop.list or {}) do
    local middle_s = (i + 0.5) * self.length_ns / 1e9
    if middle_s >= from_s and middle_s < to_s then
      sent, answered = sent + bucket.sent, answered + bucket.answered
      timed, sum = timed + bucket.timed, sum + bucket.sum
    end
  end
  return sent > 0 and { sent = sent, loss = (sent - answered) / sent,
    avg_ms = timed > 0 and sum / timed or nil } or nil
end

--- Returns empty buckets.
-- @treturn table
function M.new()
  return setmetatable({ hops = {}, length_ns = LENGTH_NS }, Buckets)
end

return M
