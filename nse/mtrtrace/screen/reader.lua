-- SPDX-License-Identifier: BSD-2-Clause

--- The live screen as a reader of a run (see mtrtrace.cli.document): ties
-- the state, the drawing and the terminal together. Draws only after
-- something happened, and not more often than eyes can follow.
-- @module mtrtrace.screen.reader
local actions = require "mtrtrace.screen.actions"
local diff = require "mtrtrace.screen.diff"
local draw = require "mtrtrace.screen.draw"
local keys = require "mtrtrace.screen.keys"
local prompt = require "mtrtrace.screen.prompt"
local save = require "mtrtrace.screen.save"
local term = require "mtrtrace.screen.term"

local M = {}

local Reader = { wants_events = true, interactive = true,
  shows_web = true }
Reader.__index = Reader

-- Least time between two drawings; merging and evaluating several flows takes
-- longer.
local DRAW_MS, DRAW_FLOWS_MS = 250, 1000

-- ---- drawing --------------------------------------------------------------

local function show(self)
  if not self.term or self.term.gone or not self.term.entered then
    return
  end
  if self.state:current().dirty then
    self.state:refresh()
  end
  local canvas = draw.draw(self.state, self.term:size())
  self.term:write(diff.bytes(self.shown, canvas, self.styles))
  self.shown = canvas
end

local function redraw(self)
  self.shown = nil
  show(self)
end

-- Schedules a drawing, which shows all changes up to then.
local function show_soon(self)
  if self.timer and not self.timer:is_active() then
    self.timer:start(self.state:current():has_flows() and DRAW_FLOWS_MS
      or DRAW_MS, 0, self.guard(function() show(self) end))
  end
end

-- ---- commands -------------------------------------------------------------

local COMMANDS = {}

-- The second quit does not wait for replies.
function COMMANDS.quit(self)
  if self.quitting then
    self.uv.stop()
  end
  self.quitting = true
  self.state.message = "ending, q again ends at once"
  self.run:stop()
end

function COMMANDS.redraw(self)
  self.shown = nil
end

function COMMANDS.suspend(self)
  self.term:stop_all()
end

function COMMANDS.pause(self, paused)
  if self.live then
    self.live:pause(paused)
  end
end

function COMMANDS.set(self, changes)
  local err = "a recording cannot be traced otherwise"
  if self.live then
    err = self.live:set(changes)
  end
  self.state.message = err or self.state.message
  self.state.interval = self.live and self.live.options.interval
end

function COMMANDS.overwrite(self, path)
  self.state.message = save.report(self.state, path)
end

-- Overwriting an existing file needs confirmation.
function COMMANDS.save(self, path)
  if self.uv.fs_lstat(path) then
    prompt.confirm(self.state, path)
  else
    COMMANDS.overwrite(self, path)
  end
end

local function press(self, bytes)
  local names
  names, self.rest = keys.read(self.rest .. bytes)
  for _, name in ipairs(names) do
    local command = actions.press(self.state, name)
    if command then
      COMMANDS[command[1]](self, command[2])
    end
  end
  show(self)
end

-- ---- a reader -------------------------------------------------------------

function Reader:targets(labels)
  self.state:name_tabs(labels)
  if self.live then
    self.live.targets = #labels
  end
end

function Reader:start(trace)
  local tab = self.state:tab_of(trace)
  tab:start(trace)
  tab.dirty = true
  show_soon(self)
end

-- Whether events change a figure; a sent probe alone does not.
local function changes_figures(list)
  for _, event in ipairs(list) do
    if event.kind ~= "sent" then
      return true
    end
  end
  return false
end

function Reader:events(trace, list, dropped)
  local tab = self.state:tab_of(trace)
  tab:events(list, dropped)
  if changes_figures(list) then
    tab.dirty = true
    if tab == self.state:current() then
      show_soon(self)
    end
  end
end

function Reader:finish(trace, result, err)
  local tab = self.state:tab_of(trace)
  tab:finish(result, err)
  tab.dirty = true
  show_soon(self)
end

--- Takes over the terminal and handles keys from now on. Raises an error where
-- the terminal is not usable.
-- @tparam table run with stop()
-- @tparam function guard wraps a function so that it never raises an error
function Reader:begin(run, guard)
  self.run, self.guard = run, guard
  self.timer = self.uv.new_timer()
  self.term = assert(term.open(self.uv, {
    guard = guard,
    keys = function(bytes) press(self, bytes) end,
    redraw = function() redraw(self) end,
    gone = function() run:stop() end,
  }, self.out))
  redraw(self)
end

--- Restores the terminal. May be called more than once.
function Reader:close()
  if self.timer and not self.timer:is_closing() then
    self.timer:close()
  end
  if self.term then
    self.term:close()
  end
end

--- Returns errors of targets that could not be traced.
-- @treturn {string,...}
function Reader:complaints()
  local out = {}
  for _, tab in pairs(self.state.tabs) do
    out[#out + 1] = tab.err and ("%s: %s"):format(tab.name, tab.err) or nil
  end
  return out
end

--- Returns a screen that is not shown yet.
-- @tparam table setup `uv`; `state`, see mtrtrace.screen.state; `styles`, see
--   mtrtrace.screen.palette; `live`, see mtrtrace.screen.live: nil where a
--   recording is shown; `out`: a file instead of standard output
-- @treturn table a reader
function M.new(setup)
  return setmetatable({ uv = setup.uv, state = setup.state,
    styles = setup.styles, out = setup.out, live = setup.live, rest = "",
    trace = setup.live and function(...)
      return setup.live:trace(...)
    end }, Reader)
end

return M
