-- SPDX-License-Identifier: BSD-2-Clause

--- From the replies of one address to facts about its IP stack. The order of
-- the replies does not matter. A fact on which the replies disagree is absent.
-- Pure; names no vendor and no system.
-- @module mtrtrace.os.evidence
local ipid = require "mtrtrace.os.ipid"
local ttl = require "mtrtrace.os.ttl"

local M = {}

-- The shortest quote: the IP header and eight bytes (RFC 792), for IPv6 in the
-- same way.
local LEAST_QUOTE = { [4] = 28, [6] = 48 }

-- Kinds of replies, and their names in the names of facts.
local SERIES = {
  { name = "exceeded", ["time-exceeded"] = true },
  { name = "unreachable", ["unreachable"] = true },
  { name = "echo", ["echo-reply"] = true },
  { name = "reset", ["rst"] = true, ["bare-rst"] = true },
  { name = "syn_ack", ["syn-ack"] = true },
}
local ERRORS = { "exceeded", "unreachable" }

local function by_kind(answers)
  local lists = {}
  for _, series in ipairs(SERIES) do
    lists[series.name] = {}
    for _, answer in ipairs(answers) do
      if series[answer.kind] then
        table.insert(lists[series.name], answer)
      end
    end
  end
  return lists
end

-- The common value of all replies that have one; nil if they differ.
local function agreed(list, value_of)
  local common
  for _, answer in ipairs(list) do
    local value = value_of(answer)
    if common == nil then
      common = value
    elseif value ~= nil and value ~= common then
      return nil
    end
  end
  return common
end

local function field(key)
  return function(answer) return answer[key] end
end

