-- SPDX-License-Identifier: BSD-2-Clause

--- The hop at which loss begins, from the last rounds together, as one round
-- has too few probes to show it. The sums of each hop's counts over the rounds
-- are judged like those of one trace. Pure.
-- @module mtrtrace.service.window
local replies = require "mtrtrace.verdict.replies"
local loss = require "mtrtrace.verdict.loss"

local M = {}

-- Rounds are kept until they have ENOUGH probes of each hop, with which
-- verdicts are not tentative.
local ENOUGH, MOST_ROUNDS = 60, 60

local Window = {}
Window.__index = Window

-- The values of a hop that verdicts use, without the responders.
local function part_of(hop)
  return { ttl = hop.ttl, sent = hop.sent, received = hop.received,
    lost = hop.lost or {}, replied = #hop.responders > 0,
    rate_limit = hop.rate_limit, sound = not replies.is_inconclusive(hop) }
end

local function probes_of(round)
  local most = 0
  for _, part in ipairs(round.parts) do
    most = math.max(most, part.sent)
  end
  return most
end

-- Drops the oldest rounds that are not needed.
local function trim(self)
  local sent, keep = 0, 0
  for i = #self.rounds, 1, -1 do
    if sent >= ENOUGH or keep >= MOST_ROUNDS then
      break
    end
    sent, keep = sent + self.rounds[i].probes, keep + 1
  end
  self.rounds = table.move(self.rounds, #self.rounds - keep + 1,
    #self.rounds, 1, {})
end

local ONE = { {} } -- verdicts on loss only test for a responder

local function add_part(hop, part, offset)
  hop.sent, hop.received = hop.sent + part.sent, hop.received + part.received
  for _, ordinal in ipairs(part.lost) do
    hop.lost[#hop.lost + 1] = ordinal + offset
  end
  hop.responders = part.replied and ONE or hop.responders
  hop.rate_limit = part.rate_limit or hop.rate_limit
  hop.silent = hop.silent and not part.replied
end

-- The rounds as one result.
local function merged(self)
  local by_ttl, hops, offset = {}, {}, 0
  local last = self.rounds[#self.rounds]
  for _, round in ipairs(self.rounds) do
    for _, part in ipairs(round.parts) do
      local hop = by_ttl[part.ttl]
      if not hop then
        hop = { ttl = part.ttl, sent = 0, received = 0, lost = {},
          responders = {}, silent = true, total_sent = 0 }
        by_ttl[part.ttl], hops[#hops + 1] = hop, hop
      end
      if part.sound then
        add_part(hop, part, offset)
      end
    end
    offset = offset + round.probes
  end
  table.sort(hops, function(a, b) return a.ttl < b.ttl end)
  local out = { hops = {}, target_ttl = self.target_ttl,
    reached = self.target_ttl ~= nil, ending = last and last.ending }
  for _, hop in ipairs(hops) do
    if not self.target_ttl or hop.ttl <= self.target_ttl then
      out.hops[#out.hops + 1] = hop
    end
  end
  return out
end

--- Adds a round. A change of the path drops all earlier rounds, which are no
-- evidence about the new path.
-- @tparam table result judged
-- @tparam boolean changed whether the path has changed since the last round
function Window:take(result, changed)
  local round = { parts = {}, ending = result.ending }
  for i, hop in ipairs(result.hops) do
    round.parts[i] = part_of(hop)
  end
  round.probes = probes_of(round)
  if changed then
    self.rounds, self.target_ttl = {}, nil
  end
  if round.probes > 0 then
    self.rounds[#self.rounds + 1] = round
  end
  self.target_ttl = result.reached and result.target_ttl or self.target_ttl
  trim(self)
end

--- The hop at which loss begins.
-- @treturn integer the likeliest TTL; 0 without loss
-- @treturn integer the first possible TTL
-- @treturn integer the last possible TTL
function Window:loss_begins()
  local result = merged(self)
  replies.mark(result.hops)
  for _, v in ipairs(loss.list(result)) do
    if v.kind == "loss" and not v.tentative then
      return v.hop, v.from or v.hop, v.to or v.hop
    end
  end
  return 0, 0, 0
end

--- Makes an empty window.
-- @treturn table
function M.new()
  return setmetatable({ rounds = {} }, Window)
end

return M
