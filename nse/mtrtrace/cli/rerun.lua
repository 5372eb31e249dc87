-- SPDX-License-Identifier: BSD-2-Clause

--- Shows a recording to readers, as the run was shown to them.
-- @module mtrtrace.cli.rerun
local replay = require "mtrtrace.recording.replay"

local M = {}

local CHUNK, LONGEST = 65536, 1048576

-- dkjson's parser over LPeg is faster where that is installed.
local function decoder(dkjson)
  local fast, lpeg = pcall(dkjson.use_lpeg)
  local decode = (fast and lpeg or dkjson).decode
  return function(line)
    local ok, value = pcall(decode, line, 1, nil, nil, nil)
    return ok and value or nil
  end
end

-- Lines of a file; one that has no end is cut where nobody would read it.
local function lines_of(file)
  local rest = ""
  return function()
    while true do
      local at = rest:find("\n", 1, true)
      if at or #rest > LONGEST then
        at = at or #rest + 1
        local line = rest:sub(1, at - 1)
        rest = rest:sub(at + 1)
        return line
      end
      local chunk, err = file:read(CHUNK)
      if not chunk then
        local line = rest
        rest = ""
        return line ~= "" and line or nil, err
      end
      rest = rest .. chunk
    end
  end
end

local function tell(readers, what, ...)
  for _, reader in ipairs(readers) do
    if reader[what] then
      reader[what](reader, ...)
    end
  end
end

local function show(readers, said)
  if said.kind == "start" then
    tell(readers, "start", said.trace)
  elseif said.kind == "search" then
    tell(readers, "search", said.trace)
  elseif said.kind == "event" then
    tell(readers, "events", said.trace, { said.event }, 0)
  else
    tell(readers, "finish", said.trace, said.result, said.error)
  end
end

-- One line: what it says goes to the readers. What no rule of the recording
-- caught and a report stumbles over is the recording's fault too.
local function take(state, line)
  local ok, said = state.replay:line(line)
  if not ok then
    return nil, said
  elseif said then
    if said.kind == "finish" then
      state.done = state.done + 1
      state.missed = state.missed
        + (said.result and said.result.reached and 0 or 1)
    end
    if not pcall(show, state.readers, said) then
      return nil, "values that do not fit each other"
    end
  end
  return true
end

--- Reads a recording to its end.
-- @tparam table core the module mtrtrace.core
-- @tparam table dkjson the module
-- @tparam file file to read from
-- @tparam string name of it, for messages
-- @tparam table readers see mtrtrace.cli.document
-- @treturn table { done, missed, err }: traces, those that did not reach
--   their target, and one sentence where something is wrong
function M.run(core, dkjson, file, name, readers)
  local state = { replay = replay.new(core, decoder(dkjson)),
    readers = readers, done = 0, missed = 0 }
  local number = 0
  for line in lines_of(file) do
    number = number + 1
    local ok, err = take(state, line)
    if not ok then
      state.err = ("%s:%d: %s"):format(name, number, err)
      return state
    end
  end
  local missing = state.replay:missing()
  state.err = missing and ("%s: %s"):format(name, missing)
  return state
end

return M
