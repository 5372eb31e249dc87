-- SPDX-License-Identifier: BSD-2-Clause

--- One target on the live screen: from the events of its trace to a result
-- like the trace's own, at any time. Counts by the engine's own counters, so a
-- report that is saved has the figures of the report that is printed. Pure,
-- but for the counter and the facts that it is given.
-- @module mtrtrace.screen.tab
local bundle = require "mtrtrace.flows.bundle"
local counting = require "mtrtrace.session.counting"
local buckets = require "mtrtrace.screen.buckets"
local history = require "mtrtrace.screen.history"
local tables = require "mtrtrace.base.tables"
local tracer = require "mtrtrace.session.tracer"

local M = {}

local Tab = {}
Tab.__index = Tab

-- ---- events ---------------------------------------------------------------

-- What is known of each flow's path. Of a trace of one flow there is one.
local function new_way(first_hop)
  return { next_probe = 0, from_probe = 0, probed = 0,
    farthest = first_hop - 1, rate_limits = {} }
end

local function way_of(self, event)
  return self.ways[event.flow] or self.ways[1]
end

local function counter_of(self)
  if self.trace.flows then
    return counting.new(self.new_counter, self.max_hops,
      bundle.numbers(self.trace.flows))
  end
  return self.new_counter(self.max_hops)
end

local function begin_counting(self)
  self.counter = counter_of(self)
  self.history, self.buckets = history.new(), buckets.new()
  self.from_ns = self.at_ns
  for _, way in pairs(self.ways) do
    way.from_probe = way.next_probe
    -- What was found out about the hops stays true.
    for ttl, event in pairs(way.rate_limits) do
      local again = tables.copy(event)
      again.probe = way.from_probe
      way.rate_limits[ttl] = again
      self.counter:add(again)
    end
    if way.ending then
      self.counter:add(way.ending)
    end
  end
end

local KINDS = {}

KINDS["path-changed"] = function(_, way, event)
  way.end_ttl = event.ttl > 0 and event.ttl or nil
  way.ending = event.ending and event or nil
  way.reached = way.reached or event.ending == "reached"
end

function KINDS.sent(_, way, event)
  way.probed = math.max(way.probed, event.ttl)
  way.next_probe = math.max(way.next_probe, event.probe + 1)
end

-- Of several flows the last one is.
function KINDS.done(self, way)
  way.done = true
  for _, other in pairs(self.ways) do
    if not other.done then
      return
    end
  end
  self.state = "done"
end

KINDS["rate-limited"] = function(_, way, event)
  way.rate_limits[event.ttl] = event
end

-- A probe sent behind the target says nothing of the path's length. A time
-- exceeded with the target's address may be a hop's.
function KINDS.reply(_, way, event)
  if not event.target or event.reply == "time-exceeded" then
    way.farthest = math.max(way.farthest, event.ttl)
  else
    way.reached = true
  end
end

--- Takes events of the trace.
-- @tparam {table,...} list as trace:events() gives it
-- @tparam ?integer dropped how many of them nobody will see
function Tab:events(list, dropped)
  self.dropped = self.dropped + (dropped or 0)
  for _, event in ipairs(list) do
    local way = way_of(self, event)
    self.at_ns = math.max(self.at_ns, event.at_ns)
    if KINDS[event.kind] then
      KINDS[event.kind](self, way, event)
    end
    -- What was sent before the counters were reset belongs to them.
    if not event.probe or event.probe >= way.from_probe then
      self.counter:add(event)
      self.history:add(event)
      self.buckets:add(event)
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
local function last_ttl(self, way)
  local last = way.end_ttl
    or math.min(way.farthest + self.max_silent, way.probed)
  return math.max(self.first_hop - 1, math.min(last, self.max_hops))
end

-- A hop is not called silent before so many probes were not answered.
local SILENT = 3

-- The packets themselves are in no event: what they say is the trace's own.
local function answers_of(head)
  local answers = {}
  for _, hop in ipairs(head and head.hops or {}) do
    for _, responder in ipairs(hop.responders) do
      answers[responder.address] = responder.answers
    end
  end
  return answers
end

local function add_answers(hops, answers)
  for _, hop in ipairs(hops) do
    hop.silent = hop.silent and hop.sent >= SILENT
    for _, responder in ipairs(hop.responders) do
      if #(responder.answers or {}) == 0 then
        responder.answers = answers[responder.address]
      end
    end
  end
end

local function add_facts(self, hops)
  for _, hop in ipairs(hops) do
    for _, responder in ipairs(hop.responders) do
      for key, value in pairs(self.peek(responder.address)) do
        if responder[key] == nil then
          responder[key] = value
        end
      end
    end
  end
end

-- A result without its hops.
local function head_of(self, head, way)
  local out = tables.copy(head)
  out.elapsed_ns = self.at_ns - self.from_ns
  out.elapsed_s = out.elapsed_ns / 1e9
  out.reached = out.reached or way.reached or false
  out.target_ttl = way.reached and way.end_ttl or out.target_ttl
  return out
end

local function of_one(self)
  local way = self.ways[1]
  local result = head_of(self, self.trace.head, way)
  result.hops = self.counter:hops(self.first_hop, last_ttl(self, way))
  add_answers(result.hops, answers_of(self.trace.head))
  add_facts(self, result.hops)
  return tracer.enrich(result)
end

local function of_flows(self)
  local heads, answers, farthest = {}, {}, {}
  for i, flow in ipairs(self.trace.flows) do
    local way = self.ways[flow.flow]
    heads[flow.flow] = head_of(self, flow, way)
    heads[flow.flow].first_hop = self.first_hop
    heads[flow.flow].end_ttl = way.end_ttl
    heads[flow.flow].probed_hop = last_ttl(self, way)
    answers[flow.flow] = answers_of(flow)
    if i == 1 or way.reached and (way.end_ttl or 0) >= (farthest.end_ttl
      or 0) then
      farthest = way
    end
  end
  local result = self.counter:outcome(heads,
    head_of(self, self.trace.head, farthest), function(part, number)
      add_answers(part.hops, answers[number] or {})
    end, self.trace.search)
  add_facts(self, result.hops)
  return tracer.complete(result)
end

--- Whether several flows are traced.
-- @treturn boolean
function Tab:has_flows()
  return self.trace ~= nil and self.trace.flows ~= nil
end

--- The path so far.
-- @treturn ?table like the result of the trace, judged; that itself once
--   there is one; nil before it began
function Tab:snapshot()
  if self.final or not self.trace then
    return self.final
  end
  return self:has_flows() and of_flows(self) or of_one(self)
end

-- ---- life -----------------------------------------------------------------

--- The trace has begun.
-- @tparam table trace as readers get it: `name`, `target`, `options`, `head`,
--   a result of the trace that has just begun; of several flows `flows`, the
--   same of each, and `search`; `peek`, a function of an address that gives
--   facts, may be absent
function Tab:start(trace)
  self.state, self.trace, self.name = "running", trace, trace.name
  self.target = trace.head.target or trace.target
  self.first_hop = trace.head.first_hop or 1
  self.max_hops = trace.options.max_hops or 30
  self.max_silent = trace.options.max_silent or 5
  self.peek, self.ways = trace.peek or self.peek, {}
  for i, flow in ipairs(trace.flows or { {} }) do
    self.ways[flow.flow or i] = new_way(self.first_hop)
  end
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
    at_ns = 0, from_ns = 0, ways = {}, history = history.new(),
    buckets = buckets.new(),
    selected = 1, top = 1, peek = function() return {} end,
  }, Tab)
end

return M