local function joined(...)
  local out = {}
  for _, list in ipairs { ... } do
    for _, item in ipairs(list) do
      out[#out + 1] = item
    end
  end
  return out
end

-- ---- initial TTLs, IPv4 only: IPv6 stacks nearly all start at 64 -----------

-- The possible distances of the sender: for time exceeded the TTL of the
-- probe, else the TTLs at which the address replied to the trace.
local function distances_of(answer, subject)
  if answer.kind == "time-exceeded" and answer.probe == "trace"
    and answer.sent_ttl then
    return { answer.sent_ttl }
  end
  return subject.ttl or {}
end

local function note(out, text, ...)
  table.insert(out.conflicts, text:format(...))
end

local function starts_of(list, subject)
  local starts, odd = {}, nil
  for _, answer in ipairs(list) do
    local left = answer.reply_ttl
    local distances = distances_of(answer, subject)
    local start = left and ttl.start(left, distances)
    if start then
      starts[start] = math.max(starts[start] or 0, left)
    elseif left and #distances > 0 then
      odd = math.max(odd or 0, left)
    end
  end
  return starts, odd
end

local function add_start(out, name, list, subject)
  local starts, odd = starts_of(list, subject)
  local start, left = next(starts)
  if odd then
    note(out, "TTL %d of %s does not fit the distance", odd, name)
  end
  if start and next(starts, start) then
    note(out, "%s replies have several initial TTLs", name)
  elseif start then
    out[name .. "_ttl"] = start
    out.distance[name] = ttl.distance(start, left)
  end
end

-- Stacks send all ICMP errors with one initial TTL, so rules need only one
-- name for it.
local function add_error_start(out)
  local a, b = out.exceeded_ttl, out.unreachable_ttl
  if a and b and a ~= b then
    note(out, "time exceeded and unreachable have different initial TTLs")
  else
    out.error_ttl = a or b
  end
end

-- Hops by which the distance of one device may differ between two kinds of
-- replies with the same initial TTL.
local APART = 3

local function add_distance_conflict(out)
  local error_hops = out.distance.exceeded or out.distance.unreachable
  local echo_hops = out.distance.echo
  if error_hops and out.error_ttl == out.echo_ttl and echo_hops
    and math.abs(error_hops - echo_hops) > APART then
    note(out, "echo replies and errors come from different distances")
  end
end

local function add_ttls(out, lists, subject)
  out.distance = {}
  for _, series in ipairs(SERIES) do
    add_start(out, series.name, lists[series.name], subject)
  end
  add_error_start(out)
  add_distance_conflict(out)
end

-- IPv6 hop limits are shown, under names that no rule reads.
local function add_hop_limits(out, lists, subject)
  local facts = { conflicts = {} }
  add_ttls(facts, lists, subject)
  for _, series in ipairs(SERIES) do
    out[series.name .. "_hop_limit"] = facts[series.name .. "_ttl"]
  end
end

-- ---- ICMP errors -----------------------------------------------------------

-- The length of quotes. Nil for a probe no longer than the minimum, and with
-- extensions, which pad quotes (RFC 4884).
local function quote_of(family)
  local least = LEAST_QUOTE[family]
  return function(answer)
    local quoted, sent = answer.quoted, answer.sent_size
    if not quoted or not sent or sent <= least or answer.extensions then
      return nil
    elseif quoted == least then
      return "minimum"
    elseif quoted == sent then
      return "whole"
    end
    return quoted
  end
end

-- RFC 1812 section 4.3.2.5: errors have precedence 6 and the TOS bits of the
-- probe.
local function tos_of(answer)
  local tos, sent = answer.tos, answer.sent_tos
  if not tos or not sent then
    return nil
  elseif tos == (sent & 0x1e | 0xc0) then
    return "control"
  elseif tos == 0 then
    return "zero"
  end
  return tos == sent and "copied" or "other"
end

local function checksum_of(answer)
  if answer.quoted_checksum_ok == nil then
    return nil
  end
  return answer.quoted_checksum_ok and "good" or "bad"
end

local function add_errors(out, lists, family)
  local errors = joined(lists.exceeded, lists.unreachable)
  out.quote = agreed(errors, quote_of(family))
  out.quoted_bytes = agreed(errors, field "quoted")
  out.error_tos_byte = agreed(errors, field "tos")
  out.error_size = agreed(errors, field "size")
  out.error_tos = agreed(errors, tos_of)
  out.quoted_checksum = agreed(errors, checksum_of)
  for _, name in ipairs(ERRORS) do
    out[name .. "_df"] = agreed(lists[name], field "df")
  end
  out.forwards = #lists.exceeded > 0 or nil
end

-- ---- echo replies and resets -----------------------------------------------

-- How the DF bit of replies depends on that of requests; requires replies to
-- requests with and without DF.
local function echo_df(list)
  local seen, same, any, all = {}, true, false, true
  for _, answer in ipairs(list) do
    if answer.df == nil or answer.sent_df == nil then
      return nil
    end
    seen[answer.sent_df] = true
    same = same and answer.df == answer.sent_df
    any, all = any or answer.df, all and answer.df
  end
  if not (seen[true] and seen[false]) then
    return nil
  end
  return not any and "never" or all and "always" or same and "reflected"
    or "mixed"
end

-- The code of replies to echo requests with a code other than 0. RFC 792
-- defines only code 0, so stacks differ.
local function echo_code(answer)
  local sent = answer.sent_code or 0
  if sent == 0 or answer.code == nil then
    return nil
  end
  return answer.code == sent and "reflected" or answer.code == 0 and "zeroed"
    or "other"
end

-- True for an address that replies to echo requests and sent no error.
local function errorless(lists)
  return #lists.echo > 0 and #lists.exceeded + #lists.unreachable == 0
    or nil
end

local function numbered(list)
  local out = {}
  for _, answer in ipairs(list) do
    out[#out + 1] = answer.ip_id and answer or nil
  end
  return out
end

local function add_ids(out, lists)
  for _, series in ipairs(SERIES) do
    out[series.name .. "_id"] = ipid.class(numbered(lists[series.name]))
  end
end

local PAIRS = {
  { "echo", "unreachable" }, { "echo", "reset" }, { "reset", "unreachable" },
}

local function add_counters(out, lists)
  for _, pair in ipairs(PAIRS) do
    local a, b = pair[1], pair[2]
    if out[a .. "_id"] == "increment" and out[b .. "_id"] == "increment" then
      out[("shared_%s_%s"):format(a, b)] = ipid.shared(numbered(lists[a]),
        numbered(lists[b]))
    end
  end
end

-- ---- extensions, link layer, SNMP ------------------------------------------

local function add_name(names, seen, name)
  if name and name ~= "" and not seen[name] then
    seen[name] = true
    names[#names + 1] = name
  end
end

local function label_text(label)
  return ("%s tc %s ttl %s"):format(label.label, label.tc, label.ttl)
end

local function add_extensions(out, answers)
  local names, labels, seen = {}, {}, {}
  for _, answer in ipairs(answers) do
    local extensions = answer.extensions or {}
    out.extensions = out.extensions or answer.extensions and true
    for _, label in ipairs(extensions.mpls or {}) do
      add_name(labels, seen, label_text(label))
    end
    for _, interface in ipairs(extensions.interfaces or {}) do
      add_name(names, seen, interface.name)
    end
  end
  table.sort(names)
  table.sort(labels)
  out.interface_names = #names > 0 and names or nil
  out.mpls_labels = #labels > 0 and labels or nil
  out.mpls = #labels > 0 or nil
end

local function add_link(out, subject)
  out.mac = subject.mac
  out.virtual_router = subject.virtual_router
  out.local_mac = subject.local_mac or nil
  if not subject.virtual_router and not subject.local_mac then
    out.mac_vendor = subject.mac_vendor
  end
end

local function add_snmp(out, snmp)
  if snmp then
    out.snmp_engine_id = snmp.engine_id
    out.snmp_enterprise = snmp.enterprise
    out.snmp_format = snmp.format
    out.snmp_mac = snmp.mac
    out.snmp_mac_vendor = snmp.mac_vendor
  end
end

--- The facts about one address.
-- @tparam table subject see the contract in mtrtrace.os.judge
-- @treturn table facts by name, `distance` by kind of reply, `conflicts` as
--   sentences without a full stop
function M.of(subject)
  local answers = subject.answers or {}
  local out = { family = subject.family, conflicts = {} }
  local lists = by_kind(answers)
  if subject.family == 4 then
    add_ttls(out, lists, subject)
    out.echo_df = echo_df(lists.echo)
    out.echo_code = agreed(lists.echo, echo_code)
    out.errorless = errorless(lists)
    out.reset_df = agreed(lists.reset, field "df")
    add_ids(out, lists)
    add_counters(out, lists)
  else
    add_hop_limits(out, lists, subject)
  end
  add_errors(out, lists, subject.family)
  add_extensions(out, answers)
  add_link(out, subject)
  add_snmp(out, subject.snmp)
  return out
end

return M
