-- SPDX-License-Identifier: BSD-2-Clause

--- Actions of the keys: a change of the state, or a command for the run of the
-- traces. Keys that mtr has mean the same here. Pure.
-- @module mtrtrace.screen.actions
local chooser = require "mtrtrace.screen.chooser"
local help = require "mtrtrace.screen.help"
local path_history = require "mtrtrace.screen.path_history"
local prompt = require "mtrtrace.screen.prompt"
local state_of = require "mtrtrace.screen.state"
local view = require "mtrtrace.screen.view"

local M = {}

-- ---- navigation -----------------------------------------------------------

local function place_of(state)
  for i, row in ipairs(state.order or {}) do
    if row.hop.ttl == state:current().selected then
      return i
    end
  end
  return 1
end

-- Moves the selection from hop to hop, in the order on the screen.
local function step(state, by)
  local order = state.order or {}
  local at, ttl = place_of(state), nil
  while order[at] do
    if order[at].first and order[at].hop.ttl ~= state:current().selected then
      ttl = order[at].hop.ttl
      break
    end
    at = at + (by > 0 and 1 or -1)
  end
  state:current().selected = ttl or state:current().selected
end

local function steps(count)
  return function(state)
    for _ = 1, math.abs(count) do
      step(state, count)
    end
  end
end

