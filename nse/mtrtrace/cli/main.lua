-- SPDX-License-Identifier: BSD-2-Clause

--- The command mtr-trace: from the command line to an exit status. The only
-- module that prints to standard error, and the one that connects the parts.
-- @module mtrtrace.cli.main
local alert = require "mtrtrace.cli.alert"
local completion = require "mtrtrace.cli.completion"
local diff = require "mtrtrace.cli.diff"
local diff_report = require "mtrtrace.diff.report"
local man = require "mtrtrace.cli.man"
local doctor = require "mtrtrace.cli.doctor"
local row_columns = require "mtrtrace.rows.columns"
local row_lines = require "mtrtrace.rows.lines"
local loader = require "mtrtrace.session.loader"
local args = require "mtrtrace.options.args"
local options = require "mtrtrace.cli.options"
local out = require "mtrtrace.report.out"
local outputs = require "mtrtrace.cli.outputs"
local parse = require "mtrtrace.cli.parse"
local process = require "mtrtrace.cli.process"
local rerun = require "mtrtrace.cli.rerun"
local schema = require "mtrtrace.report.schema"
local rows = require "mtrtrace.cli.rows"
local screen = require "mtrtrace.cli.screen"
local serve = require "mtrtrace.cli.serve"
local session = require "mtrtrace.cli.session"
local settings = require "mtrtrace.cli.settings"
local sockets = require "mtrtrace.session.sockets"
local target = require "mtrtrace.cli.target"
local targets = require "mtrtrace.cli.targets"

local M = {}

local REACHED, NOT_REACHED, USAGE, PERMISSION, ALERT = 0, 1, 2, 3, 4

local function say(text)
  io.stderr:write("mtr-trace: ", text, "\n")
end

local function fail(text)
  say(text)
  return USAGE
end

local function refuse(text)
  return fail(text .. " (see mtr-trace --help)")
end

local function needed(name, package)
  local ok, module = pcall(require, name)
  if not ok then
    return nil, ("the Lua module %s is not installed (Debian: %s)"):format(
      name, package)
  end
  return module
end

local function no_output()
  return fail "standard output is closed: open it, or give --output FILE"
end

-- ---- options that print a text and exit ------------------------------------

-- Functions by option; each returns a text, or nil and the exit status.
local TEXTS = {}

local function version()
  local core = loader.core()
  return core and core.version
end

function TEXTS.help(argparse)
  return parse.parser(argparse, {}):get_help() .. "\n"
end

function TEXTS.version()
  return ("mtr-trace %s\n"):format(version() or "without its engine")
end

function TEXTS.man()
  return man.page(version() or "")
end

function TEXTS.completion(_, shell)
  local text = completion.of(shell)
  if not text then
    return nil, refuse(("--completion=%s: expected bash, zsh or fish"):format(
      shell))
  end
  return text
end

function TEXTS.schema(_, _, found)
  local dkjson, err = needed("dkjson", "lua-dkjson")
  if not dkjson then
    return nil, fail(err)
  end
  local built = found.diff and diff_report.schema()
    or row_columns.of(found.rows) and row_lines.schema(found.rows)
    or schema.build()
  return dkjson.encode(built, { indent = true }) .. "\n"
end

local function print_out(text)
  local output = out.open()
  output:write(text)
  local err, closed_pipe = output:close()
  return err and not closed_pipe and fail(err) or REACHED
end

-- Prints the text of such an option; returns nil without one, else the exit
-- status.
local function print_text(argparse, found, closed)
  for _, row in ipairs(options.all()) do
    if row.alone and found[row.name] then
      if closed.stdout then
        return no_output()
      end
      local text, status = TEXTS[row.name](argparse, found[row.name],
        found)
      return status or print_out(text)
    end
  end
end

-- ---- runs -----------------------------------------------------------------

-- Opens all outputs, then drops every privilege that tracing does not need,
-- because all further input comes from outside.
local function open_outputs(core, checked, run)
  local shown, err = outputs.open(checked, run)
  if not shown then
    return nil, err
  end
  process.become_nobody(core, run.uv, checked, os.getenv)
  local ok
  ok, err = core.process.limit(checked.mark)
  return ok and shown or nil, err
