-- SPDX-License-Identifier: BSD-2-Clause
--- Verdicts on loss: where on the path it is first visible, and where that
-- cannot be told. A round trip does not show on which of its two ways a
-- probe was lost, and the wording does not either. Pure.
-- @module mtrtrace.verdict.loss
local changepoint = require "mtrtrace.changepoint"
local format = require "mtrtrace.format"
local loss = require "mtrtrace.loss"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Fewer probes per hop than this and a verdict is tentative.
local ENOUGH = 30

-- A hop whose answers fall so far short of those from behind it says
-- nothing about loss; they came through it.
local Z_SHORT = 3

local function short_of_behind(hops, i)
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

local function answering(hops)
  local out = {}
  for _, hop in ipairs(hops) do
    local use = hop.sent > 0 and #hop.responders > 0 and not hop.suppressed
      and not hop.untested
    out[#out + 1] = use and hop or nil
  end
  return out
end

-- Behind the last hop there is nobody to confirm its loss. The target's
-- own is believed, unless it is known to withhold answers.
local function meaning(result, hops, i)
  if i < #hops then
    return "noise"
  end
  local target = result.reached and hops[i].ttl == result.target_ttl
  return target and not hops[i].ration and "step" or "doubt"
end

--- What the hops say of loss, those left out that withhold answers.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} points of mtrtrace.changepoint, each with its `hop`
function M.points(result)
  local hops, points = answering(result.hops), {}
  for i, hop in ipairs(hops) do
    if not short_of_behind(hops, i) then
      points[#points + 1] = {
        hop = hop, sent = hop.sent, lost = hop.sent - hop.received,
        rounds = hop.lost or {}, sole = meaning(result, hops, i),
      }
    end
  end
  return points
end

local function figures(v)
  local text = ("%s %s, %d of %s from there on"):format(
    format.kinds.share.text(v.loss),
    format.interval(v.loss_low, v.loss_high, 1), v.lost,
    words.plural(v.sent, "probe", "probes"))
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

local function loss_verdict(step, packets, further)
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
  v.text = loss_text(v, further)
  return v
end

-- Loss of the last hop alone: nobody behind it answers.
local function doubt_verdict(point)
  local hop = point.hop
  local why = hop.ration and "and it was seen to withhold answers"
    or "and nothing behind it answers"
  return {
    kind = "cannot_tell", hop = hop.ttl, lost = point.lost,
    sent = point.sent,
    text = ("Cannot tell whether probes are lost on the way to hop %d: it "
      .. "left %d of %d unanswered, %s."):format(hop.ttl, point.lost,
      point.sent, why),
  }
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

--- Verdicts on loss.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} of the kinds loss and cannot_tell
function M.list(result)
  local steps, doubt = changepoint.find(M.points(result))
  local packets, out = 0, {}
  for _, hop in ipairs(result.hops) do
    packets = math.max(packets, hop.sent)
  end
  for i, step in ipairs(steps) do
    out[i] = loss_verdict(step, packets, i > 1)
  end
  out[#out + 1] = doubt and packets >= ENOUGH and doubt_verdict(doubt) or nil
  out[#out + 1] = beyond_verdict(result)
  return out
end

return M
