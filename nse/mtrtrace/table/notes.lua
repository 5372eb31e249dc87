-- SPDX-License-Identifier: BSD-2-Clause

--- Notes under the table: how the path ended, errors on this host, and figures
-- that may mislead. Pure.
-- @module mtrtrace.table.notes
local loss = require "mtrtrace.base.proportion"
local direct = require "mtrtrace.direct.enricher"
local loose = require "mtrtrace.verdict.loose"
local session = require "mtrtrace.table.session"
local words = require "mtrtrace.verdict.words"

local M = {}

local plural = words.plural

local function has_code(responder, kind, code)
  for _, c in ipairs(responder.codes or {}) do
    if c.type == kind and c.code == code then
      return c
    end
  end
end

-- Returns the hop, responder and ICMP code of the error that ended the path.
local function refusal(result)
  for i = #result.hops, 1, -1 do
    for _, responder in ipairs(result.hops[i].responders) do
      local c = has_code(responder, result.ending_type, result.ending_code)
      if c then
        return result.hops[i], responder, c
      end
    end
  end
end

local function unreachable(result)
  local family = result.target:find(":", 1, true) and "ICMPv6" or "ICMP"
  local which = ("%s type %d code %d"):format(family, result.ending_type,
    result.ending_code)
  local hop, responder, code = refusal(result)
  if not hop then
    return ("Target not reached: unreachable (%s)."):format(which)
  end
  return ("Target not reached: %s at hop %d replies with %s (%s)."):format(
    responder.address, hop.ttl, code.name or "unreachable", which)
end

local function last_answering(hops)
  for i = #hops, 1, -1 do
    if #hops[i].responders > 0 then
      return hops[i].ttl
    end
  end
end

local function nothing_sent(hops)
  for _, hop in ipairs(hops) do
    if hop.total_sent > 0 then
      return false
    end
  end
  return true
end

