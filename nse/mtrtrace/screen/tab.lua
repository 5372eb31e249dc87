-- SPDX-License-Identifier: BSD-2-Clause
--- One target on the live screen: from the events of its trace to a result
-- like the trace's own, at any time. Counts by the engine's own tally, so a
-- report that is saved has the figures of the report that is printed. Pure,
-- but for the counter and the facts that it is given.
-- @module mtrtrace.screen.tab
local history = require "mtrtrace.screen.history"
local tracer = require "mtrtrace.tracer"

local M = {}

local Tab = {}
Tab.__index = Tab

-- ---- events ---------------------------------------------------------------

local function begin_counting(self)
  self.counter = self.new_counter(self.max_hops)
  self.history = history.new()
  self.from_probe = self.next_probe
  self.from_ns = self.at_ns
  -- What was found out about the hops stays true.
  for ttl, event in pairs(self.rations) do
    local again = {}
    for key, value in pairs(event) do
      again[key] = value
    end
    again.probe = self.from_probe
    self.rations[ttl] = again
    self.counter:add(again)
  end
end

local KINDS = {}

KINDS["path-changed"] = function(self, event)
  self.end_ttl = event.ttl > 0 and event.ttl or nil
end

function KINDS.sent(self, event)
  self.probed = math.max(self.probed, event.ttl)
  self.next_probe = math.max(self.next_probe, event.probe + 1)
end

function KINDS.done(self)
  self.state = "done"
end

function KINDS.rationed(self, event)
  self.rations[event.ttl] = event
end

-- A probe sent behind the target says nothing of the path's length.
function KINDS.reply(self, event)
  if not event.target then
    self.farthest = math.max(self.farthest, event.ttl)
  else
    self.reached = true
  end
end

--- Takes events of the trace.
-- @tparam {table,...} list as trace:events() gives it
-- @tparam ?integer dropped how many of them nobody will see
function Tab:events(list, dropped)
  self.dropped = self.dropped + (dropped or 0)
  for _, event in ipairs(list) do
    self.at_ns = math.max(self.at_ns, event.at_ns)
    if KINDS[event.kind] then
      KINDS[event.kind](self, event)
    end
    -- What was sent before the counters were reset belongs to them.
    if not event.probe or event.probe >= self.from_probe then
      self.counter:add(event)
      self.history:add(event)
    end
  end
end

--- Begins to count anew.
function Tab:reset()
  begin_counting(self)
end

-- ---- results --------------------------------------------------------------

-- The last TTL that is shown: the end of the path, or as many silent hops
-- behind the last one that answered as end the search.
local function last_ttl(self)
  local last = self.end_ttl
    or math.min(self.farthest + self.max_silent, self.probed)
  return math.max(self.first_hop - 1, math.min(last, self.max_hops))
end

-- A hop is not called silent before so many probes were not answered.
local SILENT = 3

-- The packets themselves are in no event: what they say is the trace's own.
local function answers_of(head)
  local answers = {}
  for _, hop in ipairs(head.hops or {}) do
    for _, responder in ipairs(hop.responders) do
      answers[responder.address] = responder.answers
    end
  end
  return answers
end

local function annotate(self, hops)
  local answers = answers_of(self.trace.head)
  for _, hop in ipairs(hops) do
    hop.silent = hop.silent and hop.sent >= SILENT
    for _, responder in ipairs(hop.responders) do
      if #(responder.answers or {}) == 0 then
        responder.answers = answers[responder.address]
      end
      for key, value in pairs(self.peek(responder.address)) do
        if responder[key] == nil then
          responder[key] = value
        end
      end
    end
  end
end

--- The path so far.
-- @treturn ?table like the result of the trace, judged; that itself once
--   there is one; nil before it began
function Tab:snapshot()
  if self.final or not self.trace then
    return self.final
  end
  local result = {}
  for key, value in pairs(self.trace.head) do
    result[key] = value
  end
  result.hops = self.counter:hops(self.first_hop, last_ttl(self))
  annotate(self, result.hops)
  result.elapsed_ns = self.at_ns - self.from_ns
  result.elapsed = result.elapsed_ns / 1e9
  result.reached = result.reached or self.reached or false
  result.target_ttl = self.reached and self.end_ttl or result.target_ttl
  return tracer.enrich(result)
end

-- ---- life -----------------------------------------------------------------

--- The trace has begun.
-- @tparam table trace as readers get it: `name`, `target`, `options`, `head`,
--   a result of the trace that has just begun; `peek`, a function of an
--   address that gives facts, may be absent
function Tab:start(trace)
  self.state, self.trace, self.name = "running", trace, trace.name
  self.target = trace.head.target or trace.target
  self.first_hop = trace.head.first_hop or 1
  self.max_hops = trace.options.max_hops or 30
  self.max_silent = trace.options.max_silent or 5
  self.farthest = self.first_hop - 1
  self.peek = trace.peek or self.peek
  begin_counting(self)
end

--- The trace has ended.
-- @tparam ?table result what it found; nil where it could not begin
-- @tparam ?string err why
function Tab:finish(result, err)
  self.state = result and "done" or "failed"
  self.err = err
  self.final = result
end

--- A target that is not traced yet.
-- @tparam string name as the user wrote it
-- @tparam function new_counter from the most hops to a counter with add and
--   hops, as core.replay gives it
-- @treturn table
function M.new(name, new_counter)
  return setmetatable({
    name = name, state = "waiting", new_counter = new_counter, dropped = 0,
    next_probe = 0, from_probe = 0, at_ns = 0, from_ns = 0, probed = 0,
    farthest = 0, rations = {}, history = history.new(), selected = 1,
    top = 1, peek = function() return {} end,
  }, Tab)
end

return M
