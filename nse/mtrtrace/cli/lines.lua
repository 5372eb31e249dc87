-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that writes the event stream, see mtrtrace.recording.stream: live
-- for the option ndjson, to a file for the option record.
-- @module mtrtrace.cli.lines
local stream = require "mtrtrace.recording.stream"

local M = {}

local Lines = { wants_events = true, shows_web = true }
Lines.__index = Lines

local function write(self, text)
  self.out:write(text)
  if self.at_once then
    self.out:flush()
  end
end

function Lines:start(trace)
  write(self, stream.start(trace))
end

function Lines:search(trace)
  write(self, stream.search(trace))
end

function Lines:events(trace, list, dropped)
  local parts = {}
  for i, event in ipairs(list) do
    parts[i] = stream.event(trace, event)
  end
  if dropped > 0 then
    parts[#parts + 1] = stream.dropped(trace, dropped)
  end
  if #parts > 0 then
    write(self, table.concat(parts))
  end
end

function Lines:finish(trace, result, err)
  write(self, result and stream.finish(trace, result)
    or stream.failure(trace, err))
end

--- Returns a reader that starts a stream.
-- @tparam table out see mtrtrace.report.out
-- @tparam string version of this program
-- @tparam boolean at_once whether output is flushed after each batch
-- @treturn table a reader
function M.new(out, version, at_once)
  local self = setmetatable({ out = out, at_once = at_once }, Lines)
  write(self, stream.header(version))
  return self
end

return M
