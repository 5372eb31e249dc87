-- SPDX-License-Identifier: BSD-2-Clause

--- How traces share Nmap's only thread with other scripts. Nmap resumes all
-- scripts that are ready, one after another, and then waits up to 50 ms for
-- its sockets. The work of hundreds of traces in one such round has to be
-- bounded, however many of them end at once: each piece of work is planned
-- for a round that has time for it. Knows no module of NSE.
-- @module mtrtrace.host.nse_turn
local M = {}

-- Between two rounds Nmap waits for its sockets, 50 ms as a rule; in a round
-- our scripts follow each other at once.
local GAP_S, SOCKETS_S = 0.02, 0.05

-- All our scripts together, in a round. Another script that comes first in one
-- round and last in the next is late by both and by Nmap's wait between them:
-- by 100 ms at most where many of our scripts are at work. Those of a small
-- group are done sooner with longer rounds, and have few of them.
-- Where no other script runs, only look-ups of names wait for a round.
local BUSY_S, MANY, BUSY_OF_MANY_S, BUSY_ALONE_S = 0.04, 32, 0.018, 0.15

-- For how long work may be put off, and from one try to the next: the engine
-- pauses a trace at which nobody looks for 1 s.
local LATEST_S, AHEAD_S = 30, 0.7

-- A sleep until the next round: where all scripts sleep, Nmap waits no longer,
-- and a shorter sleep would not end the round. Nmap's timeouts see longer
-- sleeps alone, so a script may go on so for a while only.
local NEXT_ROUND_S, UNSEEN_S = GAP_S + 0.005, 0.3

-- What a kind takes of a round as a rule, before the first of it was measured,
-- and the weight of a new measurement.
local USUAL_S, WEIGHT = 0.0005, 1 / 16

-- A whole group waits for the trace that starts last: what of a round other
-- work may take where starts had to be put off.
local BESIDE_STARTS = 0.5

-- How many scripts there are; of the first one it is not known how many come
-- with it. Those that Nmap ended are gone with their garbage.
local function count(turns)
  local n = 0
  for _ in pairs(turns) do
    n = n + 1
  end
  return n > 0 and n or math.huge
end

local function forget(plan, current)
  for round = plan.oldest or current, current - 1 do
    plan[round] = nil
  end
  plan.oldest = current
end

-- The first round from `from` to `to`, in seconds, with room for a piece of
-- work, or the emptiest; the piece is added to the round.
local function reserve(plan, from, to, seconds, room)
  local best
  for round = from // plan.round_s, to // plan.round_s do
    local taken = plan[round] or 0
    if taken == 0 or taken + seconds <= room then
      best = round
      break
    elseif not best or taken < plan[best] then
      best = round
    end
  end
  plan[best] = (plan[best] or 0) + seconds
  return best
end

local function enter(self)
  local state, at = self.state, self.now()
  if at - (state.last or -math.huge) > GAP_S then
    state.began, state.count = at, count(state.turns)
  end
  state.last, self.entered = at, at
end

-- What work of this kind may take of a round.
local function room(self)
  local state = self.state
  local busy = state.alone and BUSY_ALONE_S
    or state.count > MANY and BUSY_OF_MANY_S or BUSY_S
  local others = self.kind ~= "start" and state.last < state.starts_until
  return others and busy * BESIDE_STARTS or busy
end

local function is_over(self)
  return self.state.last - self.state.began >= room(self)
end

-- What follows is of another kind, or comes in another round.
local function change(self, kind)
  local usual, at = self.state.usual, self.state.last
  if at > self.entered then
    local before = usual[self.kind] or USUAL_S
    usual[self.kind] = before + (at - self.entered - before) * WEIGHT
  end
  self.entered, self.kind = at, kind
end

-- How long to sleep before work that shall come in `seconds`, or later.
local function planned(self, seconds)
  local state, at = self.state, self.state.last
  local from = at + seconds
  forget(state.plan, at // state.plan.round_s)
  local round = reserve(state.plan, from, math.max(from, at + AHEAD_S),
    state.usual[self.kind] or USUAL_S, room(self))
  local begins = math.max(from, round * state.plan.round_s)
  if self.kind == "start" then
    state.starts_until = math.max(state.starts_until,
      begins + state.plan.round_s)
  end
  return begins - at
end

local function pause(self, seconds)
  self.sleep(seconds)
  enter(self)
  if seconds >= self.shortest then
    self.seen = self.state.last
  end
end

-- The shortest sleep after which Nmap's timeouts still work.
local function soon(self)
  return self.state.last - self.seen < UNSEEN_S and NEXT_ROUND_S
    or self.shortest
end

-- Sleeps for so long, and on until a round has time for the work.
local function stand_back(self, seconds, keep)
  local latest = self.state.last + seconds + LATEST_S
  pause(self, planned(self, seconds))
  while is_over(self) and self.state.last < latest do
    if keep then
      keep()
    end
    pause(self, planned(self, soon(self)))
  end
end

local Turn = {}
Turn.__index = Turn

--- Sleeps.
-- @tparam number seconds at least
-- @tparam ?function keep called at least once a second where it takes longer;
--   keeps going what stops where nobody looks
function Turn:wait(seconds, keep)
  self.state.last = self.now()
  change(self, keep and "look" or "poll")
  stand_back(self, math.max(seconds, self.shortest), keep)
end

--- Between two pieces of work: sleeps where the round has no more time for us.
-- @tparam ?boolean begins the trace is still to start
function Turn:breathe(begins)
  local kind = begins and "start" or "piece"
  self.state.last = self.now()
  if kind ~= self.kind then
    change(self, kind)
  end
  if is_over(self) then
    change(self, kind)
    stand_back(self, soon(self))
  end
end

--- The script ends.
function Turn:leave()
  self.state.last, self.state.turns[self] = self.now(), nil
end

--- The turns of one script.
-- @tparam table state shared by all scripts of a process; empty at first
-- @tparam function now seconds that never fall
-- @tparam function sleep of seconds; yields
-- @tparam number shortest seconds of the shortest sleep
-- @tparam ?boolean alone no other script runs
-- @treturn table
function M.new(state, now, sleep, shortest, alone)
  state.alone = alone
  state.plan = state.plan
    or { round_s = (alone and BUSY_ALONE_S or BUSY_OF_MANY_S) + SOCKETS_S }
  state.usual = state.usual or {}
  state.starts_until = state.starts_until or -math.huge
  state.turns = state.turns or setmetatable({}, { __mode = "k" })
  local self = setmetatable({ state = state, now = now, sleep = sleep,
    shortest = shortest, kind = "arrival" }, Turn)
  enter(self)
  self.seen = state.last
  state.turns[self] = true
  return self
end

return M
