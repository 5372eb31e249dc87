-- SPDX-License-Identifier: BSD-2-Clause
--- A live run of the command on luv: signals, progress, and the end of the
-- loop when all is done.
-- @module mtrtrace.cli.session
local progress = require "mtrtrace.cli.progress"
local run = require "mtrtrace.cli.run"
local uv_host = require "mtrtrace.host.uv"

local M = {}

local CHECK_MS = 50

-- Errors of single targets, as they come.
local function complainer(say)
  return { finish = function(_, trace, result, err)
    if not result then
      say(("%s: %s"):format(trace.name, err))
    end
  end }
end

local function is_over(the_run)
  return the_run.done == (the_run.stopped and the_run.taken
    or #the_run.targets)
end

-- The first signal ends the run and shows what is known; the second one
-- ends the program.
local function on_signals(uv, the_run)
  for _, name in ipairs { "sigint", "sigterm", "sighup" } do
    local handle = uv.new_signal()
    handle:start(name, function(_, number)
      if the_run.stopped then
        os.exit(128 + (math.type(number) and number or 2))
      end
      the_run:stop()
    end)
  end
end

-- Nothing of the loop outlives the run: handles that are open when the
-- interpreter ends make luv stumble.
local function clear(uv)
  uv.walk(function(handle)
    if not handle:is_closing() then
      handle:close()
    end
  end)
  uv.run()
end

-- Looks now and then whether the run is over, or nobody reads it any more.
local function watch(uv, the_run, broken)
  local timer = uv.new_timer()
  timer:start(CHECK_MS, CHECK_MS, function()
    if broken() then
      the_run:stop()
    end
    if is_over(the_run) then
      uv.stop()
    end
  end)
end

--- Traces targets and waits for the end.
-- @tparam table setup `uv`, `core`, `options`, `targets`, `readers`,
--   `say(text)`, `broken()`: whether output takes no more
-- @treturn table { done, missed, permission, targets, failed }, see
--   mtrtrace.cli.run; `failed` is the traceback of a fault of this program
function M.run(setup)
  local uv, readers, the_run = setup.uv, { complainer(setup.say) }, nil
  local host = uv_host.new(uv, {
    debug = setup.options.debug and setup.say or nil,
    failed = function(text)
      the_run.failed = the_run.failed or text
      uv.stop()
    end,
  })
  table.move(setup.readers, 1, #setup.readers, 2, readers)
  the_run = run.new { host = host, core = setup.core,
    options = setup.options, targets = setup.targets, readers = readers }
  readers[#readers + 1] = progress.new(uv, the_run)
  the_run:start()
  on_signals(uv, the_run)
  watch(uv, the_run, setup.broken)
  if not the_run.failed then
    uv.run()
  end
  if readers[#readers].close then
    readers[#readers]:close()
  end
  clear(uv)
  return the_run
end

return M
