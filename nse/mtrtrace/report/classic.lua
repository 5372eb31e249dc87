-- SPDX-License-Identifier: BSD-2-Clause

--- The classic view: one line a hop, the time of each probe, as soon as it
-- is known; of several flows one for each address. Pure.
-- @module mtrtrace.report.classic
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local probes = require "mtrtrace.report.probes"
local words = require "mtrtrace.verdict.words"

local M = {}

local Classic = {}
Classic.__index = Classic

--- Takes an event.
-- @tparam table event as trace:events() gives it
function Classic:event(event)
  self.at = event.at_ns / 1e9
  self.seen:event(event)
end

-- traceroute's letters for codes of Destination Unreachable.
local MARKS = {
  ["3/0"] = "!N", ["3/1"] = "!H", ["3/2"] = "!P", ["3/4"] = "!F",
  ["3/5"] = "!S", ["3/9"] = "!X", ["3/10"] = "!X", ["3/13"] = "!X",
  ["3/14"] = "!V", ["3/15"] = "!C",
  ["1/0"] = "!N", ["1/1"] = "!X", ["1/2"] = "!S", ["1/3"] = "!H",
  ["1/4"] = "!P", ["2/0"] = "!F",
}

-- Kinds of replies that end the path of a probe.
local SAYS_NO = { unreachable = true, ["too-big"] = true }

local function mark(event)
  if not SAYS_NO[event.reply] and event.kind ~= "unreachable"
    or event.target then
    return ""
  end
  local code = ("%d/%d"):format(event.type, event.code)
  return " " .. (MARKS[code] or "!<" .. code .. ">")
end

