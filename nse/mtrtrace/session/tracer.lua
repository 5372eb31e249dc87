-- SPDX-License-Identifier: BSD-2-Clause

--- Runs one trace to its end, in direct style, over a host: the event loop
-- it lives in. Waits by host.sleep alone, so it never blocks the loop; it
-- opens no socket and reads no clock.
--
-- A host is { sleep = function(seconds, keep), longer where others have much
-- to do; `keep`: nil or a function, called at least once a second, that keeps
-- going what stops where nobody looks; now = function() -> seconds that never
-- fall, log = function(text), verbose = function() -> boolean, stopped
-- = nil or function() -> boolean: true ends all traces as they are, await_all
-- = nil or function(test, seconds): returns once test() is true, which it asks
-- that often, together with all others that wait so, breathe = nil or
-- function(begins): called between two pieces of work; `begins`: the trace is
-- still to start }.
--
-- An enricher finds out more beside the trace: names and networks, what a
-- hop runs, the time of a web server. It is { see = nil or function(self,
-- result): what is known so far, without `answers` before the end; poll =
-- function(self) -> how many answers are outstanding; leave = function(self):
-- no more is waited for; annotate = function(self, result): what was found
-- goes into the result; grace = nil or function(self) -> for how many seconds
-- it is worth waiting once the trace is done, where more than usual, and why:
-- a few words }. None of them may yield.
-- @module mtrtrace.session.tracer
local bundle = require "mtrtrace.flows.bundle"
local fields = require "mtrtrace.table.fields"
local judge = require "mtrtrace.verdict.flows"
local outcome = require "mtrtrace.session.outcome"
local limit = require "mtrtrace.session.deadline"
local outlook = require "mtrtrace.session.outlook"
local paths_search = require "mtrtrace.flows.search"
local special = require "mtrtrace.base.special"
local tables = require "mtrtrace.base.tables"
local verdict = require "mtrtrace.verdict.trace"

local M = {}

-- The engine pauses a trace that nobody polls for a second.
local POLL_S = 0.1

-- How long enrichers may hold up the table, all together, and the shortest
-- sleep that Nmap's timeouts see.
local GRACE_S, WAIT_S = 3, 0.06

local function classify(result, class_of)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      responder.special = class_of(responder.address) or nil
    end
  end
end

--- Adds what is known about each address, `special`: its class; and what
-- the whole shows, `verdicts` and marks of hops, as mtrtrace.verdict.flows
-- does.
-- @tparam table result of one flow, as given by trace:result(); changed in
--   place
-- @treturn table the same
function M.enrich(result)
  classify(result, special.class)
  return judge.one(result)
end

local function hop_line(hop)
  local row = { hop = hop, responder = hop.responders[1], first = true }
  local time = fields.cell(fields.get("avg"), row)
  return ("hop %d: %s%s"):format(hop.ttl,
    fields.cell(fields.get("ip"), row),
    time ~= "-" and ("  %s ms"):format(time) or "")
end

-- Logs the hops that were not there before.
local function announce(host, result, seen)
  for _, hop in ipairs(result.hops) do
    if #hop.responders > 0 and not seen[hop.ttl] then
      seen[hop.ttl] = true
      host.log(hop_line(hop))
    end
  end
end

-- Misuse raises in the engine; here it can only come from option values
-- that depend on the target, so it becomes an answer like the others.
local function guarded(start, ...)
  local ok, trace, text, name = pcall(start, ...)
  if not ok then
    return nil, tostring(trace):match("%((.*)%)$") or tostring(trace),
      "MISUSE"
  end
  return trace, text, name
end

-- A result costs more than a poll: it is taken each time while the path is
-- being found, and now and then later.
local EARLY_POLLS, LATER = 5, 4

-- The same where nobody looks before the end: of thousands of traces.
local SELDOM = 20

-- A path without rate limits is done that long after its last counted probe,
-- or soon after.
local TESTS_S, SOON_LOOKS = 0.04, 5

-- When a trace is looked at: every 0.1 s, right when it may be done, and more
-- often for a while from then on.
local function looks_of(host, core, options)
  local sample = (options.packets or core.packets) - 1
  local done_at = host.now() + TESTS_S
    + sample * (options.interval or core.interval_s)
  local soon = SOON_LOOKS
  return function()
    local left = done_at - host.now()
    if left <= 0 and soon > 0 then
      soon = soon - 1
      return WAIT_S
    end
    return left > 0 and left < POLL_S + WAIT_S and math.max(left, WAIT_S)
      or POLL_S
  end
