-- SPDX-License-Identifier: BSD-2-Clause

--- When each target is traced: once every so many seconds, spread over that
-- time, or without a pause. A target whose trace takes longer
-- misses a turn; its turns stay where they were. Waits by the host alone.
-- @module mtrtrace.service.schedule
local M = {}

local Schedule = {}
Schedule.__index = Schedule

-- Targets begin so far apart at most, and within this part of a round, so
-- that not all of them probe the same first routers at once.
local APART_S, SPREAD = 0.05, 0.9

-- A target that cannot be traced is tried again after so long where there is
-- no pause between rounds.
local RETRY_S = 10

-- How far into each round a target begins.
local function offset_of(self, place, count)
  if not self.every_s or count < 2 then
    return 0
  end
  local apart = math.min(APART_S, self.every_s * SPREAD / count)
  return (place - 1) * apart
end

-- Waits until fewer traces than allowed are under way.
local function enter(self)
  while self.running >= self.parallel and not self.stopped do
    self.host.await(function(done) self.queue[#self.queue + 1] = done end)
  end
  self.running = self.running + 1
end

local function leave(self)
  self.running = self.running - 1
  local next_one = table.remove(self.queue, 1)
  if next_one then
    next_one()
  end
end

-- The next turn that is not over yet.
local function next_due(self, due_s)
  due_s = due_s + self.every_s
  local now = self.host.now()
  while due_s + self.every_s <= now do
    due_s = due_s + self.every_s
    self.skipped()
  end
  return due_s
end

local function rounds(self, one, due_s)
  while not self.stopped and not one.gone do
    self.host.sleep(math.max(0, due_s - self.host.now()))
    if self.stopped or one.gone then
      return
    end
    enter(self)
    local fine = true
    if not self.stopped and not one.gone then
      fine = self.trace(one)
    end
    leave(self)
    due_s = self.every_s and next_due(self, due_s)
      or self.host.now() + (fine and 0 or RETRY_S)
  end
end

--- Begins to trace further targets.
-- @tparam {table,...} list entries; `gone` ends one
function Schedule:add(list)
  local now = self.host.now()
  for i, one in ipairs(list) do
    local due_s = now + offset_of(self, i, #list)
    self.host.spawn(function() rounds(self, one, due_s) end)
  end
end

--- Begins no more rounds.
function Schedule:stop()
  local waiting = self.queue
  self.stopped, self.queue = true, {}
  for _, go_on in ipairs(waiting) do
    go_on()
  end
end

--- Whether nothing is under way.
-- @treturn boolean
function Schedule:is_idle()
  return self.running == 0
end

--- Begins.
-- @tparam table setup `host`; `every_s`, nil for no pause between rounds;
--   `parallel`: traces at once; `trace`: a function of an entry that traces
--   it, false where it could not; `skipped`: called for each missed turn
-- @treturn table
function M.new(setup)
  return setmetatable({ host = setup.host, every_s = setup.every_s,
    parallel = setup.parallel, trace = setup.trace, skipped = setup.skipped,
    running = 0, queue = {}, stopped = false }, Schedule)
end

return M
