-- SPDX-License-Identifier: BSD-2-Clause

--- Traces for the live screen: endless, with a pause, and with options that
-- the user changes during the trace. Replaces mtrtrace.session.tracer.run in a
-- run.
--
-- A trace of the engine has an end and fixed options, so a new trace follows
-- where either is reached or changed. Probe numbers continue, and readers see
-- one stream of events. The old trace stops sending when it is no longer
-- polled (see PROBER_LEASE_MS); its probes in flight get their outcome before
-- the new trace starts, so no probe is lost.
--
-- An endless sample is never tested for rate limiting. Where routers may get
-- more probes than their rate limit allows, because the interval is short or
-- several targets share routers, a survey goes before: a trace of one counted
-- probe in which the engine detects rate-limited routers, whose pace later
-- traces keep.
-- @module mtrtrace.screen.live
local limit = require "mtrtrace.session.deadline"
local tables = require "mtrtrace.base.tables"
local tracer = require "mtrtrace.session.tracer"

local M = {}

local Live = {}
Live.__index = Live

local POLL_S, LOOK_POLLS, EARLY_POLLS = 0.1, 10, 5

-- Largest number of counted probes in a trace of the engine, and the number
-- from which another trace follows.
M.MOST = 100000
local ENOUGH = 99000

-- The engine's lease (PROBER_LEASE_MS), and the least timeout of a reply.
local LEASE_S, REPLY_TIMEOUT_S, MARGIN_S = 1.0, 1.0, 0.2

local INTERVAL_S = 1

-- Interval from which one target needs no survey: known rate limits allow at
-- least one reply per second. Targets that share a router share its rate
-- limit.
local REFILL_S = 1.0

-- Longest duration of a survey, and of the enrichers that send before counting
-- begins.
local SURVEY_S, FIRST_S = 8, 5

local function stopped(host)
  return host.stopped and host.stopped() or false
end

-- ---- one trace of the engine ----------------------------------------------

local OUTCOMES = { reply = true, timeout = true, ["send-error"] = true,
  unreachable = true }

-- Records the length of the path and whether the target was reached.
local function note_path(job, event)
  if event.kind == "path-changed" then
    job.reached = job.reached or event.ending == "reached"
    job.known_hop = event.ending == "reached"
      and math.max(job.known_hop, event.ttl) or job.known_hop
  elseif event.kind == "reply" and not event.target then
    job.known_hop = math.max(job.known_hop, event.ttl)
  elseif event.target and event.reply ~= "time-exceeded" then
    job.reached = true
  end
end

