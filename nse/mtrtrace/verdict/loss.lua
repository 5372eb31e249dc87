-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on loss: the hop at which loss is first visible, or the hops where
-- it cannot be distinguished from missing replies. A round trip does not show
-- whether the probe or its reply was lost, so the texts do not claim a
-- direction. Pure.
-- @module mtrtrace.verdict.loss
local replies = require "mtrtrace.verdict.replies"
local bursts = require "mtrtrace.base.bursts"
local changepoint = require "mtrtrace.base.changepoint"
local format = require "mtrtrace.base.format"
local loss = require "mtrtrace.base.proportion"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Fewer probes per hop than this and a verdict is tentative.
local ENOUGH = 30

-- Standard errors. A hop that replies to a share of probes lower by more than
-- this than the hops beyond it drops replies of its own: it forwarded their
-- probes.
local Z_SHORT = 3

-- A last hop with fewer counted probes, and fewer than half as many as another
-- hop, is not well sampled.
local WELL_SAMPLED = 10

local function short_of_beyond(hops, i)
  local answered, sent = 0, 0
  for j = i + 1, #hops do
    answered, sent = answered + hops[j].received, sent + hops[j].sent
    if loss.z_above(hops[i].received, hops[i].sent, answered, sent)
      > Z_SHORT then
      return true
    end
  end
  return false
end

local function replying(hops)
  local out, most = {}, 0
  for _, hop in ipairs(hops) do
    if hop.sent > 0 and #hop.responders > 0
      and not replies.is_inconclusive(hop) then
      out[#out + 1], most = hop, math.max(most, hop.sent)
    end
  end
  while #out > 0 and out[#out].sent < WELL_SAMPLED
    and 2 * out[#out].sent < most do
    out[#out] = nil
  end
  return out
end

local function point_of(hop)
  return { hop = hop, sent = hop.sent, lost = hop.sent - hop.received,
    rounds = hop.lost or {} }
end

--- The hops whose losses are reliable: without hops that drop replies of their
-- own.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} points of mtrtrace.base.changepoint, each with its
--   `hop`
function M.points(result)
  local hops, points = replying(result.hops), {}
  for i, hop in ipairs(hops) do
    if not hop.better_beyond and not short_of_beyond(hops, i) then
      points[#points + 1] = point_of(hop)
    end
  end
  return points
end

local function figures(v)
  local text = ("%s %s, %d of %s from there on%s"):format(
    format.kinds.share.text(v.loss),
    format.interval(v.loss_low, v.loss_high, 1), v.lost,
    words.plural(v.sent, "probe", "probes"),
    v.bursts and (" (%s at hop %d)"):format(bursts.words(v.bursts,
      v.burst_min_s, v.burst_max_s), v.burst_hop) or "")
  return v.sent_before == 0 and text
    or ("%s, %d of %d before"):format(text, v.lost_before, v.sent_before)
end

local function loss_text(v, further)
  local where = words.likely(v.hop, v.from or v.hop, v.to or v.hop)
  local what = further and "Further round-trip loss" or "Round-trip loss"
  if v.tentative then
    return ("%s seems to begin at %s: %s; send %d packets per hop or more "
      .. "to be sure."):format(what, where, figures(v), 2 * ENOUGH)
  end
  return ("%s first visible at %s: %s."):format(what, where, figures(v))
end

-- Adds the bursts of losses at the last hop that replies.
local function add_bursts(v, hop)
  local found = bursts.of(hop)
  if found and bursts.is_bursty(found, hop.sent - hop.received,
    hop.received) then
    v.bursts, v.burst_hop = found.bursts, hop.ttl
    v.burst_min_s, v.burst_max_s = found.min_s, found.max_s
  end
end

local function loss_verdict(step, packets, last, further)
  local from = step.previous and step.previous.hop.ttl + 1 or 1
  local to = step.last.hop.ttl
  local left, low, high = loss.quotient(
    step.sent_before - step.lost_before, step.sent_before,
    step.sent - step.lost, step.sent)
  local v = {
    kind = "loss", hop = step.point.hop.ttl,
    from = from < to and from or nil, to = from < to and to or nil,
    loss = math.max(0, 1 - left), loss_low = math.max(0, 1 - high),
    loss_high = math.max(0, 1 - low), lost = step.lost, sent = step.sent,
    lost_before = step.lost_before, sent_before = step.sent_before,
    tentative = packets < ENOUGH or nil,
  }
  add_bursts(v, last)
  v.text = loss_text(v, further)
  return v
end

-- Text for unanswered probes at the last replying hop only, which are no proof
-- of loss on the path.
local function alone_text(hop)
  local why = hop.rate_limit and "and the hop was seen to limit its replies"
    or "and nothing beyond the hop replies"
  return ("Cannot tell whether probes are lost before hop %d or the hop "
    .. "drops replies: %d of %d unanswered, %s."):format(hop.ttl,
    hop.sent - hop.received, hop.sent, why)
end

-- Text for unanswered probes at several hops up to the last replying one.
local function tail_text(v, last)
  return ("Cannot tell whether probes are lost or replies dropped from %s "
    .. "on, as nothing beyond hop %d replies: %s."):format(
    words.likely(v.hop, v.from or v.hop, v.to or v.hop), last.ttl,
    figures(v))
end

local function doubt_verdict(step, packets, last)
  local v = loss_verdict(step, packets, last)
  v.kind, v.tentative = "cannot_tell", nil
  v.text = step.point.hop == last and alone_text(last) or tail_text(v, last)
  return v
end

-- Whether unanswered probes at the last replying hop prove loss on the path.
-- This requires that the hop is the target: no hop beyond any other hop could
-- confirm the loss. A rate-limiting target requires that hops before it have
-- the loss, too.
local function proves(result, step, last)
  local target = result.reached and last.ttl == result.target_ttl
  return target and not (last.rate_limit and step.point.hop == last)
end

local function beyond_verdict(result)
  local hops = result.hops
  local i = #hops
  while i > 0 and #hops[i].responders == 0 do
    i = i - 1
  end
  if result.reached or result.ending ~= "silent" or i == 0 or i == #hops then
    return nil
  end
  return {
    kind = "cannot_tell", hop = hops[i].ttl,
    text = ("Cannot tell beyond hop %d whether probes are lost or filtered.")
      :format(hops[i].ttl),
  }
end

-- Whether a hop beyond the last well sampled one replies; its sample will
-- decide.
local function is_open(result, last)
  for _, hop in ipairs(result.hops) do
    if hop.ttl > last.ttl and #hop.responders > 0 then
      return true
    end
  end
  return false
end

local function of_steps(result, steps, last)
  local packets, out, doubt = 0, {}, nil
  for _, hop in ipairs(result.hops) do
    packets = math.max(packets, hop.sent)
  end
  for i, step in ipairs(steps) do
    local alone = step.point.hop == last
    if proves(result, step, last) then
      out[#out + 1] = loss_verdict(step, packets, last, i > 1)
    elseif not doubt and (packets >= ENOUGH or not alone)
      and not is_open(result, last) then
      doubt = doubt_verdict(step, packets, last)
    end
  end
  out[#out + 1] = doubt
  return out
end

--- Verdicts on loss.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} of the kinds loss and cannot_tell
function M.list(result)
  local hops, points = replying(result.hops), {}
  for i, hop in ipairs(hops) do
    points[i] = point_of(hop)
  end
  local out = of_steps(result, changepoint.find(points), hops[#hops])
  out[#out + 1] = beyond_verdict(result)
  return out
end

return M
