-- SPDX-License-Identifier: BSD-2-Clause

--- The list of all columns, in which the user switches columns on and off.
-- Pure.
-- @module mtrtrace.screen.chooser
local fields = require "mtrtrace.table.fields"

local M = {}

--- Opens the list.
-- @tparam table state
function M.open(state)
  state.chooser = { at = 1, top = 1 }
end

-- Removes a column, or adds a column at its place in the field table.
local function toggle(state, key)
  local list, had, all = {}, state:has_column(key), {}
  for i, field in ipairs(fields.all()) do
    all[field.name] = i
  end
  for _, other in ipairs(state.columns) do
    if not had and all[other] > all[key] then
      list[#list + 1], had = key, true
    end
    list[#list + 1] = other ~= key and other or nil
  end
  list[#list + 1] = not had and key or nil
  state.columns = #list > 0 and list or state.columns
end

local STEPS = { up = -1, down = 1, ["page-up"] = -10, ["page-down"] = 10,
  ["-"] = -10, ["+"] = 10, home = -1000, ["end"] = 1000 }

local CLOSING = { escape = true, enter = true, O = true, q = true }

--- Handles a key while the list is open.
-- @tparam table state
-- @tparam string key
function M.press(state, key)
  local open, all = state.chooser, fields.all()
  if STEPS[key] then
    open.at = math.max(1, math.min(#all, open.at + STEPS[key]))
  elseif key == "space" or key == "x" then
    toggle(state, all[open.at].name)
  elseif key == "d" then
    state.columns = state.first_columns
  elseif CLOSING[key] then
    state.chooser = nil
  end
end

--- Draws the list.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local open, all = state.chooser, fields.all()
  canvas:put(1, area.y, "Columns: space switches, d as at the start, enter "
    .. "closes", "title")
  local height = area.height - 1
  open.top = math.max(open.at - height + 1, math.min(open.top, open.at))
  for i = open.top, math.min(#all, open.top + height - 1) do
    local field, y = all[i], area.y + i - open.top + 1
    canvas:put(1, y, state:has_column(field.name) and "[x]" or "[ ]", "key")
    canvas:put(5, y, field.name, "", 16)
    canvas:put(22, y, field.about, "dim")
    if i == open.at then
      canvas:tint(y, "chosen")
    end
  end
end

return M
