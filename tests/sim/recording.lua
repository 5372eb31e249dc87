-- SPDX-License-Identifier: BSD-2-Clause
--- A simulated run as a recording, and what a replay of it gives.
-- @module sim.recording
local check = require "check"
local replay = require "mtrtrace.recording.replay"
local stream = require "mtrtrace.recording.stream"

local M = {}

--- The recording of a run of one flow.
-- @tparam table result of the run, enriched
-- @tparam table t what driver.trace gives beside it, with `stream`
-- @tparam table options the trace's
-- @treturn string lines
function M.lines(result, t, options)
  local trace = { index = 1, name = "example.com", head = result,
    options = { max_hops = options.max_hops or 30, max_silent = 5 } }
  local parts = { stream.header "test", stream.start(trace) }
  for _, event in ipairs(t.stream) do
    parts[#parts + 1] = stream.event(trace, event)
  end
  parts[#parts + 1] = stream.finish(trace, result)
  return table.concat(parts)
end

--- Replays a recording; raises where it is refused.
-- @tparam table core the module mtrtrace.core
-- @tparam function decode dkjson.decode
-- @tparam string text lines
-- @treturn table result
function M.replay(core, decode, text)
  local reader, result = replay.new(core, function(line)
    return (decode(line, 1, nil, nil, nil))
  end), nil
  for line in text:gmatch "[^\n]+" do
    local good, answer = reader:line(line)
    if not good then
      error(answer .. ": " .. line, 0)
    end
    result = answer and answer.result or result
  end
  check.equal(reader:missing(), nil)
  return result
end

return M
