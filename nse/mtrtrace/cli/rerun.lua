-- SPDX-License-Identifier: BSD-2-Clause

--- Replays a recording to readers, as in the recorded run.
-- @module mtrtrace.cli.rerun
local deadline = require "mtrtrace.session.deadline"
local lines = require "mtrtrace.recording.lines"
local replay = require "mtrtrace.recording.replay"

local M = {}

--- Returns the fastest available JSON decoder: dkjson's parser over LPeg where
-- LPeg is installed.
-- @tparam table dkjson the module
-- @treturn function from a text to a value; nil for invalid JSON
function M.decoder(dkjson)
  local fast, lpeg = pcall(dkjson.use_lpeg)
  local decode = (fast and lpeg or dkjson).decode
  return function(text)
    local ok, value = pcall(decode, text, 1, nil, nil, nil)
    return ok and value or nil
  end
end

local function notify(readers, what, ...)
  for _, reader in ipairs(readers) do
    if reader[what] then
      reader[what](reader, ...)
    end
  end
end

local function show(readers, record)
  if record.kind == "start" then
    notify(readers, "start", record.trace)
  elseif record.kind == "search" then
    notify(readers, "search", record.trace)
  elseif record.kind == "event" then
    notify(readers, "events", record.trace, { record.event }, 0)
  else
    notify(readers, "finish", record.trace, record.result, record.error)
  end
end

-- Passes the record of one line to the readers. An error in a report counts as
-- an error of the recording: its values passed every check but do not fit.
local function take(state, line)
  local ok, record = state.replay:line(line)
  if not ok then
    return nil, record
  elseif record then
    if record.kind == "finish" then
      state.done = state.done + 1
      state.missed = state.missed
        + (deadline.counts_as_reached(record.result) and 0 or 1)
    end
    if not pcall(show, state.readers, record) then
      return nil, "values that do not fit each other"
    end
  end
  return true
end

--- Reads a recording to its end.
-- @tparam table core the module mtrtrace.core
-- @tparam table dkjson the module
-- @tparam file file to read from
-- @tparam string name of the file, for messages
-- @tparam table readers see mtrtrace.cli.document
-- @treturn table { done, missed, err }: traces, those that did not reach
--   their target, and one sentence where something is wrong
function M.run(core, dkjson, file, name, readers)
  local state = { replay = replay.new(core, M.decoder(dkjson)),
    readers = readers, done = 0, missed = 0 }
  local number, next_line = 0, lines.of(file)
  local line, read_error = next_line()
  while line do
    number = number + 1
    local ok, err = take(state, line)
    if not ok then
      state.err = ("%s:%d: %s"):format(name, number, err)
      return state
    end
    line, read_error = next_line()
  end
  local missing = read_error or state.replay:missing()
  state.err = missing and ("%s: %s"):format(name, missing)
  return state
end

return M
