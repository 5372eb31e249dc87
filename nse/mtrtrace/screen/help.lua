-- SPDX-License-Identifier: BSD-2-Clause

--- The list of keys. Pure.
-- @module mtrtrace.screen.help
local M = {}

local KEY_WIDTH, TWO_SIDES = 13, 78

local STEPS = { up = -1, down = 1, ["page-up"] = -8, ["page-down"] = 8,
  ["-"] = -8, ["+"] = 8 }

local LABELS = { up = "arrows" }

--- Opens the list of keys.
-- @tparam table state
-- @tparam {table,...} rows of mtrtrace.screen.actions
function M.open(state, rows)
  local lines = {}
  for _, row in ipairs(rows) do
    if row[2] then
      local names = {}
      for i, key in ipairs(row[1]) do
        names[i] = LABELS[key] or key
      end
      lines[#lines + 1] = { table.concat(names, " "), row[2] }
    end
  end
  state.help = { lines = lines, top = 1 }
end

--- Handles a key while the list is open: arrows scroll, others close it.
-- @tparam table state
-- @tparam string key
-- @treturn ?table a command, see mtrtrace.screen.actions
function M.press(state, key)
  if STEPS[key] then
    state.help.top = state.help.top + STEPS[key]
    return nil
  end
  state.help = nil
  return key == "q" and { "quit" } or nil
end

--- Draws the list of keys.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local open = state.help
  local sides = canvas.width >= TWO_SIDES and 2 or 1
  local width = canvas.width // sides
  local rows = math.ceil(#open.lines / sides)
  open.top = math.max(1, math.min(open.top, rows - area.height + 1))
  for i, line in ipairs(open.lines) do
    local x = (i - 1) // rows * width + 1
    local y = area.y + (i - 1) % rows - open.top + 1
    if y >= area.y and y < area.y + area.height then
      canvas:put(x, y, line[1], "key", KEY_WIDTH)
      canvas:put(x + KEY_WIDTH, y, line[2], "", width - KEY_WIDTH - 1)
    end
  end
end

return M
