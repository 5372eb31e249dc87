-- SPDX-License-Identifier: BSD-2-Clause

--- Front door for programs: traces from a plain interpreter, one or many,
-- blocking or in the program's own loop. Scripts inside Nmap use
-- mtrtrace.session.tracer instead.
--
-- One target, waiting for the end:
--
--     local mtrtrace = require "mtrtrace"
--     local result = assert(mtrtrace.trace { target = "192.0.2.1" })
--     print(result.reached, #result.hops)
--
-- One target, event by event:
--
--     local mtrtrace = require "mtrtrace"
--     for event, trace in mtrtrace.events { target = "192.0.2.1" } do
--       print(event.kind, event.ttl, event.from, event.rtt_ms)
--       if event.target then
--         trace:cancel()
--       end
--     end
--
-- Many targets at once, blocking:
--
--     local mtrtrace = require "mtrtrace"
--     local session = assert(mtrtrace.session())
--     for _, target in ipairs { "192.0.2.1", "192.0.2.1" } do
--       assert(session:start { target = target, packets = 3,
--         on_done = function(result)
--           print(result.target, result.reached)
--         end })
--     end
--     session:run()
--
-- In a program that runs on luv; its loop ends with the last trace:
--
--     local mtrtrace = require "mtrtrace"
--     local uv = require "luv"
--     local session = assert(mtrtrace.session { uv = uv })
--     assert(session:start { target = "192.0.2.1",
--       on_event = function(event)
--         if event.kind == "reply" then
--           print(event.ttl, event.from)
--         end
--       end,
--       on_done = function(result)
--         print(result.reached)
--       end })
--     uv.run()
--
-- In any other loop: wait until session:fd() is readable, at most
-- session:timeout() seconds, and call session:step(). Here with LuaSocket:
--
--     local mtrtrace = require "mtrtrace"
--     local socket = require "socket"
--     local session = assert(mtrtrace.session())
--     assert(session:start { target = "192.0.2.1",
--       on_done = function(result) print(result.reached) end })
--     local readable = { getfd = function() return session:fd() end }
--     while session:step() > 0 do
--       socket.select({ readable }, nil, session:timeout())
--     end
-- @module mtrtrace
local loader = require "mtrtrace.session.loader"
local session = require "mtrtrace.session.session"
local sockets = require "mtrtrace.session.sockets"
local tables = require "mtrtrace.base.tables"
local tracer = require "mtrtrace.session.tracer"

local M = {}

--- Version of the engine.
-- @treturn ?string such as "0.1.0"
-- @treturn ?string one sentence, where the engine cannot be loaded
function M.version()
  local core, err = loader.core()
  return core and core.version, err
end

--- Traces a target and waits for the end. Raises on misuse: an unknown
-- option, a wrong type, a value out of range.
-- @tparam table options as core.trace takes them; only `target` is needed,
--   a numeric address; times are seconds
-- @treturn ?table result: the one of trace:result(), the class of each
--   special-purpose address, and `verdicts`
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name, such as "PERMISSION"
function M.trace(options)
  local core, missing = loader.core()
  if not core then
    return nil, missing, "MISSING"
  end
  local wanted, text, name = sockets.prepare(core, options)
  if not wanted then
    return nil, text, name
  end
  local trace
  trace, text, name = core.trace(wanted)
  if not trace then
    return nil, text, name
  end
  trace:wait()
  local result = trace:result()
  trace:close()
  return tracer.enrich(result)
end

--- Traces that run at once.
-- @tparam ?table settings `uv`: the module luv, if its loop is to drive them
-- @treturn ?table see mtrtrace.session.session: start(options), step(), fd(),
--   timeout(), run(), close()
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name
function M.session(settings)
  local core, missing = loader.core()
  if not core then
    return nil, missing, "MISSING"
  end
  return session.new(core, settings and settings.uv)
end

--- Traces a target and gives its events one by one. Blocks; raises where
-- the trace cannot be started.
-- @tparam table options as core.trace takes them
-- @treturn function iterator: an event as in nse/doc/library.md, and the
--   trace, which has cancel() and result()
function M.events(options)
  local run = assert(M.session())
  local queue, at, wanted = {}, 0, tables.copy(options)
  wanted.on_event = function(event)
    queue[#queue + 1] = event
  end
  local ended = false
  function wanted.on_done()
    ended = true
  end
  local trace = assert(run:start(wanted))
  return function()
    if trace:done() and not ended then
      return nil
    end
    while at == #queue and not trace:done() do
      queue, at = {}, 0
      if run:step() > 0 and #queue == 0 then
        run.core.prober():wait()
      end
    end
    at = at + 1
    if at <= #queue then
      return queue[at], trace
    end
  end
end

return M
