-- SPDX-License-Identifier: BSD-2-Clause

--- Judges the result of a trace: adds verdicts, each with one line of text and
-- the numbers it rests on. No verdict claims more than round trips can show,
-- and a path without problems gets none. Pure; the rules of each subject are
-- in mtrtrace.verdict.*, the keys in mtrtrace.verdict.keys.
-- @module mtrtrace.verdict.trace
local replies = require "mtrtrace.verdict.replies"
local balance = require "mtrtrace.verdict.balance"
local errors = require "mtrtrace.verdict.errors"
local latency = require "mtrtrace.verdict.latency"
local loop = require "mtrtrace.verdict.loop"
local loss = require "mtrtrace.verdict.loss"
local path = require "mtrtrace.verdict.path"

local M = {}

--- The kinds, the most important first.
M.KINDS = {
  "routing_loop", "unreachable", "invalid_too_big", "loss", "branch_loss",
  "cannot_tell", "path_changed",
  "return_path_changed", "latency_rise", "branch_latency",
  "balanced_per_packet", "balanced_per_flow", "meshed", "congestion",
  "nat", "dscp", "ecn", "ecn_negotiation", "zero_ttl", "slow_to_answer",
  "rate_limited", "stopped", "no_token", "silent", "silent_branch", "tunnel",
  "hidden_tunnel", "longer_way_back",
}

local SUBJECTS = { loop, errors, loss, path, latency, balance, replies }

local RANK = {}
for i, kind in ipairs(M.KINDS) do
  RANK[kind] = i
end

local function in_order(a, b)
  if RANK[a.kind] ~= RANK[b.kind] then
    return RANK[a.kind] < RANK[b.kind]
  elseif (a.at or 0) ~= (b.at or 0) then
    return (a.at or 0) < (b.at or 0)
  end
  local one, two = a.hop or a.from, b.hop or b.from
  return one < two or one == two and a.place < b.place
end

--- Puts verdicts in order, the most important first.
-- @tparam {table,...} list sorted in place
-- @treturn {table,...} the same
function M.sort(list)
  for i, v in ipairs(list) do
    v.place = i
  end
  table.sort(list, in_order)
  for _, v in ipairs(list) do
    v.place = nil
  end
  return list
end

--- Judges a result and marks its hops: `rate_limited`, true for a hop with
-- that verdict; `better_beyond`, the TTL of a hop beyond whose replies show
-- that probes unanswered at this hop are not loss on the path.
-- @tparam table result as given by trace:result(); gets `verdicts`
-- @treturn table the same
function M.judge(result)
  replies.mark(result.hops)
  local list = {}
  for _, subject in ipairs(SUBJECTS) do
    for _, verdict in ipairs(subject.list(result)) do
      list[#list + 1] = verdict
    end
  end
  replies.mark_unexplained(result.hops, list)
  result.verdicts = M.sort(list)
  return result
end

local function lost_any(hops)
  for _, hop in ipairs(hops) do
    if hop.sent ~= hop.received or hop.rate_limit then
      return true
    end
  end
end

--- Marks the hops of a result as `judge` does, without verdicts. Does nothing
-- for a result without losses.
-- @tparam table result as given by trace:result(); changed in place
-- @treturn table the same, without `verdicts`
function M.mark(result)
  if lost_any(result.hops) then
    M.judge(result).verdicts = nil
  end
  return result
end

return M
