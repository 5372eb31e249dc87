-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on ECN negotiation in TCP SYNs: the target's SYN-ACKs show whether
-- it accepts, and with AccECN the ECN bits with which the SYN arrived; quotes
-- show where the SYN's flags were rewritten. For the ECN bits of the IP header
-- see mtrtrace.verdict.dscp. Pure.
-- @module mtrtrace.verdict.ecn
local evidence = require "mtrtrace.verdict.quotes"
local places = require "mtrtrace.verdict.places"

local M = {}

local ECN = { [0] = "Not-ECT", "ECT(1)", "ECT(0)", "CE" }

-- AE, CWR and ECE of a SYN-ACK to a SYN with all three: what the server's IP
-- layer received (RFC 9768, table 2).
local ARRIVED = { [2] = 0, [3] = 1, [4] = 2, [6] = 3 }

--- The ECN bits with which a SYN arrived, from its SYN-ACK.
-- @tparam table answer a record of `answers`
-- @treturn ?integer 0 to 3; nil without AccECN
function M.arrived(answer)
  return answer.sent_ecn_flags == 7 and answer.ecn_flags
    and ARRIVED[answer.ecn_flags] or nil
end

-- RFC 3168 section 6.1.1 and RFC 9768 section 3.1.2: ECE alone accepts ECN,
-- also in reply to AccECN, then with or without NS (now AE). All offered flags
-- come back from a host that copies the SYN's reserved bits.
local function outcome(accurate, flags)
  if accurate and ARRIVED[flags] then
    return "accepted"
  elseif flags == 1 or flags == 5 then
    return accurate and "classic" or "accepted"
  elseif flags == (accurate and 7 or 3) then
    return "reflected"
  end
  return "refused"
end

-- Numbers of SYN-ACKs by outcome, and of AccECN ones by the ECN bits that
-- arrived; the number of all; the first TTL that has one.
local function counted(result, accurate)
  local by, arrived, all, ttl = {}, {}, 0, nil
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      for _, code in ipairs(responder.codes or {}) do
        if code.ecn_flags then
          local what = outcome(accurate, code.ecn_flags)
          by[what] = (by[what] or 0) + code.count
          local ecn = accurate and ARRIVED[code.ecn_flags]
          if ecn then
            arrived[ecn] = (arrived[ecn] or 0) + code.count
          end
          all, ttl = all + code.count, ttl or hop.ttl
        end
      end
    end
  end
  return by, arrived, all, ttl
end

local function arrived_text(arrived)
  local parts = {}
  for ecn = 0, 3 do
    parts[#parts + 1] = arrived[ecn] and ("%d as %s"):format(arrived[ecn],
      ECN[ecn]) or nil
  end
  return places.enumerate(parts)
end

local TEXTS = {
  accepted = function(name, n, all, arrived)
    if next(arrived) then
      return ("The target accepts %s (%d of %d SYN-ACKs); the SYNs arrived "
        .. "there: %s."):format(name, n, all, arrived_text(arrived))
    end
    return ("The target accepts %s (%d of %d SYN-ACKs)."):format(name, n, all)
  end,
  classic = function(_, n, all)
    return ("The target accepts ECN, but not AccECN (%d of %d SYN-ACKs).")
      :format(n, all)
  end,
  refused = function(name, n, all)
    return ("The target does not accept %s (%d of %d SYN-ACKs)."):format(name,
      n, all)
  end,
  reflected = function(name, n, all)
    return ("The SYN's flags come back unchanged (%d of %d SYN-ACKs): %s is "
      .. "not negotiated."):format(n, all, name)
  end,
}
local ORDER = { "accepted", "classic", "refused", "reflected" }

local function negotiation(result)
  local accurate = result.ecn == "accecn"
  local name = accurate and "AccECN" or "ECN"
  local by, arrived, all, ttl = counted(result, accurate)
  local out = {}
  for _, what in ipairs(ORDER) do
    out[#out + 1] = by[what] and { kind = "ecn_negotiation", hop = ttl,
      what = what, syn_acks = all, accepted = by[what],
      text = TEXTS[what](name, by[what], all, arrived) } or nil
  end
  if all == 0 and result.reached then
    out[1] = { kind = "ecn_negotiation", what = "unknown",
      hop = result.target_ttl, syn_acks = 0, accepted = 0,
      text = ("Whether the target accepts %s is unknown: it sent no SYN-ACK.")
        :format(name) }
  end
  return out
end

local function flag_names(flags)
  local list = {}
  for i, name in ipairs { "AE", "CWR", "ECE" } do
    list[#list + 1] = flags & 8 >> i ~= 0 and name or nil
  end
  return #list > 0 and places.enumerate(list) or "none"
end

-- Where the SYN's flags were rewritten.
local function rewritten(result)
  local sent, out = nil, {}
  local list = evidence.along(result.hops, function(answer)
    sent = sent or answer.sent_ecn_flags
    return answer.quoted_ecn_flags
  end)
  for _, change in ipairs(evidence.changes(list, sent)) do
    local open = change.from < change.hop
    out[#out + 1] = { kind = "ecn", hop = change.hop, what = "flags_rewritten",
      from = open and change.from or nil, to = open and change.hop or nil,
      tentative = change.tentative,
      text = ("ECN flags of the SYN are rewritten %s: %s instead of %s.")
        :format(change.tentative
          and ("by hop %d, or before it"):format(change.hop)
          or places.between(change.from - 1, change.hop),
          flag_names(change.after), flag_names(change.before)) }
  end
  return out
end

--- Verdicts on ECN negotiation.
-- @tparam table result of one flow, with `answers`
-- @treturn {table,...} verdicts of the kinds ecn_negotiation and ecn
function M.list(result)
  if not result.ecn then
    return {}
  end
  local out = negotiation(result)
  for _, v in ipairs(rewritten(result)) do
    out[#out + 1] = v
  end
  return out
end

return M
