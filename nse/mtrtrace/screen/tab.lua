-- SPDX-License-Identifier: BSD-2-Clause

--- One target on the live screen: computes a result from the events of its
-- trace at any time. Uses the engine's counters, so a saved report has the
-- same figures as a printed one. Pure, except for the counter and the facts
-- that are passed in.
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

-- Returns the state of one flow's path.
local function new_path(first_hop)
  return { next_probe = 0, from_probe = 0, probed = 0,
    farthest = first_hop - 1, rate_limits = {} }
end

local function path_of(self, event)
  return self.paths[event.flow] or self.paths[1]
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
  for _, path in pairs(self.paths) do
    path.from_probe = path.next_probe
    -- Rate limits that were detected stay valid.
    for ttl, event in pairs(path.rate_limits) do
      local again = tables.copy(event)
      again.probe = path.from_probe
      path.rate_limits[ttl] = again
      self.counter:add(again)
    end
    if path.ending then
      self.counter:add(path.ending)
    end
  end
end

local KINDS = {}

KINDS["path-changed"] = function(_, path, event)
  path.end_ttl = event.ttl > 0 and event.ttl or nil
  path.ending = event.ending and event or nil
  path.reached = path.reached or event.ending == "reached"
end

function KINDS.sent(_, path, event)
  path.probed = math.max(path.probed, event.ttl)
  path.next_probe = math.max(path.next_probe, event.probe + 1)
end

-- The tab is done when the last flow is.
function KINDS.done(self, path)
  path.done = true
  for _, other in pairs(self.paths) do
    if not other.done then
      return
    end
  end
  self.state = "done"
end

KINDS["rate-limited"] = function(_, path, event)
  path.rate_limits[event.ttl] = event
end

-- A probe beyond the target does not show the path's length. Time Exceeded
-- from the target's address may come from a hop.
function KINDS.reply(_, path, event)
  if not event.target or event.reply == "time-exceeded" then
    path.farthest = math.max(path.farthest, event.ttl)
  else
    path.reached = true
  end
end

--- Handles events of the trace.
-- @tparam {table,...} list as trace:events() gives it
-- @tparam ?integer dropped number of events that were lost
function Tab:events(list, dropped)
  self.dropped = self.dropped + (dropped or 0)
  for _, event in ipairs(list) do
    local path = path_of(self, event)
    self.at_ns = math.max(self.at_ns, event.at_ns)
    if KINDS[event.kind] then
      KINDS[event.kind](self, path, event)
    end
    -- Probes sent before a reset of the counters are not counted.
    if not event.probe or event.probe >= path.from_probe then
      self.counter:add(event)
      self.history:add(event)
      self.buckets:add(event)
    end
  end
end

--- Resets the counters.
function Tab:reset()
  begin_counting(self)
end

-- ---- results --------------------------------------------------------------

-- Returns the last TTL that is shown: the end of the path, or the last hop
-- that replied and as many silent hops beyond as end a trace.
local function last_ttl(self, path)
  local last = path.end_ttl
    or math.min(path.farthest + self.max_silent, path.probed)
  return math.max(self.first_hop - 1, math.min(last, self.max_hops))
end

-- Unanswered probes from which a hop is shown as silent.
local SILENT = 3

-- Returns the raw replies of the trace's own result; events do not hold them.
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

-- Returns a result without its hops.
local function head_of(self, head, path)
  local out = tables.copy(head)
  out.elapsed_ns = self.at_ns - self.from_ns
  out.elapsed_s = out.elapsed_ns / 1e9
  out.reached = out.reached or path.reached or false
  out.target_ttl = path.reached and path.end_ttl or out.target_ttl
  return out
end

local function of_one(self)
  local path = self.paths[1]
  local result = head_of(self, self.trace.head, path)
  result.hops = self.counter:hops(self.first_hop, last_ttl(self, path))
  add_answers(result.hops, answers_of(self.trace.head))
  add_facts(self, result.hops)
  return tracer.enrich(result)
end

local function of_flows(self)
  local heads, answers, farthest = {}, {}, {}
  for i, flow in ipairs(self.trace.flows) do
    local path = self.paths[flow.flow]
    heads[flow.flow] = head_of(self, flow, path)
    heads[flow.flow].first_hop = self.first_hop
    heads[flow.flow].end_ttl = path.end_ttl
    heads[flow.flow].probed_hop = last_ttl(self, path)
    answers[flow.flow] = answers_of(flow)
    if i == 1 or path.reached and (path.end_ttl or 0) >= (farthest.end_ttl
      or 0) then
      farthest = path
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

--- Returns the current result.
-- @treturn ?table like the result of the trace, judged; the trace's own result
--   after its end; nil before its start
function Tab:snapshot()
  if self.final or not self.trace then
    return self.final
  end
  return self:has_flows() and of_flows(self) or of_one(self)
end

-- ---- start and end --------------------------------------------------------

--- Called when the trace has started.
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
  self.peek, self.paths = trace.peek or self.peek, {}
  for i, flow in ipairs(trace.flows or { {} }) do
    self.paths[flow.flow or i] = new_path(self.first_hop)
  end
  begin_counting(self)
end

--- Called when the trace has ended.
-- @tparam ?table result of the trace; nil where the trace could not start
-- @tparam ?string err the error in that case
function Tab:finish(result, err)
  self.state = result and "done" or "failed"
  self.err = err
  self.final = result
end

--- Returns a target that is not traced yet.
-- @tparam string name as the user wrote it
-- @tparam function new_counter from the most hops to a counter with add and
--   hops, as core.replay gives it
-- @treturn table
function M.new(name, new_counter)
  return setmetatable({
    name = name, state = "waiting", new_counter = new_counter, dropped = 0,
    at_ns = 0, from_ns = 0, paths = {}, history = history.new(),
    buckets = buckets.new(),
    selected = 1, top = 1, peek = function() return {} end,
  }, Tab)
end

return M
