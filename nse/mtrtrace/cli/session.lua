-- SPDX-License-Identifier: BSD-2-Clause

--- A live run of the command on luv: signals, progress, and the end of the
-- event loop when all traces are done.
-- @module mtrtrace.cli.session
local progress = require "mtrtrace.cli.progress"
local run = require "mtrtrace.cli.run"
local uv_host = require "mtrtrace.host.uv"

local M = {}

local CHECK_MS = 50

-- Returns a reader that prints errors of single targets at once.
local function complainer(say)
  return { figures = true, finish = function(_, trace, result, err)
    if not result then
      say(("%s: %s"):format(trace.name, err))
    end
  end }
end

local function is_over(the_run)
  return the_run.done == (the_run.stopped and the_run.taken
    or #the_run.targets)
end

-- The first signal ends the run and shows the results so far; the second one
-- ends the program.
local function on_signals(uv, core, the_run, guard, hang_up)
  for _, name in ipairs { "sigint", "sigterm", "sighup" } do
    local handle = uv.new_signal()
    handle:start(name, guard(function(_, number)
      if name == "sighup" and hang_up and hang_up() then
        return
      end
      if the_run.stopped then
        the_run.parting()
        core.exit(128 + (math.type(number) and number or 2))
      end
      the_run:stop()
    end))
  end
end

-- Checks periodically whether the run is done or its output was closed.
local function watch(uv, the_run, broken, guard)
  local timer = uv.new_timer()
  timer:start(CHECK_MS, CHECK_MS, guard(function()
    if broken() then
      the_run:stop()
    end
    if is_over(the_run) then
      uv.stop()
    end
  end))
end

--- Returns a wrapper for luv's callbacks, in which an error would end the
-- program at once.
-- @tparam function failed called with the traceback of an error
-- @treturn function from a function to one that never raises an error
function M.guard_of(failed)
  return function(body)
    return function(...)
      local ok, err = xpcall(body, debug.traceback, ...)
      if not ok then
        failed(err)
      end
    end
  end
end

-- Returns the reader that has taken over the terminal, if any.
local function screen_of(readers)
  for _, reader in ipairs(readers) do
    if reader.interactive then
      return reader
    end
  end
end

-- Returns the progress line, where nothing else updates the terminal; the line
-- is erased before each write to standard output.
local function progress_of(setup, the_run)
  if not progress.is_usable(setup.uv, os.getenv) then
    return nil
  end
  local line = progress.new(setup.uv, the_run)
  setup.before_output(function() line:erase() end)
  return line
end

-- Runs the event loop. The terminal is restored even after an error.
local function loop(uv, the_run, setup, screen, guard)
  the_run.parting = screen and function() screen:close() end
    or function() end
  local ok, err = xpcall(function()
    on_signals(uv, setup.core, the_run, guard, setup.hang_up)
    if screen then
      screen:begin(the_run, guard)
    end
    the_run:start()
    watch(uv, the_run, setup.broken, guard)
    if not the_run.failed then
      uv.run()
    end
  end, debug.traceback)
  the_run.failed = the_run.failed or not ok and err or nil
  the_run.parting()
end

-- Threads of libuv. The system's resolver blocks one thread for each target's
-- name, and libuv uses at most half of its four threads for the resolver, so
-- two DNS zones without a working server would delay all other targets.
local THREADS = "64"

--- Sets the number of libuv's threads. Called before the event loop is used.
-- @tparam table uv the module luv
function M.widen_pool(uv)
  if not uv.os_getenv "UV_THREADPOOL_SIZE" then
    uv.os_setenv("UV_THREADPOOL_SIZE", THREADS)
  end
end

--- Traces targets and waits for the end. Handles that are left in the event
-- loop must be neither run nor closed: see core.exit.
-- @tparam table setup `uv`, `core`, `options`, `targets`, `readers`,
--   `say(text)`, `broken()`: whether output takes no more;
--   `before_output(hook)`: calls hook before standard output is written to;
--   `trace`, see mtrtrace.cli.run; `player`: returns, for a host, a
--   replacement of the run, see mtrtrace.screen.player
-- @treturn table { done, missed, permission, targets, failed }, see
--   mtrtrace.cli.run; `failed` is the traceback of a fault of this program
function M.run(setup)
  local uv, screen, the_run = setup.uv, screen_of(setup.readers), nil
  local function failed(text)
    the_run.failed = the_run.failed or text
    uv.stop()
  end
  local line
  local function say(text)
    if line then
      line:erase()
    end
    setup.say(text)
  end
  M.widen_pool(uv)
  local host = uv_host.new(uv, {
    debug = setup.options.debug and not screen and say or nil,
    failed = failed,
  })
  local readers = table.move(setup.readers, 1, #setup.readers, 1, {})
  the_run = setup.player and setup.player(host) or run.new { host = host,
    core = setup.core, options = setup.options, targets = setup.targets,
    readers = readers, trace = setup.trace, say = say }
  if not screen then
    table.insert(readers, 1, complainer(say))
    line = progress_of(setup, the_run)
  end
  loop(uv, the_run, setup, screen, M.guard_of(failed))
  if line then
    line:close()
  end
  for _, text in ipairs(screen and screen:complaints() or {}) do
    setup.say(text)
  end
  return the_run
end

return M