local function place(facts)
  local row = { hop = {}, responder = facts }
  local parts = {}
  for _, key in ipairs { "asn", "geo_city", "geo_country" } do
    local text = fields.cell(fields.get(key), row)
    parts[#parts + 1] = text ~= "-" and text or nil
  end
  return #parts > 0 and (" [%s]"):format(table.concat(parts, " ")) or ""
end

-- As traceroute: with -n an address stands alone.
local function who(self, address)
  local facts = self.facts(address)
  if not facts then
    return address
  elseif self.no_names and not facts.name then
    return address .. place(facts)
  end
  return ("%s (%s)%s"):format(format.clean(facts.name) or address, address,
    place(facts))
end

local function time_of(probe)
  local event = probe.event
  if not event then
    return probe.unsent and " !" or " *"
  end
  local ms = event.rtt_ns and event.rtt_ns / 1e6
  return (" %s%s"):format(ms and format.kinds.ms.precise(ms) .. " ms" or "?",
    mark(event))
end

-- One flow: an address where it changes, then times.
local function in_turn(self, list)
  local parts, last = {}, nil
  for _, probe in ipairs(list) do
    local event = probe.event
    if event and event.from ~= last then
      last = event.from
      parts[#parts + 1] = " " .. who(self, last) .. " "
    end
    parts[#parts + 1] = time_of(probe)
  end
  return { (table.concat(parts):gsub(" +$", "")) }
end

-- Several: a line for each address, those without an answer at the end.
local function by_address(self, list)
  local lines, at, open = {}, {}, {}
  for _, probe in ipairs(list) do
    local from = probe.event and probe.event.from
    if from and not at[from] then
      at[from] = #lines + 1
      lines[at[from]] = " " .. who(self, from) .. " "
    end
    if from then
      lines[at[from]] = lines[at[from]] .. time_of(probe)
    else
      open[#open + 1] = time_of(probe)
    end
  end
  local last = math.max(#lines, 1)
  lines[last] = (lines[last] or "") .. table.concat(open)
  return lines
end

-- The probes of all flows in the order of the flows.
local function probes_of(self, hop)
  local list = self.seen:of(hop.ttl)
  if #list == 0 then
    list = self.seen:heard(hop.ttl)
  end
  return #list > 0 and list or { {} }
end

local function lines_of(self, hop)
  local lines = (#self.flows > 1 and by_address or in_turn)(self,
    probes_of(self, hop))
  for i, line in ipairs(lines) do
    lines[i] = (i == 1 and ("%2d "):format(hop.ttl) or "   ") .. line .. "\n"
  end
  return table.concat(lines)
end

-- Time after which a hop without any reply is shown as silent. Until then the
-- hop may prove rate-limited and get another sample.
local SILENT_S = 4

-- Whether a flow's outcomes are final: all probes are answered, or the hop was
-- tested for rate limiting after loss, or the hop never replied.
local function sample_is_settled(self, sample, now)
  if not sample or sample.open > 0 or #sample.order < self.packets then
    return false
  end
  sample.since = sample.since or now
  return sample.rate_limited or sample.answered == #sample.order
    or sample.answered == 0 and now - sample.since >= SILENT_S
end

-- A flow that has met its target before is not waited for.
local function goes_to(self, flow, ttl)
  return ttl <= (self.seen.ends[flow] or ttl)
end

local function is_settled(self, hop, now)
  for _, flow in ipairs(self.flows) do
    if not hop or goes_to(self, flow, hop.ttl)
      and not sample_is_settled(self, hop.flows[flow], now) then
      return false
    end
  end
  hop.since = hop.since or now
  return true
end

-- Whether the data on all responders is complete or its time limit is over.
local function is_told(self, hop, now)
  if now - hop.since >= self.grace then
    return true
  end
  for _, probe in ipairs(probes_of(self, hop)) do
    if probe.event and not select(2, self.facts(probe.event.from)) then
      return false
    end
  end
  return true
end

local function is_last(self, ttl)
  for _, flow in ipairs(self.flows) do
    if ttl < (self.seen.ends[flow] or math.huge) then
      return false
    end
  end
  return true
end

--- The lines that can be shown now.
-- @tparam ?number now seconds; those of the newest event where nil
-- @tparam ?table result of the trace where it has ended
-- @treturn string none, one or several lines
function Classic:take(now, result)
  now = now or self.at
  local lines = {}
  local last = result and result.hops[#result.hops]
  while not self.over do
    local hop = self.seen.hops[self.next]
    if result and self.next > (last and last.ttl or 0) then
      break
    elseif result then
      hop = hop or self.seen:hop(self.next)
    elseif not is_settled(self, hop, now)
      or not is_told(self, hop, now) then
      break
    end
    lines[#lines + 1] = lines_of(self, hop)
    self.over = is_last(self, hop.ttl)
    self.next = self.next + 1
  end
  return table.concat(lines)
end

--- The line above.
-- @tparam table trace `name`, `target`; `flows`, where there are several
-- @tparam table options `max_hops`
-- @tparam table head `size`, `random_size`: of the probes
-- @treturn string
function M.title(trace, options, head)
  local flows = trace.flows
    and ", " .. words.plural(#trace.flows, "flow", "flows") or ""
  local size = head.random_size and "random packet sizes up to %d bytes"
    or "%d byte packets"
  return ("mtr-trace to %s (%s), %d hops max, %s%s\n"):format(
    format.clean(trace.name), trace.target, options.max_hops,
    size:format(head.size or 0), flows)
end

--- Begins a view.
-- @tparam table options `packets`, `first_hop`
-- @tparam function facts of an address: what is known of it, such as `name`;
--   nil where addresses alone are to be shown; and whether that is all
-- @tparam ?table more `flows`: the numbers of several; `no_names`: whether
--   names are not looked up
-- @treturn table
function M.new(options, facts, more)
  more = more or {}
  return setmetatable({
    packets = options.packets, next = options.first_hop or 1,
    facts = facts, grace = 2, over = false, flows = more.flows or { 0 },
    no_names = more.no_names, seen = probes.new(more.flows), at = 0,
  }, Classic)
end

return M
