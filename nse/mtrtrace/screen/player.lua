-- SPDX-License-Identifier: BSD-2-Clause

--- Plays a recording on the screen in real time: a reader that delays each
-- event until its time. Replaces the run (mtrtrace.cli.run) in the command's
-- session.
-- @module mtrtrace.screen.player
local M = {}

local Player = { wants_events = true }
Player.__index = Player

local PAUSE_S = 0.1

-- Waits for a time of the recording; a pause delays all later events.
local function wait_for(self, at_ns)
  local host = self.host
  self.first_ns = self.first_ns or at_ns
  self.began = self.began or host.now()
  local due = (at_ns - self.first_ns) / 1e9 / self.speed
  while not self.stopped and (self.state.paused
    or host.now() - self.began < due) do
    local from = host.now()
    host.sleep(self.state.paused and PAUSE_S
      or math.min(PAUSE_S, due - (from - self.began)))
    if self.state.paused then
      self.began = self.began + host.now() - from
    end
  end
end

function Player:start_of(trace)
  wait_for(self, trace.head.started_ns)
  self.reader:start(trace)
end

function Player:search(trace)
  if not self.stopped and self.reader.search then
    self.reader:search(trace)
  end
end

function Player:events(trace, list, dropped)
  for _, event in ipairs(list) do
    wait_for(self, trace.head.started_ns + event.at_ns)
  end
  if not self.stopped then
    self.reader:events(trace, list, dropped)
  end
end

function Player:finish(trace, result, err)
  if not self.stopped then
    self.reader:finish(trace, result, err)
  end
end

--- Ends playing.
function Player:stop()
  self.stopped = true
end

--- Starts playing; the screen stays open at the end of the recording.
function Player:start()
  self.host.spawn(function()
    local found = self.read { wants_events = true,
      start = function(_, trace) self:start_of(trace) end,
      search = function(_, ...) self:search(...) end,
      events = function(_, ...) self:events(...) end,
      finish = function(_, ...) self:finish(...) end,
    }
    self.missed, self.err = found.missed, found.err
    while not self.stopped and not self.err do
      self.host.sleep(PAUSE_S)
    end
    self.done = 1
  end)
end

--- Returns a player.
-- @tparam table setup `host`; `reader`: the screen; `state` of it; `speed`:
--   1 is as it happened; `read`: a function of a reader that shows it the
--   recording and gives { missed, err }
-- @treturn table like a run of mtrtrace.cli.run
function M.new(setup)
  return setmetatable({ host = setup.host, reader = setup.reader,
    state = setup.state, speed = setup.speed or 1, read = setup.read,
    targets = { 1 }, taken = 1, done = 0, missed = 0 }, Player)
end

return M
