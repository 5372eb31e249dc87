-- SPDX-License-Identifier: BSD-2-Clause

--- Prompts on the last line of the screen. Values are parsed by the rules of
-- the command line. Pure.
-- @module mtrtrace.screen.prompt
local args = require "mtrtrace.options.args"
local values = require "mtrtrace.options.values"
local view = require "mtrtrace.screen.view"

local M = {}

local LONGEST = 200

-- Returns the keys of columns named by words of the field table or by mtr's
-- letters; nil and an error for any other text.
function M.columns(text)
  local keys, _, culprit = values.columns(text)
  if keys then
    return true, keys
  end
  keys = values.order(text)
  if keys then
    return true, keys
  end
  return nil, ("no such column: %s"):format(culprit or text)
end

local function set_columns(state, text)
  local ok, keys = M.columns(text)
  if not ok then
    state.message = keys
  elseif values.columns(text) then
    state.columns = keys
  else
    state.columns = view.with_host(state.columns, keys)
  end
end

-- Returns a handler that sets an option of the trace, with the rules of the
-- argument of the same name.
local function option(name)
  return function(state, text)
    local row = args.get((name:gsub("_", "-")))
    local value, err = args.value("", row, text)
    if value == nil then
      state.message = err or "no such value"
      return nil
    end
    return { "set", { [name] = value } }
  end
end

local function save(_, text)
  return { "save", text }
end

local QUESTIONS = {
  columns = { "Columns (letters LDRSNBAWVGJMXI or names): ", set_columns },
  save = { "Write a report to: ", save },
  interval = { "Interval (such as 1 or 500ms): ", option "interval" },
  packets = { "Probes per hop: ", option "packets" },
  first_hop = { "First TTL: ", option "first_hop" },
  max_hops = { "Last TTL: ", option "max_hops" },
  size = { "Packet size: ", option "size" },
  tos = { "Type of service: ", option "tos" },
}

--- Opens a prompt.
-- @tparam table state
-- @tparam string name of the prompt
function M.open(state, name)
  if state.replaying and name ~= "columns" and name ~= "save" then
    state.message = "a recording cannot be traced otherwise"
    return
  end
  state.prompt = { label = QUESTIONS[name][1], answer = QUESTIONS[name][2],
    text = "" }
end

--- Opens the prompt whether to overwrite a file.
-- @tparam table state
-- @tparam string path
function M.confirm(state, path)
  state.prompt = { label = ("%s exists. Overwrite it (y/n)? "):format(path),
    text = "", answer = function(_, text)
      if text:lower() == "y" or text:lower() == "yes" then
        return { "overwrite", path }
      end
      state.message = "not written"
    end }
end

--- Handles a key while a prompt is open.
-- @tparam table state
-- @tparam string key
-- @treturn ?table a command, see mtrtrace.screen.actions
function M.press(state, key)
  local prompt = state.prompt
  if key == "escape" then
    state.prompt = nil
  elseif key == "enter" then
    state.prompt = nil
    if prompt.text ~= "" then
      return prompt.answer(state, prompt.text)
    end
  elseif key == "backspace" then
    prompt.text = prompt.text:sub(1, -2)
  elseif key == "ctrl-u" then
    prompt.text = ""
  elseif #prompt.text < LONGEST and (key == "space" or #key == 1) then
    prompt.text = prompt.text .. (key == "space" and " " or key)
  end
end

return M
