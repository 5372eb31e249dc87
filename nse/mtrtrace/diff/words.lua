-- SPDX-License-Identifier: BSD-2-Clause

--- Texts of differences, one line each. Pure.
-- @module mtrtrace.diff.words
local format = require "mtrtrace.base.format"

local M = {}

local ms, share = format.kinds.ms.text, format.kinds.share.text

local TESTS = { fisher = "Fisher's exact test", ranks = "rank test",
  welch = "t test of the means" }

local function hop(d)
  local before, after = d.hop_before, d.hop_after
  if before and after and before ~= after then
    return ("hop %d (%d before)"):format(after, before)
  end
  return ("hop %d"):format(after or before)
end

local function Hop(d)
  return (hop(d):gsub("^h", "H"))
end

local function who(ip, asn)
  return asn and ("%s (%s)"):format(ip, asn) or ip
end

local function chance(p)
  return p < 0.001 and "p < 0.001" or ("p = %.3f"):format(p)
end

local function evidence(d)
  return ("%s, %s"):format(TESTS[d.test], chance(d.p_adjusted))
end

local function signed(value)
  return ("%+.2f"):format(value)
end

local function interval(d)
  return d.shift_low and (" (%s to %s)"):format(signed(d.shift_low),
    signed(d.shift_high)) or ""
end

local function counts(d, tail)
  return ("%d of %d instead of %d of %d probes %s"):format(
    d.sent_after - d.received_after, d.sent_after,
    d.sent_before - d.received_before, d.sent_before, tail)
end

local function latency(d)
  return ("%s instead of %s ms at hop %d, %s ms%s; %s"):format(
    ms(d.latency_after), ms(d.latency_before), d.shown_at,
    signed(d.latency_shift), interval(d), evidence(d))
end

local function loss(d)
  return ("%s instead of %s: %s; %s"):format(share(d.loss_after),
    share(d.loss_before), counts(d, "lost"), evidence(d))
end

local function reach(text)
  return function(d)
    return ("%s: %d of %d instead of %d of %d probes answered; %s."):format(
      text, d.received_after, d.sent_after, d.received_before,
      d.sent_before, evidence(d))
  end
end

local WORDS = {
  only_before = function() return "Only in the first file." end,
  only_after = function() return "Only in the second file." end,
  not_traced = function(d)
    return ("Not traced in the second file: %s."):format(d.error_after)
  end,
  traced_now = function(d)
    return ("Not traced in the first file: %s."):format(d.error_before)
  end,
  target_address = function(d)
    return ("Target address %s instead of %s."):format(d.ip_after,
      d.ip_before)
  end,
  not_reached = reach "The target does not reply any more",
  reached = reach "The target replies now",
  hop_new = function(d)
    return ("%s is new: %s."):format(Hop(d), who(d.ip_after, d.asn_after))
  end,
  hop_gone = function(d)
    return ("%s is gone: %s."):format(Hop(d), who(d.ip_before, d.asn_before))
  end,
  silent_hop_new = function(d)
    return ("%s is new: it does not reply."):format(Hop(d))
  end,
  silent_hop_gone = function(d)
    return ("%s is gone: it did not reply."):format(Hop(d))
  end,
  address = function(d)
    return ("%s: %s instead of %s."):format(Hop(d),
      who(d.ip_after, d.asn_after), who(d.ip_before, d.asn_before))
  end,
  address_unsure = function(d)
    return ("%s: %s instead of %s, by so few replies that it may be "
      .. "per-packet load balancing."):format(Hop(d),
      who(d.ip_after, d.asn_after), who(d.ip_before, d.asn_before))
  end,
  asn = function(d)
    return ("%s: %s is announced by %s instead of %s."):format(Hop(d),
      d.ip_after, d.asn_after, d.asn_before)
  end,
  latency = function(d)
    return ("Latency from %s on: %s."):format(hop(d), latency(d))
  end,
  loss = function(d)
    return ("Loss from %s on: %s."):format(hop(d), loss(d))
  end,
  hop_latency = function(d)
    return ("Replies of %s alone: %s. Hops beyond do not show it, so it is "
      .. "no latency of the path."):format(hop(d), latency(d))
  end,
  hop_loss = function(d)
    return ("Replies of %s alone: %s. Hops beyond do not show it, so it is "
      .. "no loss of the path."):format(hop(d), loss(d))
  end,
  other_flow = function(d)
    if d.flow_count_before ~= d.flow_count_after then
      return ("The runs had %d and %d flows: figures beyond balanced hops "
        .. "are not compared."):format(d.flow_count_before,
        d.flow_count_after)
    end
    return "The probes of the two runs have other source addresses or ports: "
      .. "per-flow load balancing may send them over other paths."
  end,
}

--- Returns the text of a difference or remark.
-- @tparam table d see mtrtrace.diff.compare
-- @treturn string one sentence or more, without control characters
function M.of(d)
  return format.clean(WORDS[d.kind](d))
end

--- Returns the kinds of differences and remarks.
-- @treturn {string,...} sorted
function M.kinds()
  local list = {}
  for kind in pairs(WORDS) do
    list[#list + 1] = kind
  end
  table.sort(list)
  return list
end

return M
