-- SPDX-License-Identifier: BSD-2-Clause

--- Converts the bytes of a keyboard to names of keys; a printable character is
-- its own name. Pure.
-- @module mtrtrace.screen.keys
local M = {}

local NAMES = {
  ["\9"] = "tab", ["\10"] = "enter", ["\13"] = "enter", ["\8"] = "backspace",
  ["\127"] = "backspace", ["\3"] = "ctrl-c", ["\12"] = "ctrl-l",
  ["\17"] = "ctrl-q", ["\21"] = "ctrl-u", ["\26"] = "ctrl-z",
  ["\28"] = "ctrl-\\", [" "] = "space",
}

-- Keys by the bytes after ESC [ or ESC O.
local SEQUENCES = {
  A = "up", B = "down", C = "right", D = "left", H = "home", F = "end",
  Z = "shift-tab", ["1~"] = "home", ["4~"] = "end", ["5~"] = "page-up",
  ["6~"] = "page-down", ["7~"] = "home", ["8~"] = "end",
}

-- Returns the key at `at`, and where the next one begins; nil where the
-- sequence is incomplete.
local function escape(bytes, at)
  local second = bytes:sub(at + 1, at + 1)
  if second == "" then
    return "escape", at + 1
  elseif second ~= "[" and second ~= "O" then
    return "escape", at + 1
  end
  local tail, stop = bytes:match("^([%d;?<]*[%a~])()", at + 2)
  if tail then
    return SEQUENCES[tail] or "unknown", stop
  elseif #bytes - at > 16 then
    return "unknown", #bytes + 1
  end
  return nil, at
end

local function next_key(bytes, at)
  local first = bytes:sub(at, at)
  if first == "\27" then
    return escape(bytes, at)
  elseif NAMES[first] then
    return NAMES[first], at + 1
  end
  return first:find "[\33-\126]" and first or "unknown", at + 1
end

--- Parses the input of a terminal.
-- @tparam string bytes the remainder of the call before, and new input
-- @treturn {string,...} names
-- @treturn string the remainder: an incomplete key
function M.read(bytes)
  local names, at = {}, 1
  while at <= #bytes do
    local name, stop = next_key(bytes, at)
    if not name then
      return names, bytes:sub(at)
    end
    names[#names + 1] = name
    at = stop
  end
  return names, ""
end

return M
