-- SPDX-License-Identifier: BSD-2-Clause

--- The schedule of the traces: each target once per interval, spread over the
-- interval, or without a pause. A target whose trace takes longer than the
-- interval skips a round; its later rounds keep their times. Blocks only in
-- the host.
-- @module mtrtrace.service.schedule
local M = {}

local Schedule = {}
Schedule.__index = Schedule

-- Targets begin APART_S apart, or less so that all begin within this part of
-- the interval. This keeps them from probing the same first routers at once.
local APART_S, SPREAD = 0.05, 0.9

-- Pause before a target that could not be traced is tried again, if rounds
-- have no interval.
local RETRY_S = 10

-- The offset of a target within the interval.
local function offset_of(self, place, count)
  if not self.every_s or count < 2 then
    return 0
  end
  local apart = math.min(APART_S, self.every_s * SPREAD / count)
  return (place - 1) * apart
end

-- Waits until fewer traces than allowed are running.
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

-- The time of the next round that is not in the past.
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

--- Starts to trace further targets.
-- @tparam {table,...} list entries; setting `gone` in one ends its rounds
function Schedule:add(list)
  local now = self.host.now()
  for i, one in ipairs(list) do
    local due_s = now + offset_of(self, i, #list)
    self.host.spawn(function() rounds(self, one, due_s) end)
  end
end

--- Starts no more rounds.
function Schedule:stop()
  local waiting = self.queue
  self.stopped, self.queue = true, {}
  for _, go_on in ipairs(waiting) do
    go_on()
  end
end

--- Whether no trace is running.
-- @treturn boolean
function Schedule:is_idle()
  return self.running == 0
end

--- Makes a schedule without targets.
-- @tparam table setup `host`; `every_s`: the interval, nil for no pause
--   between rounds; `parallel`: traces at once; `trace`: traces an entry,
--   returns false if it could not; `skipped`: called for each skipped round
-- @treturn table
function M.new(setup)
  return setmetatable({ host = setup.host, every_s = setup.every_s,
    parallel = setup.parallel, trace = setup.trace, skipped = setup.skipped,
    running = 0, queue = {}, stopped = false }, Schedule)
end

return M