end

-- Returns the width of standard output in columns; nil where it is no
-- terminal.
local function terminal_of(checked)
  local ok, uv = pcall(require, "luv")
  if not ok or checked.output or uv.guess_handle(1) ~= "tty" then
    return nil
  end
  local tty = uv.new_tty(1, false)
  local columns = tty and tty:get_winsize()
  if tty then
    tty:close()
  end
  return columns and columns > 0 and columns or nil
end

local function status_of(run, count, err, alerted)
  if run.failed then
    return fail("internal error: " .. run.failed)
  elseif run.refused then
    return fail(run.refused)
  elseif run.permission then
    say(run.permission)
    return PERMISSION
  elseif err then
    return fail(err)
  elseif alerted and alerted.fired then
    return ALERT
  elseif count == 0 then -- a service
    return REACHED
  end
  return (run.missed > 0 or run.done < count) and NOT_REACHED or REACHED
end

-- Returns an exit status where no socket can be opened.
local function settle_sockets(core, checked)
  local ok, text, name = sockets.settle(core, checked, checked.unprivileged,
    checked.protocol_given)
  if ok then
    if text then
      say("warning: " .. text)
    end
    return nil
  end
  say(text)
  return name == "PERMISSION" and PERMISSION or USAGE
end

local function trace(uv, core, checked, names)
  local shown, err = open_outputs(core, checked, { version = core.version,
    targets = #names, now = function() return uv.hrtime() / 1e9 end,
    uv = uv, core = core, names = names, terminal = terminal_of(checked),
    say = say, host = uv and uv.os_gethostname() })
  if not shown then
    return fail(err)
  end
  local status = settle_sockets(core, checked)
  if status then
    shown:close()
    return status
  end
  local run = session.run { uv = uv, core = core, options = checked,
    targets = names, readers = shown.readers, say = say,
    trace = shown.readers[1].trace,
    before_output = function(hook) shown:before_output(hook) end,
    broken = function() return shown:broken() end,
    hang_up = function() return shown:hang_up() end }
  local closed = shown:close()
  return status_of(run, #run.targets, closed, shown.alert)
end

local function open_recording(path)
  if path == "-" then
    return io.stdin
  end
  return io.open(path, "rb")
end

-- Refuses the recording of --replay as an output, because outputs are
-- truncated.
local function overwritten(checked)
  for _, row in ipairs(options.all()) do
    local path = row.writes and checked[(row.name:gsub("-", "_"))]
    if path and path == checked.replay then
      return ("--%s=%s: is the recording that --replay reads"):format(
        row.name, path)
    end
  end
end

-- Plays a recording on the screen instead of a run.
local function play(core, checked, read)
  local uv, err = needed("luv", "lua-luv")
  if uv then
    err = screen.refusal(checked, uv)
  end
  if err then
    return fail(err)
  end
  local shown
  shown, err = open_outputs(core, checked, { version = core.version,
    targets = 1, uv = uv, core = core, names = { checked.replay },
    say = say, host = uv and uv.os_gethostname() })
  if not shown then
    return fail(err)
  end
  local run = session.run { uv = uv, options = checked,
    readers = shown.readers, say = say,
    broken = function() return shown:broken() end,
    player = function(host)
      return screen.player(host, shown.readers[1], checked, read)
    end }
  local closed = shown:close()
  return status_of(run, 1, closed or run.err, shown.alert)
end

local function show_recording(core, checked)
  local dkjson, err = needed("dkjson", "lua-dkjson")
  local file, shown
  if dkjson then
    file, err = open_recording(checked.replay)
  end
  if file and checked.format == "screen" then
    return play(core, checked, function(reader)
      return rerun.run(core, dkjson, file, checked.replay, { reader })
    end)
  elseif file then
    local uv = needed("luv", "lua-luv")
    shown, err = open_outputs(core, checked, { version = core.version,
      targets = 1, now = os.clock, terminal = terminal_of(checked),
      uv = uv, host = uv and uv.os_gethostname(), say = say })
  end
  if not shown then
    return fail(err)
  end
  local run = rerun.run(core, dkjson, file, checked.replay, shown.readers)
  local closed = shown:close()
  return status_of(run, 1, closed or run.err, shown.alert)
end

-- Without --exec a recording is shown without luv.
local function alert_refusal(checked)
  local uv, err
  if checked.exec then
    uv, err = needed("luv", "lua-luv")
  end
  return err or alert.refusal(checked, uv)
end

-- Prints one warning for all targets.
local function say_unused_port(checked, names)
  for _, name in ipairs(checked.protocol == "icmp" and names or {}) do
    local what = target.parse(name)
    if what.port and not what.url then
      return say(("warning: %s: icmp has no ports, port %d counts with -T or "
        .. "-u only"):format(name, what.port))
    end
  end
end

local function start_traces(core, checked, found)
  local uv, err = needed("luv", "lua-luv")
  if not uv then
    return fail(err)
  end
  local names
  names, err = targets.list(found.targets, checked.filename, uv)
  if not names then
    return fail(err)
  elseif #names == 0 then
    local file = checked.filename
    return refuse(file and ("%s: no target in it"):format(file == "-"
      and "standard input" or file) or "no target given")
  end
  if rows.owns_output(checked) then
    checked.format = "rows"
  elseif screen.is_wanted(found, checked, uv) then
    checked.format = "screen"
  end
  err = screen.refusal(checked, uv) or alert_refusal(checked)
    or rows.refusal(checked)
  if err then
    return fail(err)
  end
  for _, warning in ipairs(checked.warnings) do
    say("warning: " .. warning)
  end
  say_unused_port(checked, names)
  return trace(uv, core, checked, names)
end

-- Opens the server before privileges are dropped: a port below 1024 needs
-- them.
local function open_server(uv, checked)
  local ok, httpd = pcall(require, "mtrtrace.httpd")
  if not ok then
    return nil, "--serve needs libmicrohttpd and zlib (Debian: "
      .. "libmicrohttpd-dev, zlib1g-dev): install them and run 'make install' "
      .. "in the mtr-trace sources again"
  end
  local http, err = httpd.open({ address = checked.serve.address,
    port = checked.serve.port }, uv.hrtime() / 1e9)
  if not http then
    return nil, "--serve: " .. err
  end
  return { http = http, pack = httpd.pack }
end

local function serve_with(uv, core, checked, setup)
  local shown, err = open_outputs(core, checked, { version = core.version,
    targets = 0, uv = uv, core = core, names = {}, say = say,
    host = uv.os_gethostname(), served = true })
  if not shown then
    return fail(err)
  end
  setup.readers = shown.readers
  setup.hang_up = function() return shown:hang_up() end
  local kind, why = core.sockets(checked.unprivileged and "unprivileged"
    or "auto")
  if not kind then
    shown:close()
    return fail(why)
  end
  say(("serving on %s, %d target%s"):format(serve.url(checked.serve,
    setup.http:port()), #setup.specs, #setup.specs == 1 and "" or "s"))
  local ended = serve.run(setup)
  return status_of(ended, 0, shown:close())
end

local function start_service(core, checked, found)
  local server, specs, errors
  local uv, err = needed("luv", "lua-luv")
  err = err or alert_refusal(checked) or rows.refusal(checked)
  if err then
    return fail(err)
  end
  local list = serve.targets(found.targets or {}, found)
  specs, errors = list:load()
  if specs then
    server, err = open_server(uv, checked)
  else
    err = errors
  end
  if not server then
    return fail(err)
  end
  checked.format = "serve"
  return serve_with(uv, core, checked, { uv = uv, core = core,
    options = checked, version = core.version, say = say,
    http = server.http, pack = server.pack, list = list, specs = specs,
    errors = errors })
end

-- Compares two files; only recordings need the engine.
local function compare(checked, files)
  local err = diff.refusal(checked, files)
  if err then
    return refuse(err)
  end
  local core, ok, dkjson = loader.core(), true, nil
  if core then
    ok, err = process.become_user(core, os.getenv)
  end
  if ok then
    dkjson, err = needed("dkjson", "lua-dkjson")
  end
  if not dkjson then
    return fail(err)
  end
  local uv = needed("luv", "lua-luv")
  local status
  status, err = diff.run({ core = core, dkjson = dkjson,
    version = version() or "", opened = function()
      if core then
        process.become_nobody(core, uv, checked, os.getenv)
        return core.process.limit()
      end
      return true
    end }, checked, files)
  if err then
    say(err)
  end
  return status
end

-- Runs --doctor without requiring any module, because missing modules are part
-- of the report.
local function look_over(checked, targets_given)
  local err = doctor.refusal(checked, targets_given)
  if err then
    return refuse(err)
  end
  local core, core_error = loader.core()
  local dkjson = needed("dkjson", "lua-dkjson")
  if checked.format == "json" and not dkjson then
    return fail "--doctor --json needs the Lua module dkjson"
  end
  local ok = true
  if core then
    ok, err = process.become_user(core, os.getenv)
  end
  if ok and core then
    ok, err = core.process.limit()
  end
  if not ok then
    return fail(err)
  end
  local text, usable = doctor.run({ core = core, core_error = core_error,
    dkjson = dkjson, uv = needed("luv", "lua-luv") }, checked)
  local status = print_out(text)
  return status == REACHED and not usable and NOT_REACHED or status
end

local function start(found, closed)
  local checked, err = options.check(found)
  if not checked then
    return refuse(err)
  elseif closed.stdout and not checked.output then
    return no_output()
  end
  err = serve.refusal(found)
  if err then
    return refuse(err)
  elseif checked.diff then
    return compare(checked, found.targets or {})
  elseif checked.doctor then
    return look_over(checked, found.targets or {})
  end
  local core
  core, err = loader.core()
  if core then
    local ok
    ok, err = process.become_user(core, os.getenv, checked.mark)
    core = ok and core
  end
  local unread = core and args.load("--", checked)
  if unread then
    return refuse(unread)
  end
  if core and checked.format == "json" then
    local dkjson
    dkjson, err = needed("dkjson", "lua-dkjson")
    core = dkjson and core
  end
  if not core then
    return fail(err)
  elseif checked.serve then
    return start_service(core, checked, found)
  elseif not checked.replay then
    return start_traces(core, checked, found)
  elseif #(found.targets or {}) > 0 or checked.filename then
    return refuse "--replay goes with no target"
  end
  err = overwritten(checked) or alert_refusal(checked)
    or rows.refusal(checked)
  if err then
    return refuse(err)
  end
  return show_recording(core, checked)
end

-- Reads options from an environment variable. MTR_OPTIONS is written for mtr,
-- so options that only mtr has are skipped with a warning.
local function from_environment(argparse, name, found)
  local words = settings.words(os.getenv(name) or "")
  if not words then
    return nil, name .. ": a quote has no end"
  end
  local lenient = name == "MTR_OPTIONS"
  local more, err = parse.words(argparse, words, found, lenient)
  if not more or #(more.targets or {}) > 0 then
    return nil, ("%s: %s"):format(name, not more and err
      or "expected options alone")
  elseif err then
    say(("warning: %s: %s"):format(name, err))
  end
  more.targets = nil
  return more
end

-- Applies the settings file, the environment and the command line; later ones
-- override earlier ones.
local function with_settings(argparse, words, first)
  local found, uv = {}, (needed("luv", "lua-luv"))
  local err, warning
  if uv and not first["no-config"] then
    err, warning = settings.load(uv, found, first.config)
  end
  if err then
    return nil, err
  elseif warning then
    say(warning)
  end
  for _, name in ipairs { "MTR_OPTIONS", "MTR_TRACE_OPTIONS" } do
    found, err = from_environment(argparse, name, found)
    if not found then
      return nil, err
    end
  end
  return parse.words(argparse, words, found)
end

--- Runs the command.
-- @tparam {string,...} words of the command line
-- @treturn integer exit status
function M.main(words)
  local closed, err = process.open(loader.core)
  local argparse
  if closed then
    argparse, err = needed("argparse", "lua-argparse")
  end
  if not argparse then
    return fail(err)
  end
  local found
  found, err = parse.words(argparse, words)
  if not found then
    return refuse(err)
  end
  local status = print_text(argparse, found, closed)
  if status then
    return status
  end
  found, err = with_settings(argparse, words, found)
  if not found then
    return fail(err)
  end
  return start(found, closed)
end

return M