end

-- A trace that takes longer is worth a word, once it is known why.
local LONG_POLLS = 30

local function foretell(host, trace)
  local seconds, ttl = outlook.seconds(trace:result(),
    trace.flows and trace:flows())
  if ttl then
    host.log(("hop %d rate-limits its answers: about %d s more"):format(ttl,
      math.ceil(seconds)))
  end
end

--- Hands a result to those enrichers that take one.
-- @tparam {table,...} enrichers
-- @tparam table result
function M.see(enrichers, result)
  for _, enricher in ipairs(enrichers) do
    if enricher.see then
      enricher:see(result)
    end
  end
end

local function poll(enrichers)
  local outstanding = 0
  for _, enricher in ipairs(enrichers) do
    outstanding = outstanding + enricher:poll()
  end
  return outstanding
end

local function stopped(host)
  return host.stopped and host.stopped() or false
end

-- Whether the trace is over; where it was stopped nothing more happens to
-- it, so that its figures are those of the events that are told.
local function is_over(host, trace)
  if stopped(host) then
    trace:stop()
    return true
  end
  return trace:done()
end

-- Nothing to look at meanwhile: the host looks at all such traces at once.
local function await(host, trace)
  host.await_all(function() return is_over(host, trace) end, POLL_S)
end

local function is_time_to_see(polls, late)
  if late then
    return polls % SELDOM == 0
  end
  return polls <= EARLY_POLLS or polls % LATER == 0
end

local function any_sees(enrichers)
  for _, enricher in ipairs(enrichers) do
    if enricher.see then
      return true
    end
  end
  return false
end

-- Polls until the trace is done; hands on what becomes known.
local function watch(host, core, trace, options, enrichers, reader)
  local seen, polls, done = {}, 0, false
  if host.await_all and #enrichers == 0 and not host.verbose()
    and not (reader and reader.events) then
    return await(host, trace)
  end
  local next_look, taken = looks_of(host, core, options), any_sees(enrichers)
  local function keep() trace:done() end
  poll(enrichers)
  while not done do
    host.sleep(next_look(), keep)
    done, polls = is_over(host, trace), polls + 1
    if reader and reader.events then
      reader.events(trace:events())
    end
    if host.verbose() then
      announce(host, trace:result(), seen)
      if polls == LONG_POLLS and not done then
        foretell(host, trace)
      end
    end
    if taken and is_time_to_see(polls, reader and reader.late) then
      M.see(enrichers, trace:result(false))
    end
    poll(enrichers)
  end
end

-- The answers that are still worth waiting for, so long after the end.
local function worthwhile(enrichers, waited)
  local outstanding = 0
  for _, enricher in ipairs(enrichers) do
    local left = enricher:poll()
    local grace = left > 0 and enricher.grace and enricher:grace() or GRACE_S
    outstanding = outstanding + (waited < grace and left or 0)
  end
  return outstanding
end

-- Who waits for long is told what for.
local function explain(host, enrichers)
  for _, enricher in ipairs(enrichers) do
    local seconds, why
    if enricher.grace and enricher:poll() > 0 then
      seconds, why = enricher:grace()
    end
    if why then
      host.log(("%s: up to %d s more"):format(why, seconds - GRACE_S))
    end
  end
end

local function breathe(host, begins)
  if host.breathe then
    host.breathe(begins)
  end
end

-- The trace has ended: what is outstanding is waited for, but not long.
local function wait(host, enrichers, result)
  if #enrichers == 0 then
    return
  end
  local ended, told = host.now(), false
  M.see(enrichers, result)
  while worthwhile(enrichers, host.now() - ended) > 0
    and not stopped(host) do
    host.sleep(WAIT_S)
    if not told and host.now() - ended >= GRACE_S then
      told = true
      explain(host, enrichers)
    end
  end
  for _, enricher in ipairs(enrichers) do
    breathe(host)
    enricher:leave()
    enricher:annotate(result)
  end
end

