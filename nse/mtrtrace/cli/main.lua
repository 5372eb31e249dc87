-- SPDX-License-Identifier: BSD-2-Clause
--- The command mtr-trace: from its words to an exit status. The one module
-- that prints to standard error and that ties the parts together.
-- @module mtrtrace.cli.main
local document = require "mtrtrace.cli.document"
local formats = require "mtrtrace.cli.formats"
local loader = require "mtrtrace.loader"
local options = require "mtrtrace.cli.options"
local out = require "mtrtrace.cli.out"
local parse = require "mtrtrace.cli.parse"
local progress = require "mtrtrace.cli.progress"
local run = require "mtrtrace.cli.run"
local targets = require "mtrtrace.cli.targets"
local uv_host = require "mtrtrace.host.uv"
local view = require "mtrtrace.cli.view"

local M = {}

M.REACHED, M.NOT_REACHED, M.USAGE, M.PERMISSION = 0, 1, 2, 3

local function say(text)
  io.stderr:write("mtr-trace: ", text, "\n")
end

-- ---- what ends at once ----------------------------------------------------

local function needed(name, package)
  local ok, module = pcall(require, name)
  if not ok then
    return nil, ("needs the Lua module %s, which is not installed "
      .. "(Debian: %s)"):format(name, package)
  end
  return module
end

local function print_version()
  local core = loader.core()
  print("mtr-trace " .. (core and core.version or "without its engine"))
end

-- Answers to --help and --version: true where there was one.
local function answered(argparse, found)
  if found.help then
    io.write(parse.parser(argparse, {}):get_help(), "\n")
  elseif found.version then
    print_version()
  else
    return false
  end
  return true
end

-- ---- a run ----------------------------------------------------------------

local function new_host(uv, checked)
  return uv_host.new(uv, {
    debug = checked.debug and say or nil,
    failed = function(text)
      say("internal error: " .. text)
      os.exit(M.USAGE)
    end,
  })
end

-- Errors of single targets, as they come.
local function complainer()
  return { finish = function(_, trace, result, err)
    if not result then
      say(("%s: %s"):format(trace.name, err))
    end
  end }
end

-- Ends the run when somebody asks for that or nobody reads it any longer.
local function watch(uv, the_run, output)
  local handles = {}
  local function on(signal)
    local handle = uv.new_signal()
    handle:start(signal, function()
      if the_run.stopped then
        os.exit(128 + 2)
      end
      the_run:stop()
    end)
    handles[#handles + 1] = handle
  end
  on "sigint"
  on "sigterm"
  local check = uv.new_timer()
  check:start(100, 100, function()
    if output.err then
      the_run:stop()
    end
    if the_run.done == #the_run.targets
      or the_run.stopped and the_run.done == the_run.taken then
      for _, handle in ipairs(handles) do
        handle:close()
      end
    end
  end)
  handles[#handles + 1] = check
end

local function status_of(the_run, output)
  local err, closed_pipe = output:close()
  if the_run.permission then
    say(the_run.permission)
    return M.PERMISSION
  elseif err and not closed_pipe then
    say(err)
    return M.USAGE
  end
  return (the_run.missed > 0 or the_run.done < #the_run.targets)
    and M.NOT_REACHED or M.REACHED
end

local function trace(uv, core, checked, names)
  local output, err = out.open(checked.output)
  if not output then
    say(err)
    return M.USAGE
  end
  local host = new_host(uv, checked)
  local readers = {
    document.new(output, formats.get(checked.format), view.of(checked,
      core.version, #names)),
    complainer(),
  }
  local the_run = run.new { host = host, core = core, options = checked,
    targets = names, readers = readers }
  readers[#readers + 1] = progress.new(uv, the_run)
  the_run:start()
  watch(uv, the_run, output)
  uv.run()
  for _, reader in ipairs(readers) do
    if reader.close then
      reader:close()
    end
  end
  return status_of(the_run, output)
end

local function refuse(text)
  say(text .. " (see mtr-trace --help)")
  return M.USAGE
end

local function start(argparse, found)
  local checked, err = options.check(found)
  if not checked then
    return refuse(err)
  end
  local uv, core, names
  uv, err = needed("luv", "lua-luv")
  if uv then
    core, err = loader.core()
  end
  if core then
    names, err = targets.list(found.targets, checked.filename, uv)
  end
  if not names then
    say(err)
    return M.USAGE
  elseif #names == 0 then
    return refuse("no target given")
  end
  return trace(uv, core, checked, names), argparse
end

--- Runs the command.
-- @tparam {string,...} words of the command line
-- @treturn integer exit status
function M.main(words)
  local argparse, err = needed("argparse", "lua-argparse")
  if not argparse then
    say(err)
    return M.USAGE
  end
  local found
  found, err = parse.words(argparse, words)
  if not found then
    return refuse(err)
  elseif answered(argparse, found) then
    return M.REACHED
  end
  return (start(argparse, found))
end

return M
