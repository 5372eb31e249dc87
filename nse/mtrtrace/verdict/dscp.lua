-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on changes of the DSCP and the ECN bits on the forward path, from
-- quotes. Only a change that lasts counts, so a hop that alters its own
-- replies causes no verdict; congestion marks (CE) are a kind of their own.
-- Pure.
-- @module mtrtrace.verdict.dscp
local ecn_offer = require "mtrtrace.verdict.ecn"
local evidence = require "mtrtrace.verdict.quotes"
local words = require "mtrtrace.verdict.places"

local M = {}

local CE = 3
local ECN = { [0] = "Not-ECT", "ECT(1)", "ECT(0)", "CE" }

-- Names of RFC 2474 (CS), RFC 2597 (AF), RFC 3246 (EF), RFC 5865
-- (VOICE-ADMIT) and RFC 8622 (LE).
local NAMED = { [0] = "CS0", [46] = "EF", [44] = "VOICE-ADMIT", [1] = "LE" }
for class = 1, 7 do
  NAMED[8 * class] = "CS" .. class
  for drop = 1, class <= 4 and 3 or 0 do
    NAMED[8 * class + 2 * drop] = "AF" .. class .. drop
  end
end

--- The name of a DSCP.
-- @tparam integer dscp 0 to 63
-- @treturn string such as "46 (EF)", or the number alone if it has no name
function M.name(dscp)
  return NAMED[dscp] and ("%d (%s)"):format(dscp, NAMED[dscp])
    or ("%d"):format(dscp)
end

local function sent_tos(result)
  local found
  for _, hop in ipairs(result.hops) do
    found = found or evidence.answer(hop, function(a)
      return a.sent_tos ~= nil
    end)
  end
  return found and found.sent_tos
end

local function dscp_of(answer)
  return answer.quoted_tos and answer.quoted_tos >> 2
end

-- The bits with which a probe arrived somewhere.
local function arrived(answer)
  return answer.quoted_tos and answer.quoted_tos & 3
    or ecn_offer.arrived(answer)
end

-- The ECN bits; nil for a congestion mark, which hides any other change.
local function ecn_of(sent)
  return function(answer)
    local ecn = arrived(answer)
    return not (ecn == CE and (sent == 1 or sent == 2)) and ecn or nil
  end
end

-- Routers older than RFC 2474 rewrite only the three precedence bits of RFC
-- 791.
local function how(before, after)
  local low = before & 7
  if after == low and after ~= 0 then
    return "precedence_cleared", "precedence cleared"
  elseif after == 0 then
    return "cleared", "cleared"
  end
  return "remarked", before == 0 and "set" or "remarked"
end

local function verdict_of(change, kind, what, subject)
  local open = change.from < change.hop
  return {
    kind = kind, hop = change.hop, from = open and change.from or nil,
    to = open and change.hop or nil, what = what,
    tentative = change.tentative,
    text = ("%s %s"):format(subject, change.tentative
      and ("by hop %d, or before it"):format(change.hop)
      or words.between(change.from - 1, change.hop)),
  }
end

local function dscp_verdict(change)
  local what, wording = how(change.before, change.after)
  local v = verdict_of(change, "dscp", what, "DSCP is " .. wording)
  v.tos_before, v.tos_after = change.before, change.after
  v.text = ("%s: %s instead of %s."):format(v.text, M.name(change.after),
    M.name(change.before))
  return v
end

local function ecn_verdict(change)
  local cleared = change.after == 0
  local v = verdict_of(change, "ecn", cleared and "cleared" or "changed",
    cleared and "ECN is cleared" or "ECN is changed")
  v.tos_before, v.tos_after = change.before, change.after
  v.text = ("%s: %s instead of %s."):format(v.text, ECN[change.after],
    ECN[change.before])
  return v
end

-- Queues mark single packets, so the verdict names the first hop whose quote
-- has a mark and does not require that the mark lasts.
local function congestion(result, sent)
  if sent ~= 1 and sent ~= 2 then
    return nil
  end
  local ttls = {}
  for _, hop in ipairs(result.hops) do
    local marked = evidence.answer(hop, function(a)
      return arrived(a) == CE
    end)
    ttls[#ttls + 1] = marked and hop.ttl or nil
  end
  if #ttls == 0 then
    return nil
  end
  return { kind = "congestion", hop = ttls[1], what = "marked",
    tos_before = sent, tos_after = CE,
    text = ("Congestion was marked before hop %d: probes sent with %s arrived "
      .. "with CE (hops %s)."):format(ttls[1], ECN[sent],
      words.ranges(ttls)) }
end

-- Reports that a value was kept, if the user chose one other than 0.
local function kept(kind, subject, list, sent, name)
  local last = list[#list]
  if sent == 0 or not last then
    return nil
  end
  return { kind = kind, hop = last.ttl, what = "kept", tos_before = sent,
    tos_after = sent, text = ("%s %s is kept as far as hop %d."):format(
      subject, name, last.ttl) }
end

--- Verdicts on the traffic class (DSCP and ECN) of a flow's probes.
-- @tparam table result of one flow, with `answers`
-- @treturn {table,...} verdicts of the kinds dscp, ecn, congestion; a DSCP
--   or ECN value in tos_before and tos_after
function M.list(result)
  local out, tos = {}, sent_tos(result)
  if not tos then
    return out
  end
  local dscp, ecn = tos >> 2, tos & 3
  local list = evidence.along(result.hops, dscp_of)
  local changes = evidence.changes(list, dscp)
  for _, change in ipairs(changes) do
    out[#out + 1] = dscp_verdict(change)
  end
  out[#out + 1] = not changes[1] and kept("dscp", "DSCP", list, dscp,
    M.name(dscp)) or nil
  list = evidence.along(result.hops, ecn_of(ecn))
  changes = evidence.changes(list, ecn)
  for _, change in ipairs(changes) do
    out[#out + 1] = ecn_verdict(change)
  end
  out[#out + 1] = congestion(result, ecn) or not changes[1]
    and kept("ecn", "ECN", list, ecn, ECN[ecn]) or nil
  return out
end

return M
