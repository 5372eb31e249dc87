-- SPDX-License-Identifier: BSD-2-Clause
--- Runs one trace to its end, in direct style, over a host: the event loop
-- it lives in. Waits by host.sleep alone, so it never blocks the loop; it
-- opens no socket and reads no clock.
--
-- A host is { sleep = function(seconds), now = function() -> seconds that
-- never fall, log = function(text), verbose = function() -> boolean, stopped
-- = nil or function() -> boolean: true ends all traces as they are }.
--
-- A companion finds out more beside the trace: names and networks, what a
-- hop runs, the time of a web server. It is { see = function(self, result):
-- what is known so far; poll = function(self) -> how many answers are
-- outstanding; leave = function(self): no more is waited for; annotate =
-- function(self, result): what was found goes into the result }. None of
-- them may yield.
-- @module mtrtrace.tracer
local fields = require "mtrtrace.fields"
local special = require "mtrtrace.special"
local verdict = require "mtrtrace.verdict"

local M = {}

-- The engine pauses a trace that nobody polls for a second.
local POLL_S = 0.1

-- How long companions may hold up the table, all together, and the shortest
-- sleep that Nmap's timeouts see.
local PATIENCE_S, WAIT_S = 3, 0.06

--- Adds what is known about each address, `special`: its class; and what
-- the whole shows, `verdicts` and marks of hops, as mtrtrace.verdict does.
-- @tparam table result as given by trace:result(); changed in place
-- @treturn table the same
function M.enrich(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      responder.special = special.class(responder.address)
    end
  end
  return verdict.judge(result)
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
local function start(core, options)
  local ok, trace, text, name = pcall(core.trace, options)
  if not ok then
    return nil, tostring(trace):match("%((.*)%)$") or tostring(trace),
      "MISUSE"
  end
  return trace, text, name
end

-- A result costs more than a poll: it is taken each time while the path is
-- being found, and now and then later.
local EARLY_POLLS, LATER = 5, 4

local function see(companions, result)
  for _, companion in ipairs(companions) do
    companion:see(result)
  end
end

local function poll(companions)
  local outstanding = 0
  for _, companion in ipairs(companions) do
    outstanding = outstanding + companion:poll()
  end
  return outstanding
end

local function stopped(host)
  return host.stopped and host.stopped() or false
end

-- Polls until the trace is done; hands on what becomes known.
local function watch(host, trace, companions, reader)
  local seen, polls, done = {}, 0, false
  poll(companions)
  while not done do
    host.sleep(POLL_S)
    done, polls = trace:done() or stopped(host), polls + 1
    if reader then
      reader(trace:events())
    end
    if host.verbose() then
      announce(host, trace:result(), seen)
    end
    if #companions > 0 and (polls <= EARLY_POLLS or polls % LATER == 0) then
      see(companions, trace:result())
    end
    poll(companions)
  end
end

-- The trace has ended: what is outstanding is waited for, but not long.
local function wait(host, companions, result)
  if #companions == 0 then
    return
  end
  local deadline = host.now() + PATIENCE_S
  see(companions, result)
  while poll(companions) > 0 and host.now() < deadline
    and not stopped(host) do
    host.sleep(WAIT_S)
  end
  for _, companion in ipairs(companions) do
    companion:leave()
    companion:annotate(result)
  end
end

--- Traces a target. Yields through host.sleep; raises what that raises.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table options as core.trace takes them
-- @tparam ?table companions an array, see above
-- @tparam ?function reader is called with the new events, an array, and the
--   number of dropped ones; needs the option `events`
-- @treturn ?table result, enriched
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name, such as "PERMISSION"
function M.run(host, core, options, companions, reader)
  local trace, text, name = start(core, options)
  if not trace then
    return nil, text, name
  end
  companions = companions or {}
  watch(host, trace, companions, reader)
  local result = trace:result()
  trace:close()
  wait(host, companions, result)
  return M.enrich(result)
end

return M
