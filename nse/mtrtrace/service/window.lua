-- SPDX-License-Identifier: BSD-2-Clause

--- Where loss begins, by several rounds together: one round of a few probes
-- shows it too seldom. Counts of each hop over the last rounds are judged as
-- those of one trace are. Pure.
-- @module mtrtrace.service.window
local replies = require "mtrtrace.verdict.replies"
local loss = require "mtrtrace.verdict.loss"

local M = {}

-- Rounds are kept until so many probes of each hop are in them, of which
-- verdicts are no longer tentative.
local ENOUGH, MOST_ROUNDS = 60, 60

local Window = {}
Window.__index = Window

-- What of a hop's round the verdicts look at; its responders are not kept.
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

-- Forgets the oldest rounds that are not needed.
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

local ONE = { {} } -- verdicts on loss ask only whether there is a responder

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

--- Adds a round. Rounds before a change of the path say nothing about the new
-- one.
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

--- Where loss begins.
-- @treturn integer TTL, 0: no loss is found
-- @treturn integer first TTL that is possible
-- @treturn integer last TTL that is possible
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

--- Begins.
-- @treturn table
function M.new()
  return setmetatable({ rounds = {} }, Window)
end

return M