-- Continues the probe numbers of the trace before. Only the end of the last
-- trace is passed on.
local function renumber(job, list)
  if list[1] and list[#list].kind == "done" and job.survey then
    list[#list] = nil
  end
  for _, event in ipairs(list) do
    if event.kind == "sent" then
      job.open = job.open + 1
    elseif OUTCOMES[event.kind] and not event.late then
      job.open = job.open - 1
    end
    -- With one target, shared probes are those of the trace before.
    event.shared = not job.alone and event.shared or nil
    if event.probe then
      event.probe = event.probe + job.base_probe
      job.next_probe = math.max(job.next_probe, event.probe + 1)
    end
    note_path(job, event)
    event.at_ns = event.at_ns + job.base_ns
    job.at_ns = math.max(job.at_ns, event.at_ns)
  end
  return list
end

local function read(job)
  local list, dropped = job.engine:events()
  job.reader.events(renumber(job, list), dropped)
end

-- Returns the longest time to wait for replies to probes in flight.
local function reply_timeout(job)
  local worst = 0
  for _, hop in ipairs(job.trace.head.hops) do
    for _, responder in ipairs(hop.responders) do
      worst = math.max(worst, responder.worst_ms or 0)
    end
  end
  return math.min(job.options.timeout or 5,
    math.max(REPLY_TIMEOUT_S, 4 * worst / 1000))
end

-- ---- changes --------------------------------------------------------------

-- Waits until all probes in flight have an outcome.
local function drain(host, job)
  if job.finished then
    return
  end
  local until_s = host.now() + LEASE_S + reply_timeout(job) + MARGIN_S
  while host.now() < until_s and not stopped(host) do
    host.sleep(POLL_S)
  end
  read(job)
end

-- Several flows count like several targets: they share routers.
local function needs_survey(self, job)
  local sharers = self.targets * job.sharers
  return self.options.interval < (sharers > 1
    and self.core.token_interval_s * sharers or REFILL_S)
end

local function options_of(self, job)
  local out = tables.update(tables.copy(job.options), self.options)
  if job.survey then
    out.interval, out.packets = nil, 1
  else
    out.surveyed = true -- or the interval is one that no router limits
  end
  -- Within a run, an error from a hop before the known end does not end the
  -- path.
  out.known_hop = job.known_hop > 0 and job.known_hop or nil
  return out
end

-- Starts the next trace; returns true, or nil and an error.
local function begin(self, host, job)
  local options = options_of(self, job)
  local engine, text, name = tracer.start(self.core, options, job.search)
  if not engine then
    return nil, text, name
  end
  job.engine, job.began, job.finished = engine, host.now(), false
  job.seen, job.open = self.version, 0
  job.trace.busy = job.survey and "testing the pace" or nil
  if not job.announced then
    job.announced = true
    job.reader.begin(engine, options, job.search)
  end
  return true
end

local function go_on_counting(self, host, job)
  drain(host, job)
  job.engine:close()
  job.base_probe, job.base_ns = job.next_probe, job.at_ns
  return begin(self, host, job)
end

local function count_anew(self, host, job)
  job.engine:close()
  job.base_probe, job.base_ns, job.next_probe, job.at_ns = 0, 0, 0, 0
  job.announced, job.known_hop = false, 0
  return begin(self, host, job)
end

local function follow(self, host, job)
  local keeps = job.anew == self.anew
  job.survey = job.seen ~= self.version and needs_survey(self, job)
  job.anew = self.anew
  job.trace.busy = "changing"
  return (keeps and go_on_counting or count_anew)(self, host, job)
end

-- Whether enrichers that send before counting begins still send.
local function is_first_active(host, job)
  local asking = 0
  for _, enricher in ipairs(job.enrichers) do
    asking = asking + (enricher.first and enricher:poll() or 0)
  end
  return asking > 0 and host.now() - job.began < SURVEY_S + FIRST_S
end

local function is_used_up(self, host, job)
  if job.survey then
    return (job.finished or host.now() - job.began > SURVEY_S)
      and not is_first_active(host, job)
  end
  return not self.finite and host.now() - job.began
    > ENOUGH * self.options.interval
end

-- ---- polling --------------------------------------------------------------

local function look(job)
  job.polls = job.polls + 1
  if job.polls > EARLY_POLLS and job.polls % LOOK_POLLS ~= 0
    and not job.finished then
    return
  end
  job.trace.head = job.engine:result()
  job.trace.flows = job.engine.flows and job.engine:flows()
  tracer.see(job.enrichers, job.trace.head)
  for _, enricher in ipairs(job.enrichers) do
    if enricher.preview then
      enricher:preview(job.trace.head)
    end
  end
end

local function poll(job)
  if not job.finished then
    job.finished = job.engine:done()
    read(job)
    look(job)
  end
  for _, enricher in ipairs(job.enrichers) do
    enricher:poll()
  end
end

local function watch(self, host, job)
  while not stopped(host) do
    host.sleep(POLL_S)
    local ok, text, name = true, nil, nil
    if job.seen ~= self.version or is_used_up(self, host, job) then
      ok, text, name = follow(self, host, job)
    elseif not self.paused then
      poll(job)
    end
    if not ok then
      return nil, text, name
    end
  end
  return true
end

local function finish(job)
  job.engine:stop()
  read(job)
  local result = tracer.outcome(job.engine, job.search)
  job.engine:close()
  for _, enricher in ipairs(job.enrichers) do
    enricher:leave()
    enricher:annotate(result)
  end
  -- A stopped trace does not show whether its target replies.
  result.reached = result.reached or job.reached
  return tracer.complete(result)
end

-- Multipath detection runs once, even where the target is traced again later.
local function look_for_paths(host, core, job)
  if not job.options.paths then
    return true
  end
  job.trace.busy = "looking for paths"
  local text, name
  job.search, text, name = tracer.search(host, core, job.options,
    job.enrichers)
  if job.search then
    job.sharers = math.max(job.sharers, job.search.flow_count)
  end
  return job.search and true or nil, text, name
end

-- Whether an enricher sends before counting begins.
local function has_first(enrichers)
  for _, enricher in ipairs(enrichers) do
    if enricher.first then
      return true
    end
  end
  return false
end

--- Traces a target until the run is stopped; see mtrtrace.session.tracer.run.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table options
-- @tparam {table,...} enrichers
-- @tparam table reader called for each trace with new counts, and for events
-- @tparam table trace as readers get it; its `head` is kept up to date
-- @treturn ?table result of the engine's last trace
-- @treturn ?string an error
-- @treturn ?string the error's name
function Live:trace(host, core, options, enrichers, reader, trace)
  host = limit.bounded(host, options.limit)
  local job = { options = options, enrichers = enrichers,
    reader = reader, trace = trace, polls = 0, anew = self.anew, open = 0,
    base_probe = 0, base_ns = 0, next_probe = 0, at_ns = 0,
    reached = false, known_hop = 0, sharers = options.flows or 1,
    alone = self.targets == 1 }
  local ok, text, name = look_for_paths(host, core, job)
  job.survey = needs_survey(self, job) or has_first(enrichers)
  if ok then
    ok, text, name = begin(self, host, job)
  end
  if ok then
    ok, text, name = watch(self, host, job)
  end
  if not ok then
    return nil, text, name
  end
  return finish(job)
end

-- ---- the user's changes ---------------------------------------------------

--- Pauses or continues sending.
-- @tparam boolean paused
function Live:pause(paused)
  self.paused = paused
end

--- Changes options of all traces. Counts continue with a new interval; any
-- other change starts new counts.
-- @tparam table changes by the names of core.trace
-- @treturn ?string an error, one sentence
function Live:set(changes)
  if self.fixed then
    return "a run that is recorded keeps its options"
  end
  for key, value in pairs(changes) do
    self.options[key] = value
    self.anew = self.anew + (key ~= "interval" and 1 or 0)
    self.finite = self.finite or key == "packets"
  end
  self.version = self.version + 1
end

--- Returns a runner of endless traces.
-- @tparam table core the module mtrtrace.core
-- @tparam table options `interval`: seconds, 1 where nil; `packets`: nil for
--   no end; `fixed`: whether they may not change; `targets`: how many
-- @treturn table
function M.new(core, options)
  return setmetatable({ core = core, version = 1, anew = 0, paused = false,
    fixed = options.fixed, targets = options.targets or 1,
    finite = options.packets ~= nil,
    options = { interval = options.interval or INTERVAL_S,
      packets = options.packets or M.MOST } }, Live)
end

return M