local function scroll(by)
  return function(state)
    state.left = math.max(0, math.min(#state.columns - 1, state.left + by))
  end
end

local function scroll_detail(state, key)
  state.detail_top = (state.detail_top or 1) + (key == "[" and -4 or 4)
end

local function next_tab(by)
  return function(state) state:show(state.active + by) end
end

-- ---- columns --------------------------------------------------------------

local function toggle(state, key, behind)
  local list, at = {}, state:has_column(key)
  for i, other in ipairs(state.columns) do
    list[#list + 1] = other ~= key and other or nil
    if not at and (other == behind
      or i == #state.columns and not state:has_column(behind)) then
      list[#list + 1] = key
    end
  end
  state.columns = #list > 0 and list or state.columns
end

-- Switches between names and addresses.
local function names(state)
  local list = {}
  for i, key in ipairs(state.columns) do
    list[i] = key == "host" and "ip" or key == "ip" and "host" or key
  end
  state.columns = list
end

-- mtr's two sets of columns.
local SETS = { "LSNABWV", "DRAGJMXI" }

local function next_set(state)
  state.set = (state.set or 0) % #SETS + 1
  local _, keys = prompt.columns(SETS[state.set])
  state.columns = view.with_host(state.columns, keys)
end

local INFO = { "asn", "prefix", "country", "registry", "organization" }

-- Shows the next item of network data of an address (ASN, prefix, country
-- ...), like mtr's y.
local function next_info(state)
  state.info = (state.info or 0) % (#INFO + 1) + 1
  for _, key in ipairs(INFO) do
    if state:has_column(key) then
      toggle(state, key)
    end
  end
  if INFO[state.info] then
    toggle(state, INFO[state.info],
      state:has_column "ip" and "ip" or "host")
  end
end

-- ---- sorting --------------------------------------------------------------

local function sort_by(by)
  return function(state)
    local at = state.sort and state:has_column(state.sort) or 0
    at = (at + by) % (#state.columns + 1)
    state.sort = state.columns[at]
    state.message = state.sort and "sorted by " .. state.sort
      or "in the order of the hops"
  end
end

local function reverse(state)
  state.reverse = not state.reverse
end

-- ---- other actions --------------------------------------------------------

local function next_mode(state)
  for i, mode in ipairs(state_of.MODES) do
    if mode == state.mode then
      state.mode = state_of.MODES[i % #state_of.MODES + 1]
      return
    end
  end
end

local function flip(name)
  return function(state) state[name] = not state[name] end
end

local function command(name)
  return function() return { name } end
end

local function pause(state)
  state.paused = not state.paused
  return { "pause", state.paused }
end

local function go_on(state)
  if state.paused then
    return pause(state)
  end
end

local function reset(state)
  state:current():reset()
  state:refresh()
  state.message = "counting anew"
end

local function open_prompt(name)
  return function(state) prompt.open(state, name) end
end

local function say(text)
  return function(state) state.message = text end
end

local function other_protocol(state)
  local protocol = state.options.protocol == "udp" and "icmp" or "udp"
  state.message = "probing with " .. protocol
  return { "set", { protocol = protocol } }
end

-- { keys, text in the help, function }; the keys of a row have the same
-- action.
local ROWS = {
  { { "?", "h" }, "this help",
    function(state) help.open(state, M.all()) end },
  { { "q", "ctrl-c" }, "quit", command "quit" },
  { { "p" }, "pause, and go on", pause },
  { { "space" }, "go on", go_on },
  { { "r" }, "reset all counters", reset },
  { { "d" }, "table, strips, chart", next_mode },
  { { "up" }, "choose a hop", steps(-1) },
  { { "down" }, nil, steps(1) },
  { { "enter" }, "all about the chosen hop", flip "detail" },
  { { "[", "]" }, "scroll what is said about it", scroll_detail },
  { { "H" }, "path changes and their cost",
    function(state) state.past = { top = 1 } end },
  { { "-", "page-up" }, "half a page up", steps(-8) },
  { { "+", "page-down" }, "half a page down", steps(8) },
  { { "home" }, nil, steps(-255) },
  { { "end" }, nil, steps(255) },
  { { "left" }, "columns to the left", scroll(-1) },
  { { "right" }, "columns to the right", scroll(1) },
  { { "tab" }, "next target (or 1 to 9)", next_tab(1) },
  { { "shift-tab" }, nil, next_tab(-1) },
  { { "<" }, "sort by a column before", sort_by(-1) },
  { { ">" }, "sort by the next column", sort_by(1) },
  { { "R" }, "sort the other way round", reverse },
  { { "O" }, "choose among all columns",
    function(state) chooser.open(state) end },
  { { "o" }, "columns, by letters or names", open_prompt "columns" },
  { { "j" }, "latency or jitter columns", next_set },
  { { "n" }, "names or addresses", names },
  { { "z" }, "ASN on and off",
    function(state) toggle(state, "asn",
      state:has_column "ip" and "ip" or "host") end },
  { { "y" }, "ASN, prefix, country, ...", next_info },
  { { "g" }, "sparkline on and off", flip "no_spark" },
  { { "w" }, "write a report to a file", open_prompt "save" },
  { { "i" }, "interval", open_prompt "interval" },
  { { "c" }, "probes per hop", open_prompt "packets" },
  { { "f" }, "first TTL", open_prompt "first_hop" },
  { { "m" }, "last TTL", open_prompt "max_hops" },
  { { "s" }, "packet size", open_prompt "size" },
  { { "Q" }, "type of service", open_prompt "tos" },
  { { "u" }, "ICMP or UDP", other_protocol },
  { { "e" }, nil, say "MPLS labels are not read" },
  { { "b" }, nil, say "the payload tells probes apart: it has no pattern" },
  { { "ctrl-l" }, "draw all again", command "redraw" },
  { { "ctrl-z" }, "stop, until fg", command "suspend" },
}

local BY_KEY = {}
for _, row in ipairs(ROWS) do
  for _, key in ipairs(row[1]) do
    BY_KEY[key] = row[3]
  end
end

--- Returns all keys, for the help and its test.
-- @treturn {table,...} { keys, about or nil }; must not be changed
function M.all()
  return ROWS
end

local function press(state, key)
  if key == "ctrl-z" then
    return { "suspend" }
  elseif key == "ctrl-c" then
    return { "quit" }
  elseif state.prompt then
    return prompt.press(state, key)
  elseif state.chooser then
    return chooser.press(state, key)
  elseif state.help then
    return help.press(state, key)
  elseif state.past then
    return path_history.press(state, key)
  elseif key:find "^[1-9]$" and state.tabs[tonumber(key)] then
    return state:show(tonumber(key))
  elseif key == "escape" and state.detail then
    state.detail = false
  elseif BY_KEY[key] then
    return BY_KEY[key](state, key)
  end
end

--- Performs the action of a key.
-- @tparam table state changed in place
-- @tparam string key as mtrtrace.screen.keys names it
-- @treturn ?table a command: { "quit" }, { "redraw" }, { "suspend" }, {
--   "pause", boolean }, { "set", options }, { "save", path }
function M.press(state, key)
  state.message = nil
  return press(state, key)
end

return M
