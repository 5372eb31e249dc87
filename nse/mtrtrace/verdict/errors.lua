-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on ICMP errors other than time exceeded: their source, the number
-- of probes that did not arrive, and the time. These probes count as lost, as
-- without a report; the verdict adds the cause. Pure.
-- @module mtrtrace.verdict.errors
local format = require "mtrtrace.base.format"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Reports no further apart than this belong to one period: during an outage
-- even a rate-limited router reports about once a second.
local SAME_TIME_S = 3

-- The minimum link MTU: RFC 791 and RFC 8200 section 5.
local LEAST_MTU = { [4] = 68, [6] = 1280 }

local seconds = format.kinds.seconds.text

--- Whether a Packet Too Big is invalid: no link with the MTU it names can be
-- too narrow for the probes. IPv4 routers older than RFC 1191 name no MTU.
-- @tparam ?integer mtu 0 if the error names none; nil for another error
-- @tparam integer size of the probes
-- @tparam string target gives the address family
-- @treturn boolean
function M.is_invalid(mtu, size, target)
  local version = target:find(":", 1, true) and 6 or 4
  local least = LEAST_MTU[version]
  return mtu ~= nil and (mtu >= size or size <= least
    or mtu < least and (mtu > 0 or version == 6))
end

-- The first TTL at which an address is a hop.
local function hop_of(result, address)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      if responder.address == address and not responder.target then
        return hop.ttl
      end
    end
  end
end

local function join_periods(periods)
  table.sort(periods, function(a, b)
    return a.first < b.first or a.first == b.first and a.last < b.last
  end)
  local out = {}
  for _, period in ipairs(periods) do
    local last = out[#out]
    if last and period.first - last.last < SAME_TIME_S then
      last.last = math.max(last.last, period.last)
    else
      out[#out + 1] = { first = period.first, last = period.last }
    end
  end
  return out
end

-- The reports of all TTLs, grouped by sender and kind. A report by the last
-- hop itself ends the path.
local function reports_of(result)
  local out, by_key = {}, {}
  for i, hop in ipairs(result.hops) do
    for _, report in ipairs(hop.reports or {}) do
      local ends = report.own and i == #result.hops
      local key = ("%s %s %s %s"):format(report.address, report.name,
        report.mtu or "", ends)
      local entry = by_key[key]
      if not entry then
        entry = { report = report, count = 0, periods = {}, ends = ends,
          from = hop.ttl }
        by_key[key], out[#out + 1] = entry, entry
      end
      entry.count, entry.to = entry.count + report.count, hop.ttl
      for _, period in ipairs(report.periods) do
        entry.periods[#entry.periods + 1] = period
      end
    end
  end
  return out
end

-- The number of probes that had to pass the reporting router, at least the
-- number that it reported.
local function probes_of(result, entry, at)
  local sent = 0
  for _, hop in ipairs(result.hops) do
    if hop.ttl >= (at and at < entry.from and at + 1 or entry.from) then
      sent = sent + hop.total_sent
    end
  end
  return math.max(sent, entry.count)
end

local function when(periods)
  local first, last = periods[1].first, periods[#periods].last
  return ("%s %s s to %s s"):format(#periods > 1
    and ("%d times from"):format(#periods) or "from", seconds(first),
    seconds(last))
end

local function who(result, address, at)
  if address == result.source then
    return ("%s, this host's own address,"):format(address)
  end
  return at and ("%s at hop %d"):format(address, at)
    or ("%s, no hop of this path,"):format(address)
end

local function what(report, result)
  if not report.mtu then
    return ("reported %s"):format(report.name)
  end
  local named = report.mtu > 0 and ("MTU %d"):format(report.mtu) or "no MTU"
  if M.is_invalid(report.mtu, result.size, result.target) then
    return ("sent an invalid Packet Too Big (%s for probes of %s)"):format(
      named, words.sizes(result))
  end
  return ("reported %s (%s)"):format(report.name, named)
end

local function verdict_of(result, entry)
  local report, periods = entry.report, join_periods(entry.periods)
  local at = hop_of(result, report.address)
  local v = {
    kind = M.is_invalid(report.mtu, result.size, result.target)
      and "invalid_too_big" or "unreachable",
    hop = at, from = entry.from, to = entry.to, what = report.name,
    address = report.address, mtu = report.mtu, lost = entry.count,
    sent = probes_of(result, entry, at), at = periods[1].first,
    until_s = periods[#periods].last, periods = #periods,
  }
  v.text = ("%s %s for %d of %s, %s."):format(
    who(result, report.address, at), what(report, result), v.lost,
    words.plural(v.sent, "probe", "probes"), when(periods))
  return v
end

--- Verdicts on ICMP errors other than time exceeded. An error that ends the
-- path is shown with the path's end and gets a verdict only if it is invalid.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} of the kinds unreachable and invalid_too_big
function M.list(result)
  local out = {}
  for _, entry in ipairs(reports_of(result)) do
    local v = verdict_of(result, entry)
    if not entry.ends or v.kind == "invalid_too_big" then
      out[#out + 1] = v
    end
  end
  return out
end

return M
