-- SPDX-License-Identifier: BSD-2-Clause

--- Many traces in one program: callbacks for what happens, in whatever loop
-- the program has. Opens no loop of its own.
-- @module mtrtrace.session.session
local tracer = require "mtrtrace.session.tracer"
local sockets = require "mtrtrace.session.sockets"

local M = {}

local Session = {}
Session.__index = Session

local Trace = {}
Trace.__index = Trace

-- ---- a trace --------------------------------------------------------------

--- Ends a trace as it is; its callbacks are not called any more.
function Trace:cancel()
  if self.handle then
    self.last = tracer.enrich(self.handle:result())
    self.handle:close()
    self.handle = nil
    self.session:forget(self)
  end
end

--- What is known by now.
-- @treturn table as given by mtrtrace.trace
function Trace:result()
  return self.last or tracer.enrich(self.handle:result())
end

--- Whether the trace has ended, or was cancelled.
-- @treturn boolean
function Trace:done()
  return self.handle == nil
end

local function call(trace, name, ...)
  local body = trace.callbacks[name]
  if body then
    body(...)
  end
end

local function step(trace)
  -- Asked first: events of a trace that is done are complete.
  local done = trace.handle:done()
  if trace.callbacks.on_event then
    for _, event in ipairs((trace.handle:events())) do
      call(trace, "on_event", event, trace)
      if not trace.handle then
        return
      end
    end
  end
  if done then
    trace:cancel()
    call(trace, "on_done", trace.last, trace)
  end
end

-- ---- the session ----------------------------------------------------------

local CALLBACKS = { on_event = true, on_done = true }

--- Starts a trace. Raises on misuse, as core.trace does.
-- @tparam table options as core.trace takes them, and `on_event(event,
--   trace)` and `on_done(result, trace)`, called from step
-- @treturn ?table the trace: cancel(), result(), done()
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name, such as "PERMISSION"
function Session:start(options)
  local engines, callbacks = {}, {}
  for key, value in pairs(options) do
    local into = CALLBACKS[key] and callbacks or engines
    into[key] = value
  end
  engines.events = engines.events or callbacks.on_event ~= nil
  local wanted, err, name = sockets.prepare(self.core, engines)
  local handle
  if wanted then
    handle, err, name = self.core.trace(wanted)
  end
  if not handle then
    return nil, err, name
  end
  local trace = setmetatable({ handle = handle, session = self,
    callbacks = callbacks }, Trace)
  self.traces[trace], self.count = true, self.count + 1
  if self.attach then
    self.attach()
  end
  return trace
end

--- Calls the callbacks for what happened since the last step. To be called
-- when fd() is readable, and not later than timeout() says.
-- @treturn integer traces that are under way
function Session:step()
  self.prober = self.prober or self.core.prober()
  if self.prober then
    self.prober:clear()
  end
  local list = {}
  for trace in pairs(self.traces) do
    list[#list + 1] = trace
  end
  for _, trace in ipairs(list) do
    if trace.handle then
      step(trace)
    end
  end
  return self.count
end

--- A file descriptor that is readable when step has something to do.
-- @treturn ?integer
-- @treturn ?string why there is none
function Session:fd()
  local prober, err = self.core.prober()
  if not prober then
    return nil, err
  end
  return prober:fd()
end

--- How long step may be put off.
-- @treturn ?number seconds; nil while there is no trace
function Session:timeout()
  return self.count > 0 and self.core.prober():timeout() or nil
end

--- Steps until no trace is under way. Blocks.
function Session:run()
  while self:step() > 0 do
    self.core.prober():wait()
  end
end

--- Cancels all traces.
function Session:close()
  for trace in pairs(self.traces) do
    trace:cancel()
  end
end

-- A trace that has ended.
function Session:forget(trace)
  self.traces[trace], self.count = nil, self.count - 1
  if self.count == 0 and self.detach then
    self.detach()
  end
end

-- Lets luv call step while there are traces; its loop ends with the last.
local function use_luv(self, uv)
  local poll, timer
  local function go()
    self:step()
  end
  function self.attach()
    if not poll then
      poll, timer = assert(uv.new_poll(assert(self:fd()))), uv.new_timer()
      local every = self:timeout() * 1000 // 1
      poll:start("r", go)
      timer:start(every, every, go)
    end
  end
  function self.detach()
    poll:close()
    timer:close()
    poll, timer = nil, nil
  end
end

--- Begins.
-- @tparam table core the module mtrtrace.core
-- @tparam ?table uv the module luv, where its loop is to call step
-- @treturn table
function M.new(core, uv)
  local self = setmetatable({ core = core, traces = {}, count = 0 },
    Session)
  if uv then
    use_luv(self, uv)
  end
  return self
end

return M
