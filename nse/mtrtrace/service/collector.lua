-- SPDX-License-Identifier: BSD-2-Clause

--- Collects garbage in short steps between other work. A step of Lua's own
-- collector takes as long as much was allocated since the last one, and the
-- generational mode, which the interpreter of Lua 5.4 selects, traverses all
-- memory at once: scrapes and traces would wait for 0.1 s and more.
-- @module mtrtrace.service.collector
local M = {}

-- Milliseconds: interval of the timer; work in one interval, normally and
-- while memory grows faster than it is collected.
local LOOK_MS, WORK_MS, HASTE_MS = 10, 3, 12

-- A collection begins at BEGIN times the memory that the last one left (at
-- least LEAST_KB); from HASTE times on it takes HASTE_MS in each interval.
local BEGIN, HASTE, LEAST_KB = 2, 3, 8192

-- Arguments of the incremental mode of Lua 5.4: a step takes about 0.1 ms.
local PAUSE, MULTIPLIER = 200, 8

local Collector = {}
Collector.__index = Collector

--- Called by the timer: begins a collection if memory has grown, or continues
-- an unfinished one.
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

--- Starts the timer and stops Lua's own collector.
-- @tparam table uv the module luv
-- @tparam function guard wraps a function so that it never raises
-- @treturn table { look }; `count`: number of finished collections
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
