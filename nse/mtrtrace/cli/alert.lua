-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that raises the alerts of --alert: a line on standard error, the
-- program of --exec, and the exit status. On a live screen the lines are
-- printed after the terminal is restored.
-- @module mtrtrace.cli.alert
local format = require "mtrtrace.base.format"
local ordered = require "mtrtrace.base.ordered"
local program = require "mtrtrace.alert.program"
local rule = require "mtrtrace.alert.rule"
local watch = require "mtrtrace.alert.watch"

local M = {}

local Alert = { wants_events = true }
Alert.__index = Alert

-- Largest number of lines kept while a live screen is shown.
local MOST_LINES = 100

local function say(self, text)
  if not self.live then
    self.say(text)
  elseif #self.lines < MOST_LINES then
    self.lines[#self.lines + 1] = text
  end
end

local function value_text(one, value)
  return format.decimal(value):gsub("(%.%d%d)%d+$", "%1")
    .. (rule.unit(one) == "%" and "%" or " ms")
end

local function line_of(trace, one, change)
  return ("alert %s: %s: %s is %s (%d of the last %d probes answered)")
    :format(change.state, format.clean(trace.name), one.metric,
    value_text(one, change.value), change.answered, change.sent)
end

local function json_of(trace, one, change)
  local out = ordered.new()
  for _, member in ipairs { { "kind", "alert" }, { "state", change.state },
    { "name", format.clean(trace.name) }, { "target", trace.target },
    { "alert", one.text }, { "metric", one.metric },
    { "value", change.value }, { "limit", one.limit },
    { "unit", rule.unit(one) }, { "sent", change.sent },
    { "received", change.answered } } do
    out[member[1]] = member[2]
  end
  return require "dkjson".encode(out) .. "\n"
end

local function raise(self, trace, changes)
  for _, change in ipairs(changes) do
    local one = self.rules[change.rule]
    self.fired = self.fired or change.state == "firing"
    say(self, line_of(trace, one, change))
    if self.program then
      self.program:call({ change.state, format.clean(trace.name), one.text },
        json_of(trace, one, change))
    end
  end
end

-- All traces of a service's target have the same index, and `kept`.
function Alert:start(trace)
  local seen = trace.kept and self.watches[trace.index]
  if seen then
    seen:again()
  else
    self.watches[trace.index] = watch.new(self.rules)
  end
end

-- The live screen tests for rate limiting before counting, so alerts can be
-- raised at once. In other runs a rate-limited sample may still replace the
-- initial one.
function Alert:events(trace, list)
  local seen = self.watches[trace.index]
  for _, event in ipairs(seen and list or {}) do
    seen:add(event)
  end
  if seen and self.live then
    raise(self, trace, seen:take())
  end
end

function Alert:finish(trace, result)
  local seen = self.watches[trace.index]
  if not trace.kept then
    self.watches[trace.index] = nil
  end
  if seen and result then
    raise(self, trace, seen:take(result.reached and result.target_ttl or nil,
      not trace.kept))
  end
end

--- Forgets a target that the service no longer traces.
-- @tparam integer index of its traces
function Alert:forget(index)
  self.watches[index] = nil
end

function Alert:close()
  if self.program then
    self.program:close()
  end
  for _, text in ipairs(self.lines) do
    self.say(text)
  end
end

--- Checks the combination of options, and that the program of --exec is there.
-- @tparam table options checked
-- @tparam table uv the module luv
-- @treturn ?string one sentence
function M.refusal(options, uv)
  if options.exec and not options.alert then
    return "--exec goes with --alert"
  elseif options.exec and not program.is_runnable(uv, options.exec) then
    return ("--exec=%s: expected an executable file, with its folder or in "
      .. "PATH"):format(options.exec)
  end
  local ends = options.format ~= "screen" and not options.serve
    and not options.replay
  for _, one in ipairs(ends and options.alert or {}) do
    local need = one.count * rule.WINDOW
    if one.count > 1 and options.packets < need then
      return ("--alert=%s: %d windows of %d probes need -c %d or more, got %d")
        :format(one.text, one.count, rule.WINDOW, need, options.packets)
    end
  end
end

--- Returns a reader.
-- @tparam table options checked, with `alert`
-- @tparam table run `uv`, the module luv; `say`: prints a line
-- @treturn table with `fired` in the end
function M.new(options, run)
  local self = setmetatable({ rules = options.alert, watches = {},
    lines = {}, live = options.format == "screen", fired = false,
    say = run.say }, Alert)
  self.program = options.exec and program.new(run.uv, options.exec,
    function(text) say(self, text) end, self.live) or nil
  return self
end

return M
