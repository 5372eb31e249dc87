-- SPDX-License-Identifier: BSD-2-Clause

--- Collects garbage in short steps between other work. Lua's own collector
-- works as much as was allocated since it last did, and in generational mode,
-- the interpreter's choice since Lua 5.4, walks through all memory at once:
-- scrapes and traces would wait for a tenth of a second and more.
-- @module mtrtrace.service.collector
local M = {}

-- Milliseconds: between two looks; of work in one look, and if memory grows
-- faster than that collects.
local LOOK_MS, WORK_MS, HASTE_MS = 10, 3, 12

-- A collection begins at this multiple of what the last one left, and of at
-- least so many KB; from the second multiple on it hastens.
local BEGIN, HASTE, LEAST_KB = 2, 3, 8192

-- Work of one step for what has been allocated (incremental mode, Lua 5.4):
-- a step takes about 0.1 ms.
local PAUSE, MULTIPLIER = 200, 8

local Collector = {}
Collector.__index = Collector

--- Takes a look: begins a collection where memory has grown, goes on with the
-- one that is under way.
function Collector:look()
  local count = collectgarbage "count"
  if not self.collecting and count < BEGIN * self.left then
    return
  end
  self.collecting = true
  local work_ms = count < HASTE * self.left and WORK_MS or HASTE_MS
  local until_ns = self.uv.hrtime() + work_ms * 1000000
  repeat
    if collectgarbage("step", 0) then
      self.collecting = false
      self.left = math.max(LEAST_KB, collectgarbage "count")
      self.count = self.count + 1
    end
  until not self.collecting or self.uv.hrtime() >= until_ns
end

--- Begins; Lua's own collector stops.
-- @tparam table uv the module luv
-- @tparam function guard makes of a function one that never raises
-- @treturn table { look }; `count`: collections that have ended
function M.start(uv, guard)
  local self = setmetatable({ uv = uv, left = LEAST_KB, count = 0,
    collecting = false }, Collector)
  if _VERSION ~= "Lua 5.3" then
    collectgarbage("incremental", PAUSE, MULTIPLIER)
  end
  collectgarbage "stop"
  uv.new_timer():start(LOOK_MS, LOOK_MS, guard(function() self:look() end))
  return self
end

return M
