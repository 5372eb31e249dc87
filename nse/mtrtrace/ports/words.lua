-- SPDX-License-Identifier: BSD-2-Clause

--- Findings on ports in words: one line for all ports with the same finding.
-- Pure.
-- @module mtrtrace.ports.words
local format = require "mtrtrace.base.format"
local words = require "mtrtrace.verdict.words"

local M = {}

local function list_of(names)
  if #names < 2 then
    return names[1] or ""
  end
  return table.concat(names, ", ", 1, #names - 1) .. " and " .. names[#names]
end

-- Names shown of a longer list: the host's own trace and two ports.
local SHOWN = 3

local function some_of(names)
  if #names <= SHOWN then
    return list_of(names)
  end
  local shown = table.move(names, 1, SHOWN, 1, {})
  shown[#shown + 1] = ("%d more"):format(#names - SHOWN)
  return list_of(shown)
end

-- "hop 6 (198.51.100.9, AS64500)"
local function hop_of(ttl, ip, asn)
  if not ip then
    return ("hop %d"):format(ttl)
  end
  local network = asn(ip)
  return ("hop %d (%s%s)"):format(ttl, ip, network and ", " .. network or "")
end

local function error_of(found)
  return ("%s (%s %d/%d)"):format(found.error, found.ip:find(":", 1, true)
    and "ICMPv6" or "ICMP", found.icmp_type, found.icmp_code)
end

-- One hop, or a range if the target replied at several TTLs.
local function at_hops(least, most)
  return words.hops(least, most or least)
end

local function is(n)
  return n == 1 and "is" or "are"
end

-- Each returns the predicate of a sentence, without subject and full stop, for
-- a finding, the number of its ports, and a function that returns the network
-- of an address.
local PREDICATES = {}

function PREDICATES.reached(found, n)
  return ("%s the target at %s"):format(n == 1 and "reaches" or "reach",
    at_hops(found.target_ttl, found.target_ttl_most))
end

local function branch_of(found)
  return found.branch and (", where others pass %s: it may be this branch "
    .. "alone"):format(found.branch) or ""
end

function PREDICATES.dropped(found, n, asn)
  if found.hop == 0 then
    return ("%s dropped before any hop replies (0 of %d probes)"):format(is(n),
      found.probes_beyond)
  end
  local last = found.at_target and ", the last hop before the target" or ""
  local next_one = found.next_hop and (", while hop %d replies to %s"):format(
    found.next_hop, some_of(found.next_names)) or ""
  return ("%s dropped beyond %s%s%s: 0 of %d probes beyond it were answered%s")
    :format(is(n), hop_of(found.hop, found.ip, asn), last, branch_of(found),
    found.probes_beyond, next_one)
end

function PREDICATES.unanswered(found, n, asn)
  return ("%s %s, the last hop before the target, and %s no reply (0 of %d "
    .. "probes): open or filtered there"):format(n == 1 and "passes" or "pass",
    hop_of(found.hop, found.ip, asn), n == 1 and "gets" or "get",
    found.probes_beyond)
end

function PREDICATES.rejected(found, n, asn)
  if found.by_target then
    return ("%s rejected by the target at hop %d: %s"):format(is(n),
      found.hop, error_of(found))
  elseif not found.placed then
    return ("%s rejected beyond hop %d by %s, which is no hop of the path: %s")
      :format(is(n), found.hop, found.ip, error_of(found))
  end
  return ("%s rejected at %s: %s"):format(is(n), hop_of(found.hop, found.ip,
    asn), error_of(found))
end

function PREDICATES.answered_before_target(found, n, asn)
  return ("%s answered before the target, at or just beyond %s: a %s in the "
    .. "target's name comes from TTL %d on and over %d hops, the target's "
    .. "reply to %s from TTL %d on and over %d hops"):format(is(n),
    hop_of(found.hop, found.ip, asn), found.reply, found.first_ttl,
    found.return_hops, found.other, found.other_ttl, found.other_return_hops)
end

function PREDICATES.partly_reached(found, n, asn)
  local what = found.error and (" rejected at %s: %s"):format(
    hop_of(found.hop, found.ip, asn), error_of(found))
    or (" without a reply beyond %s (0 of %d probes)"):format(
      hop_of(found.hop, found.ip, asn), found.probes_beyond)
  local divergence = found.divergence and (", on another branch from hop %d "
    .. "on (%s in place of %s)"):format(found.divergence.ttl,
    found.divergence.ip, found.divergence.other) or ""
  return ("%s the target at hop %d with %d of %d flows; the others are%s%s")
    :format(n == 1 and "reaches" or "reach", found.target_ttl,
    found.flows_reached, found.flows, what, divergence)
end

function PREDICATES.unknown(found, n, asn)
  local stop = found.hop > 0 and hop_of(found.hop, found.ip, asn)
  if found.why == "no farther" then
    return ("%s no reply%s, and no other trace gets farther: it is unknown "
      .. "where the probes are lost"):format(n == 1 and "gets" or "get",
      stop and " beyond " .. stop or "")
  elseif found.why == "loss" then
    return ("%s no reply%s (0 of %d probes), which may be chance on a path "
      .. "that loses %s %%"):format(n == 1 and "gets" or "get",
      stop and " beyond " .. stop or "", found.probes_beyond,
      format.decimal(found.loss * 100 // 0.1 / 10))
  end
  return ("could not be sent (%s)"):format(found.why)
end

function PREDICATES.not_traced(found)
  return ("not traced: %s"):format(found.why)
end

local function predicate(found, n, asn)
  return PREDICATES[found.outcome](found, n, asn)
end

-- Groups findings that differ only in their ports.
local function groups_of(list, asn)
  local groups, by_text = {}, {}
  for _, found in ipairs(list) do
    local key = predicate(found, 1, asn)
    if not by_text[key] then
      by_text[key] = { names = {}, found = found }
      groups[#groups + 1] = by_text[key]
    end
    local names = by_text[key].names
    names[#names + 1] = found.name
  end
  return groups
end

-- The traces that reach the target, for the end of a line: "ICMP and tcp/443
-- reach the target at hop 9".
local function arrived(groups, main)
  local parts = {}
  local as_main = false
  for _, group in ipairs(groups) do
    if group.found.outcome == "reached" then
      local names = { table.unpack(group.names) }
      if main.reached and main.target_ttl == group.found.target_ttl then
        table.insert(names, 1, main.name)
        as_main = true
      end
      parts[#parts + 1] = ("%s %s"):format(list_of(names),
        predicate(group.found, #names))
    end
  end
  if main.reached and not as_main then
    table.insert(parts, 1, ("%s reaches the target at hop %d"):format(
      main.name, main.target_ttl))
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- The lines under the table.
-- @tparam {table,...} list findings
-- @tparam table main as mtrtrace.ports.judge gives it
-- @tparam function asn from an address to "AS64500" or nil
-- @treturn {string,...}
function M.lines(list, main, asn)
  local groups, lines = groups_of(list, asn), {}
  for _, group in ipairs(groups) do
    if group.found.outcome ~= "reached" then
      lines[#lines + 1] = ("%s %s"):format(list_of(group.names),
        predicate(group.found, #group.names, asn))
    end
  end
  local rest = arrived(groups, main)
  if rest and #lines == 0 then
    lines[1] = rest
  elseif rest then
    lines[1] = lines[1] .. "; " .. rest
  end
  for i, line in ipairs(lines) do
    lines[i] = line .. "."
  end
  return lines
end

--- Whether there is a text for an outcome.
-- @tparam string outcome
-- @treturn boolean
function M.has(outcome)
  return PREDICATES[outcome] ~= nil
end

local function table_of(value)
  return type(value) == "table" and value or {}
end

--- The lines of a result, which may come from a recording with other types.
-- @tparam table result with `ports` or without
-- @treturn {string,...}
function M.of(result)
  local lines = {}
  for _, line in ipairs(table_of(table_of(result.ports).lines)) do
    lines[#lines + 1] = type(line) == "string" and line or nil
  end
  return lines
end

--- The findings of a result, which may come from a recording.
-- @tparam table result
-- @treturn {table,...}
function M.findings(result)
  local list = {}
  for _, finding in ipairs(table_of(table_of(result.ports).list)) do
    list[#list + 1] = type(finding) == "table" and finding or nil
  end
  return list
end

--- The text of one finding.
-- @tparam table found
-- @tparam function asn as in `lines`
-- @treturn string
function M.text(found, asn)
  return ("%s %s."):format(found.name, predicate(found, 1, asn))
end

return M
