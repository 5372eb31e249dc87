-- SPDX-License-Identifier: BSD-2-Clause

--- Changes of the path: when, at which hops, for how long, and with which
-- latency and loss at the target. Pure.
-- @module mtrtrace.screen.path_history
local format = require "mtrtrace.base.format"
local path = require "mtrtrace.verdict.path"
local path_words = require "mtrtrace.verdict.path_words"
local wrap = require "mtrtrace.screen.wrap"

local M = {}

-- Returns the target's figures before a change, and from the change to the
-- next one.
local function cost_of(tab, result, before_s, at_s, until_s)
  local ttl = result.target_ttl
  if not ttl then
    return nil
  end
  return tab.buckets:between(ttl, before_s, at_s),
    tab.buckets:between(ttl, at_s, until_s)
end

--- Returns the changes of a target's path, the first one first.
-- @tparam table tab see mtrtrace.screen.tab
-- @treturn {table,...} { at_s, lasted_s, is_last, hops: { ttl, before, after
--   }, figures_before, figures_after }, of which the figures may be nil
function M.list(tab)
  local result, out = tab.result, {}
  local groups = result and path.changes(result) or {}
  local now_s, before_s = tab.at_ns / 1e9, tab.from_ns / 1e9
  for i, group in ipairs(groups) do
    local at_s = group.at
    local until_s = groups[i + 1] and groups[i + 1].at or now_s
    local entry = { at_s = at_s, lasted_s = math.max(0, until_s - at_s),
      is_last = groups[i + 1] == nil, hops = {} }
    for j, change in ipairs(group) do
      entry.hops[j] = { ttl = change.ttl, before = change.before.address,
        after = change.after.address }
    end
    entry.figures_before, entry.figures_after = cost_of(tab, result,
      before_s, at_s, until_s)
    out[i], before_s = entry, at_s
  end
  return out
end

local function clock(seconds)
  return format.clock(math.floor(seconds + 0.5))
end

local function add_indented(lines, entry, width, show)
  local below = {}
  for _, line in ipairs(path_words.lines(entry)) do
    wrap.add(below, show(line), width - 2)
  end
  for _, line in ipairs(below) do
    lines[#lines + 1] = "  " .. line
  end
end

--- Returns the text on the changes.
-- @tparam table tab
-- @tparam integer width columns
-- @tparam function show converts a text to what the terminal can display
-- @treturn {string,...} lines
function M.lines(tab, width, show)
  local lines, list = {}, M.list(tab)
  for i = #list, 1, -1 do
    local entry = list[i]
    wrap.add(lines, ("%s  %s"):format(clock(entry.at_s),
      path_words.head(entry)), width)
    add_indented(lines, entry, width, show)
  end
  if #list == 0 then
    lines[1] = "The path has not changed so far."
  end
  return lines
end

--- Draws the changes.
-- @tparam table canvas
-- @tparam table state
-- @tparam table area `y`, `height`
function M.draw(canvas, state, area)
  local lines = M.lines(state:current(), canvas.width - 1,
    state.glyphs.show)
  local open = state.past
  open.top = math.max(1, math.min(open.top, #lines - area.height + 2))
  canvas:put(1, area.y, "Path history, the newest change first", "title")
  for i = open.top, math.min(#lines, open.top + area.height - 2) do
    canvas:put(1, area.y + 1 + i - open.top, lines[i], "", canvas.width)
  end
end

local STEPS = { up = -1, down = 1, ["page-up"] = -8, ["page-down"] = 8 }

--- Handles a key while the pane is open: arrows scroll, others close it.
-- @tparam table state
-- @tparam string key
-- @treturn ?table a command, see mtrtrace.screen.actions
function M.press(state, key)
  if STEPS[key] then
    state.past.top = state.past.top + STEPS[key]
    return nil
  end
  state.past = nil
  return key == "q" and { "quit" } or nil
end

return M
