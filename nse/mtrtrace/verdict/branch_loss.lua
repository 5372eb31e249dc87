-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on loss that affects some flows only, and the branch that these
-- flows have in common. A verdict requires that the flows through a branch,
-- taken together, have loss that begins on it (by mtrtrace.verdict.loss), and
-- significantly more loss than the other flows. Pure.
-- @module mtrtrace.verdict.branch_loss
local replies = require "mtrtrace.verdict.replies"
local branches = require "mtrtrace.verdict.branches"
local format = require "mtrtrace.base.format"
local loss = require "mtrtrace.base.proportion"
local verdict_loss = require "mtrtrace.verdict.loss"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Fewest probes on either side for a comparison.
local ENOUGH = 30

local function by_ttl(points, first)
  local out = {}
  for _, point in ipairs(points) do
    if point.hop.ttl >= first then
      out[point.hop.ttl] = point
    end
  end
  return out
end

-- Probes lost from a TTL on, at the hops whose losses are reliable for both
-- sides.
local function counts(within, without, first)
  local one, two = by_ttl(verdict_loss.points(within), first),
    by_ttl(verdict_loss.points(without), first)
  local c = { lost = 0, sent = 0, lost_others = 0, sent_others = 0,
    hops = 0, ttls = {} }
  for ttl, point in pairs(one) do
    local other = two[ttl]
    if other then
      c.ttls[ttl] = { point.lost, point.sent, other.lost, other.sent }
      c.hops = c.hops + 1
      c.lost, c.sent = c.lost + point.lost, c.sent + point.sent
      c.lost_others = c.lost_others + other.lost
      c.sent_others = c.sent_others + other.sent
    end
  end
  return c
end

-- By how many standard errors the branch loses more, with all hops and without
-- the hop that contributes most. Loss on the path also affects the hops
-- beyond, so it does not depend on one hop.
local function excess(c)
  local z = loss.z_above(c.lost_others, c.sent_others, c.lost, c.sent)
  local least = c.hops > 1 and z or math.huge
  for _, t in pairs(c.hops > 1 and c.ttls or {}) do
    least = math.min(least, loss.z_above(c.lost_others - t[3],
      c.sent_others - t[4], c.lost - t[1], c.sent - t[2]))
  end
  return z, least
end

local function rounds_of(flows, set, ttls)
  local lost, most, hops = {}, 0, 0
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(set[flow.flow] and flow.hops or {}) do
      if ttls[hop.ttl] then
        hops = hops + 1
        most = math.max(most, hop.sent)
        for _, round in ipairs(hop.lost or {}) do
          lost[round] = (lost[round] or 0) + 1
        end
      end
    end
  end
  return lost, most, hops
end

-- The variance of losses per round relative to independent losses: an outage
-- affects the probes of many hops and flows at the same time.
local function bunching(flows, list, ttls)
  local set = {}
  for _, flow in ipairs(list) do
    set[flow] = true
  end
  local lost, rounds, each = rounds_of(flows, set, ttls)
  local sum, squares = 0, 0
  for round = 1, rounds do
    local n = lost[round] or 0
    sum, squares = sum + n, squares + n * n
  end
  local share = rounds > 0 and each > 0 and sum / (rounds * each) or 0
  if rounds < 3 or share <= 0 or share >= 1 then
    return 1
  end
  local variance = (squares - sum * sum / rounds) / (rounds - 1)
  return math.max(1, variance / (each * share * (1 - share)))
end

-- The loss verdict of the branch's own flows that fits the branch: loss that
-- may begin on the link into one of its nodes, or on the link out of the last
-- node.
local function step_of(within, branch)
  for _, v in ipairs(verdict_loss.list(within)) do
    if v.kind == "loss" and (v.to or v.hop) >= branch.first
      and (v.from or v.hop) <= branch.last + 1 then
      return v
    end
  end
end

local function merged(merge, list)
  local result = merge(list)
  replies.mark(result.hops)
  return result
