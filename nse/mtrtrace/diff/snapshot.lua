-- SPDX-License-Identifier: BSD-2-Clause

--- Snapshot of a trace for a comparison, independent of the file's format.
-- Pure: tables with the keys of structured output in, a snapshot out.
--
-- A snapshot is { target, name, protocol, port, source, flow_count, packets,
-- reached, target_ttl, path_id, hops, err }; `err` alone where the target was
-- not traced. A hop is { ttl, sent, received, lost_periods, longest,
-- counted: whether its loss is path loss, responders, ips: a set, target }; a
-- responder { ip, asns: a set, asn, received, avg, stdev, median, samples }.
-- Times are in ms; `samples` are there where single round trips are known.
-- @module mtrtrace.diff.snapshot
local ident = require "mtrtrace.flows.ident"

local M = {}

-- Converts a number that a document may hold as text.
local function number(value)
  return type(value) ~= "boolean" and tonumber(value) or nil
end

local function text(value)
  return type(value) == "string" and value or nil
end

local function flag(value)
  return value == true or value == "true"
end

local function list(value)
  return type(value) == "table" and value or {}
end

-- Returns the value of the first key that exists: names of keys changed
-- between versions of the formats.
local function first(from, ...)
  for i = 1, select("#", ...) do
    local value = from[(select(i, ...))]
    if value ~= nil then
      return value
    end
  end
end

-- ---- responders -----------------------------------------------------------

local function add_numbers(set, value)
  if math.type(number(value)) == "integer" then
    set[number(value)] = true
  end
  for digits in (text(value) or ""):gmatch "AS(%d+)" do
    set[math.tointeger(tonumber(digits))] = true
  end
end

-- Returns the numbers of the autonomous systems that announce an address.
local function asns_of(responder)
  local set = {}
  add_numbers(set, responder.asn)
  for _, origin in ipairs(list(responder.origins)) do
    add_numbers(set, list(origin).asn)
  end
  return set
end

local function asn_text(set)
  local numbers = {}
  for asn in pairs(set) do
    numbers[#numbers + 1] = asn
  end
  table.sort(numbers)
  for i, asn in ipairs(numbers) do
    numbers[i] = ("AS%d"):format(asn)
  end
  return #numbers > 0 and table.concat(numbers, "/") or nil
end

local function responder_of(from, samples)
  local ip = text(first(from, "ip", "address"))
  if not ip then
    return nil
  end
  local asns = asns_of(from)
  return { ip = ident.plain(ip), asns = asns, asn = asn_text(asns),
    received = number(from.received) or 0,
    avg = number(from.avg_ms),
    stdev = number(from.stdev_ms),
    median = number(from.median_ms),
    target = flag(from.target), samples = list(samples)[ip] }
end

-- ---- hops -----------------------------------------------------------------

local function is_counted(hop)
  return number(hop.loss_percent) ~= nil and (number(hop.sent) or 0) > 0
    and not flag(hop.untested) and not flag(hop.shared_rate_limit)
    and hop.lost_during_drops == nil
    and not flag(hop.better_beyond)
end

local function hop_of(from, samples)
  local ttl = number(first(from, "hop", "ttl"))
  if not ttl or math.type(ttl) ~= "integer" or ttl < 1 or ttl > 255 then
    return nil
  end
  local hop = { ttl = ttl, sent = number(from.sent) or 0,
    received = number(from.received) or 0,
    lost_periods = number(from.loss_periods),
    longest = number(from.longest_loss_period),
    counted = is_counted(from), responders = {}, ips = {} }
  for _, one in ipairs(list(from.responders)) do
    local responder = responder_of(list(one), list(samples)[ttl])
    if responder then
      hop.responders[#hop.responders + 1] = responder
      hop.ips[responder.ip], hop.target = true, hop.target or responder.target
    end
  end
  return hop
end

local function hops_of(from, samples)
  local hops = {}
  for _, one in ipairs(list(from.hops)) do
    hops[#hops + 1] = hop_of(list(one), samples)
  end
  table.sort(hops, function(a, b) return a.ttl < b.ttl end)
  return hops
end

local function is_target_alone(hop, target)
  return hop ~= nil and hop.ips[target] ~= nil
    and next(hop.ips, next(hop.ips)) == nil
end

-- Returns the hops up to the target, or to the last hop that replied. Of
-- several hops at the end with the target as their only address, the first is
-- kept.
local function trimmed(hops, target_ttl, target)
  while #hops > 0 and (#hops[#hops].responders == 0
    or target_ttl and hops[#hops].ttl > target_ttl) do
    hops[#hops] = nil
  end
  while is_target_alone(hops[#hops], target)
    and is_target_alone(hops[#hops - 1], target) do
    hops[#hops] = nil
  end
  return hops
end

-- ---- identifiers ----------------------------------------------------------

-- Returns the path as in mtrtrace.flows.ident, as far as a document has it. A
-- document does not show whether several addresses of one flow at a hop are
-- per-packet load balancing or a change of the path.
local function path_of(hops)
  local path, at = {}, hops[1] and hops[1].ttl or 1
  for _, hop in ipairs(hops) do
    while at + #path < hop.ttl do
      path[#path + 1] = false
    end
    path[#path + 1] = hop.responders[1] and hop.responders[1].ip or false
  end
  while #path > 0 and not path[#path] do
    path[#path] = nil
  end
  return path, at
end

-- ---- traces ---------------------------------------------------------------

local function flow_count(from)
  return type(from.flows) == "table" and math.max(1, #from.flows) or 1
end

--- Returns a snapshot of a trace.
-- @tparam table from under the keys of mtrtrace.report.structured; numbers
--   and flags may be texts
-- @tparam ?table samples round trips in ms in the order of their probes, by
--   TTL and address
-- @treturn ?table nil where the table is no trace
function M.of(from, samples)
  local name = text(from.name)
  if from.error ~= nil and from.hops == nil then
    return { name = name, err = tostring(from.error), hops = {} }
  elseif not text(from.target) or type(from.hops) ~= "table" then
    return nil
  end
  local reached = flag(from.reached)
  local target_ttl = reached and number(from.target_ttl) or nil
  local all = hops_of(from, samples)
  local most = 0
  for _, hop in ipairs(all) do
    most = math.max(most, hop.sent)
  end
  local hops = trimmed(all, target_ttl, ident.plain(from.target))
  return { target = ident.plain(from.target), name = name,
    protocol = text(from.protocol) or "icmp", port = number(from.port),
    source = text(from.source), source_port = number(from.source_port),
    flow_count = flow_count(from), packets = most, reached = reached,
    target_ttl = target_ttl, hops = hops,
    path_id = number(from.path_id) or #hops > 0
      and ident.number(path_of(hops)) or nil }
end

return M
