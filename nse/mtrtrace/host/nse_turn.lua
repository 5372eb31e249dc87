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

-- All our scripts together, in a round. Nmap waits up to 50 ms after it. With
-- rounds of 150 ms a /24 takes 7 % less time, but another script may be woken
-- 0.2 s late.
local BUSY_S = 0.05

-- A script stands back so often in a row, then it is its turn: soon where it
-- only looks how far its trace is, which stops if nobody does for a second.
local LOOKS, PIECES = 5, 500

-- A trace that is still to start stands back less often: the whole group waits
-- for the one that starts last.
local STARTS = 2

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
  local function is_over()
    return state.last - state.began >= BUSY_S
  end
  function turn.leave()
    state.last = now()
  end
  local function stand_back(seconds, most)
    for tries = 1, most do
      state.odd = not state.odd
      turn.leave()
      sleep(seconds + (tries > 1 and state.odd and ROUND_S or 0))
      enter()
      if not is_over() then
        return
      end
      seconds = shortest
    end
  end
  function turn.wait(seconds)
    stand_back(seconds, LOOKS)
  end
  function turn.breathe(begins)
    turn.leave()
    if is_over() then
      stand_back(shortest, begins and STARTS or PIECES)
    end
  end
  enter()
  return turn
end

return M
