-- SPDX-License-Identifier: BSD-2-Clause

--- How traces share Nmap's only thread with other scripts. Nmap runs all
-- scripts that are ready, one after another, and then looks at what is waited
-- for: so what hundreds of traces do in one such round has to be bounded,
-- however many of them end at once. Knows no module of NSE.
-- @module mtrtrace.host.nse_turn
local M = {}

-- Between two rounds Nmap waits for its sockets, 50 ms as a rule; in a round
-- our scripts follow each other at once.
local GAP_S = 0.02

-- All our scripts together, in a round. Nmap waits 50 ms or 100 ms after it,
-- so a shorter round would leave this thread idle for most of the time.
local BUSY_S = 0.15

-- A script stands back so often in a row, then it is its turn: soon where it
-- only looks how far its trace is, which stops if nobody does for a second.
local LOOKS, PIECES = 5, 500

-- A trace that is still to start takes more of a round, and stands back less:
-- the whole group waits for the one that starts last.
local START_S, STARTS = 0.3, 2

-- Those that stand back again and again wake in two rounds by turns, so that
-- there is work in each of them.
local ROUND_S = 0.05

--- The turns of one script.
-- @tparam table state shared by all scripts of a process; empty at first
-- @tparam function now seconds that never fall
-- @tparam function sleep of seconds; yields
-- @tparam number shortest seconds of the shortest sleep
-- @treturn table { wait = function(seconds), in place of sleep; breathe =
--   function(begins): between two pieces of work, sleeps if the round is over
--   for us; `begins`: the trace is still to start; leave = function(): the
--   script ends }
function M.new(state, now, sleep, shortest)
  local turn = {}
  local function enter()
    local at = now()
    if at - (state.last or -math.huge) > GAP_S then
      state.began = at
    end
    state.last = at
  end
  local function is_over(most_s)
    return state.last - state.began >= most_s
  end
  function turn.leave()
    state.last = now()
  end
  local function stand_back(seconds, most, most_s)
    for tries = 1, most do
      state.odd = not state.odd
      turn.leave()
      sleep(seconds + (tries > 1 and state.odd and ROUND_S or 0))
      enter()
      if not is_over(most_s) then
        return
      end
      seconds = shortest
    end
  end
  function turn.wait(seconds)
    stand_back(seconds, LOOKS, BUSY_S)
  end
  function turn.breathe(begins)
    turn.leave()
    local most_s = begins and START_S or BUSY_S
    if is_over(most_s) then
      stand_back(shortest, begins and STARTS or PIECES, most_s)
    end
  end
  enter()
  return turn
end

return M
