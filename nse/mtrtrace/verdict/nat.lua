-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on address translation, from quotes: fields as sent compared with
-- fields as a router received them. A NAT is reported once, where its change
-- begins, and only if the change lasts; a change in the quotes of one router
-- only is a fault of that router. Pure.
-- @module mtrtrace.verdict.nat
local evidence = require "mtrtrace.verdict.quotes"
local hop_words = require "mtrtrace.verdict.words"
local words = require "mtrtrace.verdict.places"

local M = {}

-- Zeros and swapped bytes are quoting faults of routers, no translation.
local function is_odd(quoted, sent)
  return quoted == 0
    or quoted == (sent & 0xff) << 8 | sent >> 8
end

local function number(quoted_key, sent_key)
  return function(answer)
    local quoted, sent = answer[quoted_key], answer[sent_key]
    if not (quoted and sent) then
      return nil
    elseif quoted == sent then
      return "same"
    end
    return not is_odd(quoted, sent) and quoted or nil
  end
end

local function is_no_address(text)
  return not text:find("[1-9a-fA-F]")
end

-- The engine records a quoted address only if it differs from the sent one.
local function address(key)
  return function(answer)
    local quoted = answer[key]
    if quoted and is_no_address(quoted) or not answer.quoted then
      return nil
    end
    return quoted or "same"
  end
end

-- Checksums are ones' complement sums (RFC 1071), so a translation adds the
-- same number to the checksum of every probe.
local function checksum(answer)
  local quoted, sent = answer.quoted_checksum, answer.sent_checksum
  if not (quoted and sent) then
    return nil
  end
  local delta = (quoted - sent) % 0xffff
  if delta == 0 then
    return "same"
  end
  return not is_odd(quoted, sent) and delta or nil
end

-- The identification varies between probes, so only whether it was changed is
-- compared along the path, not its value.
local function identification(answer)
  local value = number("quoted_id", "sent_id")(answer)
  return value and (value == "same" and value or "changed")
end

-- Fields that a NAT may rewrite. `strong`: one hop with a change is enough;
-- `weak`: no NAT if changed alone; `follows`: changes with the other fields,
-- so the text names it only if it changed alone.
local PARTS = {
  { what = "source address", value = address "quoted_source",
    quoted = "quoted_source", strong = true },
  { what = "target address", value = address "quoted_target",
    quoted = "quoted_target", strong = true },
  { what = "source port", quoted = "quoted_source_port",
    value = number("quoted_source_port", "sent_source_port"),
    sent = "sent_source_port" },
  { what = "target port", quoted = "quoted_target_port",
    value = number("quoted_target_port", "sent_target_port"),
    sent = "sent_target_port" },
  { what = "ICMP identifier", quoted = "quoted_ident",
    value = number("quoted_ident", "sent_ident"), sent = "sent_ident" },
  { what = "checksum", value = checksum, follows = true },
  { what = "identification", value = identification, weak = true },
}

