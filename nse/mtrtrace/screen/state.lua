-- SPDX-License-Identifier: BSD-2-Clause

--- State of the live screen: targets and the user's choices. Pure: no
-- terminal, no clock.
-- @module mtrtrace.screen.state
local tab = require "mtrtrace.screen.tab"

local M = {}

local State = {}
State.__index = State

--- Display modes of a path, in the order of the key d.
M.MODES = { "table", "strips", "chart" }

--- Returns the target that is shown.
-- @treturn table see mtrtrace.screen.tab
function State:current()
  return self.tabs[self.active]
end

--- Updates the current target's figures.
function State:refresh()
  local current = self:current()
  current.result = current:snapshot() or current.result
  current.dirty = false
end

--- Returns the tab of a trace.
-- @tparam table trace as readers get it
-- @treturn table made where it is new
function State:tab_of(trace)
  for i = #self.tabs + 1, trace.index do
    self.tabs[i] = tab.new(trace.name, self.new_counter)
  end
  return self.tabs[trace.index]
end

--- Creates a tab for each target, before the first one is traced.
-- @tparam {string,...} labels
function State:name_tabs(labels)
  self.tabs, self.active = {}, 1
  for i, label in ipairs(labels) do
    self.tabs[i] = tab.new(label, self.new_counter)
  end
end

--- Shows another target.
-- @tparam integer index from 1; beyond the last one means the first
function State:show(index)
  self.active = (index - 1) % #self.tabs + 1
  self:refresh()
end

--- Whether a column is shown.
-- @tparam string key
-- @treturn ?integer its place
function State:has_column(key)
  for i, other in ipairs(self.columns) do
    if other == key then
      return i
    end
  end
end

--- Returns a state.
-- @tparam table setup `targets`: names; `columns`: keys; `max_silent`;
--   `new_counter`; `interval`: seconds; `version`; `glyphs`, see
--   mtrtrace.screen.glyphs
-- @treturn table
function M.new(setup)
  local self = setmetatable({
    tabs = {}, active = 1, mode = setup.mode or "table",
    columns = setup.columns,
    first_columns = setup.columns, max_silent = setup.max_silent,
    new_counter = setup.new_counter, interval = setup.interval,
    version = setup.version, glyphs = setup.glyphs, left = 0,
    options = setup.options or {}, replaying = setup.replaying,
  }, State)
  self:name_tabs(setup.targets)
  return self
end

return M