local function silent(result)
  local hops = result.hops
  local ttl = last_answering(hops)
  if nothing_sent(hops) then
    return "The path is unknown: this host sent no probe."
  end
  if not ttl then
    return "Target not reached: no hop replies."
  elseif ttl == hops[#hops].ttl then
    return ("Target not reached within %d hops."):format(ttl)
  end
  return ("Target not reached: nothing beyond hop %d replies."):format(ttl)
end

local function ending(result)
  if result.reached or result.ending == "reached" then
    return nil
  elseif result.ending == "unreachable" then
    return unreachable(result)
  elseif result.ending == "silent" then
    return silent(result)
  end
  return not result.stopped and "The trace was still running." or nil
end

-- Returns a note on replies of the target from an address other than the one
-- that was probed.
local function other_address(result)
  for _, hop in ipairs(result.reached and result.hops or {}) do
    for _, responder in ipairs(hop.responders) do
      if responder.target and responder.address ~= result.target then
        return ("Target reached: it replied from %s, another of its "
          .. "addresses."):format(responder.address)
      end
    end
  end
end

local function send_errors(result)
  local n = 0
  for _, hop in ipairs(result.hops) do
    n = n + (hop.send_errors or 0)
  end
  local why = result.send_error and (" (%s)"):format(result.send_error) or ""
  if n == 0 then
    return result.send_error
      and ("Probes beyond the table could not be sent%s."):format(why) or nil
  end
  return ("%s could not be sent%s; not counted as loss."):format(
    plural(n, "probe", "probes"), why)
end

local function capture_drops(result)
  local n = result.capture_drops or 0
  if n == 0 then
    return nil
  end
  local lost = {}
  for _, hop in ipairs(result.hops) do
    lost[#lost + 1] = hop.lost_during_drops
      and ("%d of %d at hop %d"):format(
      hop.lost_during_drops, hop.sent - hop.received, hop.ttl) or nil
  end
  return ("%s dropped by the capture on this host%s."):format(
    plural(n, "packet was", "packets were"), #lost == 0 and ": some loss may "
      .. "be its own" or ", perhaps replies to probes that count as lost (?): "
      .. table.concat(lost, ", "))
end

local function stopped(result)
  local name = result.stopped
  return name and ("%s, before the trace was done: the figures are of what "
    .. "was known then."):format(words.ended(name, result.elapsed_s or 0))
end

local function ipv4_mapped(result)
  return result.ipv4_mapped and ("::ffff:%s is an IPv4-mapped address: it is "
    .. "traced by IPv4, as %s."):format(result.target, result.target) or nil
end

local function random_size(result)
  return result.random_size and ("Probes have %s."):format(
    words.sizes(result)) or nil
end

-- Returns a note on a slow link on which this tool's own probes queue.
local function narrow_link(result)
  return result.link_rate and ("Round trips rise with this tool's own "
    .. "probes, as on a link of about %.1f Mbit/s: probes were spread, and "
    .. "each may have waited some ms for others."):format(
    result.link_rate / 1e6) or nil
end

-- A round trip during which the clock was adjusted cannot be measured.
local function clock_adjustments(result)
  local n = result.clock_adjustments or 0
  return n > 0 and ("The clock of this host was set during the trace: %s "
    .. "left out."):format(plural(n, "round trip is", "round trips are"))
    or nil
end

local function missing_tx_timestamp(result)
  local n = result.missing_tx_timestamp or 0
  return n > 0 and ("%s no time: the capture did not see the probe leave.")
    :format(plural(n, "reply has", "replies have")) or nil
end

local function split(result)
  return result.split and "This host has several next hops to the target, "
    .. "and probes cannot be made to use the one of an application's packets."
    or nil
end

-- Returns a note on replies from responders beyond the 64 that are listed.
local function unlisted(result)
  local total, ttls = 0, {}
  for _, hop in ipairs(result.hops) do
    local n = hop.unlisted or 0
    total = total + n
    ttls[#ttls + 1] = n > 0 and hop.ttl or nil
  end
  return total > 0 and ("%s from further addresses at %s %s: at most 64 "
    .. "responders of a hop are listed."):format(
    plural(total, "reply came", "replies came"),
    #ttls == 1 and "hop" or "hops", table.concat(ttls, ", ")) or nil
end

local function add_lookup_errors(out, errors)
  for _, text in ipairs(type(errors) == "table" and errors or {}) do
    out[#out + 1] = ("Look-ups: %s."):format(text)
  end
end

-- Whether the hop's loss is significantly above that of the hop beyond (99 %
-- intervals do not overlap).
local function is_sure(hop, beyond)
  local _, high = loss.wilson(hop.received, hop.sent, loss.Z99)
  return high < loss.wilson(beyond.received, beyond.sent, loss.Z99)
end

local function better_beyond(group)
  local lost, sent = 0, 0
  for _, hop in ipairs(group.hops) do
    lost, sent = lost + hop.sent - hop.received, sent + hop.sent
  end
  local one = #group.hops == 1
  local why = group.sure
    and ("replies that %s did not send, not loss on the path")
      :format(one and "the hop" or "these hops")
    or ("loss on the path would show at hop %d, too")
      :format(group.beyond.ttl)
  return ("%s (?) left %d of %d probes unanswered, hop %d beyond %s %d of "
    .. "%d: %s."):format(words.sentence(words.these_hops(group.ttls)), lost,
    sent, group.beyond.ttl, one and "it" or "them",
    group.beyond.sent - group.beyond.received, group.beyond.sent, why)
end

local function group_of(groups, beyond, sure)
  for _, group in ipairs(groups) do
    if group.beyond == beyond and group.sure == sure then
      return group
    end
  end
  local group = { beyond = beyond, sure = sure, hops = {}, ttls = {} }
  groups[#groups + 1] = group
  return group
end

-- Adds one line for all hops that are compared with the same hop.
local function add_better_beyond(out, hops)
  local by_ttl, groups = {}, {}
  for _, hop in ipairs(hops) do
    by_ttl[hop.ttl] = hop
  end
  for _, hop in ipairs(hops) do
    local beyond = by_ttl[hop.better_beyond]
    if beyond then
      local group = group_of(groups, beyond, is_sure(hop, beyond))
      group.hops[#group.hops + 1] = hop
      group.ttls[#group.ttls + 1] = hop.ttl
    end
  end
  for _, group in ipairs(groups) do
    out[#out + 1] = better_beyond(group)
  end
end

-- Targets that are traced at the same time may be addresses of one host, whose
-- replies share one rate limit.
local function shared_rate_limit(result)
  for _, hop in ipairs(result.hops) do
    if hop.shared_rate_limit and hop.received < hop.sent then
      return ("Hop %d (?) left %d of %d probes unanswered: other targets "
        .. "traced at once reply from the same place, and may be addresses "
        .. "of one host, with one rate limit; trace it alone to be sure.")
        :format(hop.ttl, hop.sent - hop.received, hop.sent)
    end
  end
end

-- Limits of unprivileged sockets, by protocol.
local UNSEEN = {
  icmp = "",
  udp = ", and an IPv4 router that quotes only 8 bytes of a probe counts as "
    .. "silent",
  tcp = "; each probe has a source port of its own (several addresses at a "
    .. "hop are no sign of a change), is timed from before its connect, and "
    .. "waits at most 0.95 s",
}

local function unprivileged(result)
  return result.sockets == "unprivileged" and ("Unprivileged sockets: the "
    .. "headers of replies and quotes are not seen (only TTL and TOS), which "
    .. "leaves the OS guess and verdicts on NAT and DSCP without "
    .. "evidence%s."):format(UNSEEN[result.protocol] or "") or nil
end

local NOTES = {
  stopped, ending, session.note, ipv4_mapped, other_address, random_size,
  send_errors, capture_drops, narrow_link, clock_adjustments,
  missing_tx_timestamp, split, unlisted, loose.line, direct.line,
  shared_rate_limit, unprivileged,
}

--- Returns the notes on a result.
-- @tparam table result as given by trace:result(), judged
-- @treturn {string,...} sentences, possibly none
function M.list(result)
  local out = {}
  for _, note in ipairs(NOTES) do
    out[#out + 1] = note(result)
  end
  for _, line in ipairs(result.baseline or {}) do
    out[#out + 1] = line
  end
  add_better_beyond(out, result.hops)
  add_lookup_errors(out, result.lookup_errors)
  return out
end

return M