end

local function judge(flows, merge, branch, least)
  local within, without = merged(merge, branch.flows),
    merged(merge, branch.others)
  local c = counts(within, without, branch.first)
  if c.sent < ENOUGH or c.sent_others < ENOUGH then
    return nil
  end
  local z, without_one = excess(c)
  if z < least or without_one < least / math.sqrt(2) then
    return nil
  end
  z = z / math.sqrt(math.max(bunching(flows, branch.flows, c.ttls),
    bunching(flows, branch.others, c.ttls)))
  local step = z >= least and step_of(within, branch)
  return step and { branch = branch, step = step, z = z } or nil
end

-- The branch that explains most of the loss of these flows.
local function best(flows, merge, wanted)
  local list = branches.list(branches.forks(flows, wanted))
  local least, found = branches.threshold(#list), nil
  for _, branch in ipairs(list) do
    local claim = #branch.others > 0 and judge(flows, merge, branch, least)
    if claim and (not found or claim.z > found.z) then
      found = claim
    end
  end
  return found
end

local function node_of(branch, step)
  for _, node in ipairs(branch.nodes) do
    if node.ttl >= step.hop then
      return node
    end
  end
  return branch.nodes[#branch.nodes]
end

local function text_of(v, node, step, count)
  local from, to = step.from or step.hop, step.to or step.hop
  local where = step.hop == node.ttl and from == to and ""
    or (", first visible at %s"):format(words.likely(step.hop, from, to))
  return ("%s %sthrough %s%s: %s %s, %d of %s from there on, %d of %d on "
    .. "other flows."):format(
    v.lost_others == 0 and "Round-trip loss only" or "More round-trip loss",
    v.tentative and "seems to be " or "", branches.name({ node }, count),
    where, format.kinds.share.text(v.loss),
    format.interval(v.loss_low, v.loss_high, 1), v.lost,
    words.plural(v.sent, "probe", "probes"), v.lost_others, v.sent_others)
end

-- Compares the branch with the flows that have no loss verdict of their own,
-- if there are any.
local function verdict_of(claim, merge, rest, count)
  local branch, step = claim.branch, claim.step
  local others = {}
  for _, flow in ipairs(branch.others) do
    others[#others + 1] = rest[flow] and flow or nil
  end
  others = #others > 0 and others or branch.others
  local c = counts(merged(merge, branch.flows), merged(merge, others),
    math.max(step.hop, branch.first))
  local node = node_of(branch, step)
  local v = {
    kind = "branch_loss", hop = node.ttl, address = node.address,
    from = step.from, to = step.to, loss = step.loss,
    loss_low = step.loss_low, loss_high = step.loss_high, lost = step.lost,
    sent = step.sent, lost_before = step.lost_before,
    sent_before = step.sent_before, lost_others = c.lost_others,
    sent_others = c.sent_others, flows = node.total, flow_count = count,
    tentative = step.tentative,
  }
  v.text = text_of(v, node, step, count)
  return v
end

--- Verdicts on loss of branches.
-- @tparam {table,...} flows results of one flow each
-- @tparam function merge returns the result of a list of flow numbers
-- @treturn {table,...} verdicts of kind branch_loss
-- @treturn {integer,...} the flows without such a verdict
function M.list(flows, merge)
  local rest, claims = {}, {}
  for _, flow in ipairs(flows) do
    rest[flow.flow] = true
  end
  local claim = #flows > 1 and best(flows, merge, rest)
  while claim do
    claims[#claims + 1] = claim
    for _, flow in ipairs(claim.branch.flows) do
      rest[flow] = nil
    end
    claim = best(flows, merge, rest)
  end
  local out, left = {}, {}
  for i, found in ipairs(claims) do
    out[i] = verdict_of(found, merge, rest, #flows)
  end
  for _, flow in ipairs(flows) do
    left[#left + 1] = rest[flow.flow] and flow.flow or nil
  end
  return out, left
end

return M