-- The options of one trace among those of the run.
local function of_engine(options, figures)
  local out = tables.copy(options)
  out.flows, out.paths, out.limit = nil, nil, nil
  out.figures = figures
  return out
end

--- Starts one flow, or several as one: those that the search has found, or
-- the first ones.
-- @tparam table core the module mtrtrace.core
-- @tparam table options see run
-- @tparam ?table search as mtrtrace.flows.search gives it
-- @tparam ?boolean figures see run; of several flows all is kept
-- @treturn ?table as core.trace gives it, or mtrtrace.flows.bundle
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name
function M.start(core, options, search, figures)
  local numbers = bundle.first(options.flows or 1)
  if search then
    numbers, search.whole = paths_search.flows(search, #numbers)
  end
  if #numbers == 1 and not search then
    return guarded(core.trace, of_engine(options, figures))
  end
  return guarded(bundle.start, core, of_engine(options), numbers)
end

--- The result of one flow, or of all with what each of them shows.
-- @tparam table trace as start gives it
-- @tparam ?table search as mtrtrace.flows.search gives it
-- @tparam ?boolean figures see run
-- @tparam ?{number,...} bounds see run
-- @treturn table of several flows as mtrtrace.session.outcome gives it, with
--   `each_flow`: what each of them shows alone
function M.outcome(trace, search, figures, bounds)
  if not trace.flows then
    return trace:result(not figures, bounds)
  end
  local flows = trace:flows()
  local result = outcome.of(flows, function(numbers)
    return trace:result(numbers, bounds)
  end, search)
  result.each_flow = flows
  return result
end

-- The outcome of a trace that is needed no more.
local function finish(trace, search, figures, bounds)
  if trace.finish and not trace.flows then
    return trace:finish(not figures, bounds)
  end
  local result = M.outcome(trace, search, figures, bounds)
  trace:close()
  return result
end

--- Adds to a result what is known behind all enrichers; see enrich.
-- @tparam table result as outcome gives it; changed in place
-- @tparam ?boolean figures see run
-- @tparam ?function class_of see run
-- @treturn table the same
function M.complete(result, figures, class_of)
  if not (result.flows or figures) then
    return M.enrich(result)
  end
  classify(result, class_of or special.class)
  return result.flows and result or verdict.mark(result)
end

--- Looks for all paths; see mtrtrace.flows.search.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table options with `paths`
-- @tparam {table,...} enrichers are polled
-- @treturn ?table what was found
-- @treturn ?string why nothing: one sentence
-- @treturn ?string its name
function M.search(host, core, options, enrichers)
  return paths_search.run(host, core, options, function()
    poll(enrichers)
  end)
end

--- Traces a target. Yields through host.sleep; raises what that raises.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table options as core.trace takes them; besides `flows`: how many
--   flows are traced, 1 where nil, and `paths`: the confidence in percent
--   with which all paths are searched for before
-- @tparam ?table enrichers an array, see above
-- @tparam ?table reader `begin`, a function of the trace, the engine's
--   options and what the search for paths gave, where one went before;
--   `events`, a function of the new events, an array, and the number of
--   dropped ones, which needs the option `events`; both may be absent;
--   `figures`: of one flow nobody wants the verdicts, nor answers without
--   extensions; `bounds`: seconds up to which the round trips of each
--   responder are counted, in its `rtt_counts`; `late`: nobody looks before
--   the end; `class_of`: in place of mtrtrace.base.special.class
-- @treturn ?table result, enriched
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name, such as "PERMISSION"
function M.run(host, core, options, enrichers, reader)
  enrichers = enrichers or {}
  local figures = reader and reader.figures and #enrichers == 0 or nil
  local search, trace, text, name, struck
  host, struck = limit.bounded(host, options.limit)
  if options.paths then
    search, text, name = M.search(host, core, options, enrichers)
    if not search then
      return nil, text, name
    end
  end
  breathe(host, true)
  trace, text, name = M.start(core, options, search, figures)
  if not trace then
    return nil, text, name
  elseif reader and reader.begin then
    reader.begin(trace, options, search)
  end
  watch(host, core, trace, options, enrichers, reader)
  breathe(host)
  local result = finish(trace, search, figures, reader and reader.bounds)
  limit.note(result, struck())
  wait(host, enrichers, result)
  breathe(host)
  return M.complete(result, figures, reader and reader.class_of)
end

return M
