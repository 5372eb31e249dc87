-- SPDX-License-Identifier: BSD-2-Clause

--- The event loop of a plain interpreter, libuv by way of luv: coroutines
-- that sleep, TCP, names. Everything that waits yields; all of it must be
-- called within a body that `spawn` was given.
-- @module mtrtrace.host.uv
local uv_dns = require "mtrtrace.host.uv_dns"
local uv_names = require "mtrtrace.host.uv_names"
local uv_net = require "mtrtrace.host.uv_net"
local uv_os = require "mtrtrace.host.uv_os"

local M = {}

-- Resumes a body; one that raised is reported and ends alone.
local function resume(host, co, ...)
  local ok, err = coroutine.resume(co, ...)
  if not ok then
    host.failed(debug.traceback(co, tostring(err)))
  end
end

-- Waits for a callback: `start` gets the function to call, whose arguments
-- are returned. Later calls of it do nothing.
local function await_of(host)
  return function(start)
    local co = coroutine.running()
    local answer, waiting
    start(function(...)
      if answer then
        return
      end
      answer = table.pack(...)
      if waiting then
        resume(host, co)
      end
    end)
    if not answer then
      waiting = true
      coroutine.yield()
    end
    return table.unpack(answer, 1, answer.n)
  end
end

local function milliseconds(seconds)
  return math.max(0, math.ceil(seconds * 1000))
end

-- after(seconds, body): calls it once; the result cancels that.
local function after_of(uv)
  return function(seconds, body)
    local timer = uv.new_timer()
    local function cancel()
      if not timer:is_closing() then
        timer:stop()
        timer:close()
      end
    end
    timer:start(milliseconds(seconds), 0, function()
      cancel()
      body()
    end)
    return cancel
  end
end

-- How long bodies are resumed in a row before the loop has its turn, ms.
local SLICE_MS = 20

-- await_all(test, seconds): see mtrtrace.session.tracer. All bodies that wait
-- so share one timer: there may be thousands.
local function await_all_of(host, uv)
  local waiting, count, ready, timer, resuming = {}, 0, {}, nil, false
  local function go_on()
    local until_ns = uv.hrtime() + SLICE_MS * 1000000
    resuming = false
    while #ready > 0 and uv.hrtime() < until_ns do
      resume(host, table.remove(ready))
    end
    if #ready > 0 and not resuming then
      resuming = true
      host.after(0, go_on)
    end
  end
  local function look()
    for co, test in pairs(waiting) do
      if test() then
        waiting[co], count = nil, count - 1
        ready[#ready + 1] = co
      end
    end
    if count == 0 then
      timer:stop()
    end
    if not resuming then
      go_on()
    end
  end
  return function(test, seconds)
    timer = timer or uv.new_timer()
    waiting[coroutine.running()], count = test, count + 1
    if count == 1 then
      timer:start(milliseconds(seconds), milliseconds(seconds), look)
    end
    coroutine.yield()
  end
end

-- As host.await; "timeout" as the first result when the seconds are over.
local function await_for_of(host)
  return function(seconds, start)
    local cancel
    local function finish(done, ...)
      if cancel then
        cancel()
      end
      return done(...)
    end
    return host.await(function(done)
      cancel = host.after(seconds, function() done("timeout") end)
      start(function(...) return finish(done, ...) end)
    end)
  end
end

--- A host for mtrtrace.session.tracer and its enrichers.
-- @tparam table uv the module luv
-- @tparam ?table settings functions of a text: `log` for what is found,
--   `debug` for what helps to find faults, `failed` for the traceback of a
--   body that raised; `verbose`: whether to log at all
-- @treturn table { now, sleep, spawn, connect, ptr, resolve,
--   server_addresses, mac_prefixes, exchange, log, debug, verbose }; `txt` or,
--   where it cannot have that, `no_txt`: why not
function M.new(uv, settings)
  settings = settings or {}
  local function nothing() end
  local host = {
    log = settings.log or nothing,
    debug = settings.debug or nothing,
    failed = settings.failed or function(text) error(text, 0) end,
  }
  host.after, host.await = after_of(uv), await_of(host)
  host.await_for = await_for_of(host)
  host.await_all = await_all_of(host, uv)
  function host.now()
    return uv.hrtime() / 1e9
  end
  function host.verbose()
    return settings.verbose or false
  end
  function host.spawn(body)
    resume(host, coroutine.create(body))
  end
  function host.sleep(seconds)
    host.await(function(wake) host.after(seconds, wake) end)
  end
  uv_names.add(host, uv)
  uv_net.add(host, uv)
  uv_os.add(host, uv)
  uv_dns.add(host, uv)
  return host
end

return M