local function of_parts(result)
  local found = {}
  for rank, part in ipairs(PARTS) do
    local list = evidence.along(result.hops, part.value)
    for _, change in ipairs(evidence.changes(list, "same")) do
      change.part, change.rank = part, rank
      found[#found + 1] = change
    end
  end
  table.sort(found, function(a, b)
    return a.hop < b.hop or a.hop == b.hop and a.rank < b.rank
  end)
  return found
end

-- Groups changes that may have happened at the same place: one NAT each.
local function groups_of(found)
  local groups = {}
  for _, change in ipairs(found) do
    local group = groups[#groups]
    if group and change.from <= group.hop then
      group.from = math.max(group.from, change.from)
      group.tentative = group.tentative and change.tentative
      group[#group + 1] = change
    else
      groups[#groups + 1] = { change, from = change.from, hop = change.hop,
        tentative = change.tentative }
    end
  end
  return groups
end

local function rewritten(change, result)
  local part, answer = change.part, change.item.answer
  local quoted = part.quoted and answer[part.quoted]
  local sent = part.sent and answer[part.sent]
  if part.what == "source address" then
    sent = result.source
  elseif part.what == "target address" then
    sent = result.target
  end
  if not quoted then
    return part.what .. " rewritten"
  end
  return sent and ("%s %s instead of %s"):format(part.what, quoted, sent)
    or ("%s %s"):format(part.what, quoted)
end

-- Texts and names of the changed fields. A NAT that restores the quoted
-- addresses and ports in ICMP errors but not the checksum changes the checksum
-- alone.
local function list_of(group, result)
  local texts, whats = {}, {}
  for _, change in ipairs(group) do
    whats[#whats + 1] = change.part.what
    if not (change.part.follows and #group > 1) then
      texts[#texts + 1] = rewritten(change, result)
    end
  end
  if #group == 1 and group[1].part.follows then
    texts[1] = "the checksum was rewritten, and all other fields restored in "
      .. "the replies"
  end
  return table.concat(texts, ", "), table.concat(whats, ", ")
end

local function nat_verdict(group, result)
  local what, fields = list_of(group, result)
  local v = { kind = "nat", hop = group.hop, what = fields,
    from = group.from < group.hop and group.from or nil,
    to = group.from < group.hop and group.hop or nil,
    tentative = group.tentative }
  v.text = ("%s %s: %s."):format(
    group.tentative and "NAT is likely" or "NAT",
    words.between(group.from - 1, group.hop), what)
  return v
end

-- Whether the changes show a NAT: not the identification alone; if only one
-- hop has the change, an address or two fields at once.
local function is_nat(group)
  local part = group[1].part
  return #group > 1 or not part.weak and (part.strong or not group.tentative)
end

local function zero_ttl_verdict(hop, after, responder)
  return { kind = "zero_ttl", hop = hop.ttl, from = hop.ttl, to = after.ttl,
    what = responder.address,
    text = ("Hops %d and %d are both %s, which quotes a TTL of 0 at hop %d: "
      .. "the router before it forwards packets that it should drop."):format(
      hop.ttl,
      after.ttl, responder.address, hop.ttl) }
end

local function quotes_zero(answer)
  return answer.quoted_ttl == 0 or nil
end

local function has(hop, address_of)
  for _, responder in ipairs(hop.responders) do
    if responder.address == address_of then
      return true
    end
  end
  return false
end

local function add_zero_ttl(out, hops)
  for i = 1, #hops - 1 do
    local answer, responder = evidence.answer(hops[i], quotes_zero)
    if answer and has(hops[i + 1], responder.address) then
      out[#out + 1] = zero_ttl_verdict(hops[i], hops[i + 1], responder)
    end
  end
end

-- Linux translates the source of ICMP errors of a flow with DNAT to the
-- flow's original destination, so hops beyond the NAT reply with the target's
-- address.
local function is_exceeded(answer)
  local v4 = answer.quoted_id ~= nil
  return answer.quoted ~= nil and answer.type == (v4 and 11 or 3)
end

local function exceeds_as(hop, address_of)
  local answer, responder = evidence.answer(hop, is_exceeded)
  return answer ~= nil and responder.address == address_of
end

local function hidden_verdict(result, first, last)
  local from, to = result.hops[first].ttl, result.hops[last].ttl
  local beyond = last < #result.hops
  return { kind = "nat", hop = from, what = "answers",
    from = from < to and from or nil, to = from < to and to or nil,
    tentative = true,
    text = ("NAT is likely at hop %d: time exceeded comes from the target's "
      .. "address %s%s."):format(from, result.target,
      from < to and (" at %s"):format(hop_words.hops(from, to))
      or not beyond and "; the hops beyond are unknown" or "") }
end

local function add_hidden(out, result)
  local first, last
  for i, hop in ipairs(result.hops) do
    if exceeds_as(hop, result.target) then
      first, last = first or i, i
    end
  end
  out[#out + 1] = first and hidden_verdict(result, first, last) or nil
end

--- The NATs of a flow, and routers that forward a TTL of 0.
-- @tparam table result of one flow, with `answers`
-- @treturn {table,...} verdicts of the kinds nat and zero_ttl
function M.list(result)
  local out = {}
  for _, group in ipairs(groups_of(of_parts(result))) do
    out[#out + 1] = is_nat(group) and nat_verdict(group, result) or nil
  end
  add_hidden(out, result)
  add_zero_ttl(out, result.hops)
  return out
end

return M
