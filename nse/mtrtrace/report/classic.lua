-- SPDX-License-Identifier: BSD-2-Clause
--- The classic view: one line a hop, the time of each probe, as soon as it
-- is known. Counts events itself, because it shows single probes. Pure.
-- @module mtrtrace.report.classic
local fields = require "mtrtrace.fields"
local format = require "mtrtrace.format"

local M = {}

local Classic = {}
Classic.__index = Classic

local function hop_of(self, ttl)
  local hop = self.hops[ttl]
  if not hop then
    hop = { ttl = ttl, probes = {}, order = {}, open = 0, answered = 0 }
    self.hops[ttl] = hop
  end
  return hop
end

-- Outcomes by kind of event. A probe that counts no more is forgotten.
local TAKE = {}

TAKE.sent = function(hop, event)
  hop.order[#hop.order + 1] = event.probe
  hop.probes[event.probe] = {}
  hop.open = hop.open + 1
end

local function close(hop, event)
  local probe = hop.probes[event.probe]
  if probe and not probe.done then
    probe.done = true
    hop.open = hop.open - 1
  end
  return probe
end

TAKE.reply = function(hop, event)
  local probe = close(hop, event)
  if probe then
    probe.event = event
    hop.answered = hop.answered + 1
    hop.target = hop.target or event.target
  end
end

TAKE.late = TAKE.reply
TAKE.timeout = close

TAKE["send-error"] = function(hop, event)
  local probe = close(hop, event)
  if probe then
    probe.unsent = true
  end
end

--- Takes an event.
-- @tparam table event as trace:events() gives it
function Classic:event(event)
  self.at = event.at_ns / 1e9
  if event.kind == "rationed" then
    self.hops[event.ttl] = nil
    hop_of(self, event.ttl).rationed = true
  elseif event.class == "counted" and TAKE[event.kind] then
    TAKE[event.kind](hop_of(self, event.ttl), event)
  end
end

-- What an unreachable says, in traceroute's letters.
local MARKS = {
  ["3/0"] = "!N", ["3/1"] = "!H", ["3/2"] = "!P", ["3/4"] = "!F",
  ["3/5"] = "!S", ["3/9"] = "!X", ["3/10"] = "!X", ["3/13"] = "!X",
  ["1/0"] = "!N", ["1/1"] = "!X", ["1/3"] = "!H", ["1/4"] = "!P",
}

local function mark(event)
  if event.reply ~= "unreachable" or event.target then
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

local function who(address, facts)
  if not facts then
    return address
  end
  return ("%s (%s)%s"):format(format.clean(facts.name) or address, address,
    place(facts))
end

local function line_of(self, hop)
  local parts, last = { ("%2d "):format(hop.ttl) }, nil
  for _, number in ipairs(hop.order) do
    local probe = hop.probes[number]
    local event = probe.event
    if event and event.from ~= last then
      last = event.from
      parts[#parts + 1] = " " .. who(last, self.facts(last)) .. " "
    end
    if event then
      local ms = event.rtt_ns and event.rtt_ns / 1e6
      parts[#parts + 1] = (" %s%s"):format(ms
        and format.kinds.ms.precise(ms) .. " ms" or "?", mark(event))
    else
      parts[#parts + 1] = probe.unsent and " !" or " *"
    end
  end
  return (table.concat(parts):gsub(" +$", "")) .. "\n"
end

-- A hop that answered nothing is taken for silent after so long; until then
-- it may turn out to ration its answers, and get another sample.
local SILENT_S = 4

-- Whether a hop's line cannot change any more: all is answered, or what was
-- lost has been tested for rationing, or nothing ever was answered.
local function is_settled(self, hop, now)
  if not hop or hop.open > 0 or #hop.order < self.packets then
    return false
  end
  hop.since = hop.since or now
  return hop.rationed or hop.answered == #hop.order
    or hop.answered == 0 and now - hop.since >= SILENT_S
end

-- Whether all is known of those who answered, or was waited for enough.
local function is_told(self, hop, now)
  if now - hop.since >= self.patience then
    return true
  end
  for _, number in ipairs(hop.order) do
    local event = hop.probes[number].event
    if event and not select(2, self.facts(event.from)) then
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
    local hop = self.hops[self.next]
    if result and self.next > (last and last.ttl or 0) then
      break
    elseif result then
      hop = hop or hop_of(self, self.next)
    elseif not is_settled(self, hop, now)
      or not is_told(self, hop, now) then
      break
    end
    lines[#lines + 1] = line_of(self, hop)
    self.over = hop.target
    self.next = self.next + 1
  end
  return table.concat(lines)
end

--- The line above.
-- @tparam table trace `name`, `target`
-- @tparam table options `max_hops`
-- @tparam ?integer size of the probes, bytes
-- @treturn string
function M.title(trace, options, size)
  return ("mtr-trace to %s (%s), %d hops max, %d byte packets\n"):format(
    format.clean(trace.name), trace.target, options.max_hops, size or 0)
end

--- Begins a view.
-- @tparam table options `packets`, `first_hop`
-- @tparam function facts of an address: what is known of it, such as `name`;
--   nil where addresses alone are to be shown; and whether that is all
-- @treturn table
function M.new(options, facts)
  return setmetatable({
    packets = options.packets, next = options.first_hop or 1, hops = {},
    facts = facts, patience = 2, over = false,
    at = 0,
  }, Classic)
end

return M
