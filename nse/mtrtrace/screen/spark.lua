-- SPDX-License-Identifier: BSD-2-Clause

--- Sparklines of RTTs, one column for each probe. Pure.
-- @module mtrtrace.screen.spark
local M = {}

--- Returns the longest of some RTTs.
-- @tparam table values as mtrtrace.screen.history gives them
-- @tparam integer count
-- @treturn number 0 where there is none
function M.top(values, count)
  local top = 0
  for i = 1, count do
    top = math.max(top, values[i] or 0)
  end
  return top
end

--- Returns the level of an RTT.
-- @tparam number value
-- @tparam number top RTT of the highest level
-- @tparam integer levels number of levels
-- @treturn integer from 1
function M.level(value, top, levels)
  if top <= 0 then
    return 1
  end
  return math.max(1, math.min(levels, math.ceil(value / top * levels)))
end

--- Draws the newest probes of a hop; the newest is at the right end.
-- @tparam table canvas
-- @tparam integer x
-- @tparam integer y
-- @tparam integer width
-- @tparam table values
-- @tparam integer count
-- @tparam table glyphs
-- @tparam ?number top of the scale; that of the values where nil
function M.draw(canvas, x, y, width, values, count, glyphs, top)
  top = top or M.top(values, count)
  for i = math.max(1, count - width + 1), count do
    local value = values[i]
    local character, style = glyphs.open, "graph"
    if value then
      character = glyphs.levels[M.level(value, top, #glyphs.levels)]
    elseif value == false then
      character, style = glyphs.lost, "bad"
    end
    canvas:put(x + width - count + i - 1, y, character, style)
  end
end

return M
