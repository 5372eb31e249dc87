-- SPDX-License-Identifier: BSD-2-Clause
-- Many scripts in Nmap's rounds, in virtual time: how long a round lasts.
local check = require "check"
local nse_turn = require "mtrtrace.host.nse_turn"

local SHORTEST, QUANTUM = 0.06, 0.05

local function must(holds, words, ...)
  if not holds then
    error(words:format(...), 0)
  end
end

-- Runs scripts as NSE does: each that is ready once, then 50 ms for sockets,
-- or less where nothing is waited for any more. Returns the longest round, how
-- long all took, and the longest round while there were many scripts.
local MANY = 40
local function run(scripts, alone)
  local clock, longest, of_many, state, threads = 0, 0, 0, {}, {}
  local function now() return clock end
  local function work(seconds)
    clock = clock + seconds
    return clock
  end
  for i, script in ipairs(scripts) do
    threads[i] = { wake = 0, run = coroutine.create(function()
      script(nse_turn.new(state, now, coroutine.yield, SHORTEST, alone),
        work)
    end) }
  end
  while #threads > 0 and clock < 3600 do
    local began, left, last = clock, {}, 0
    for _, thread in ipairs(threads) do
      if thread.wake <= began then
        local ok, seconds = coroutine.resume(thread.run)
        assert(ok, seconds)
        thread.wake = clock + (seconds or 0)
      end
      if coroutine.status(thread.run) ~= "dead" then
        left[#left + 1] = thread
        last = math.max(last, thread.wake)
      end
    end
    longest = math.max(longest, clock - began)
    of_many = #threads > MANY and longest or of_many
    threads = left
    clock = math.min(clock + QUANTUM, math.max(clock, last))
  end
  return longest, clock, of_many
end

local function ends_in_pieces(turn, work)
  for _ = 1, 4 do
    turn:breathe()
    work(0.005)
  end
  turn:leave()
end

local function many(count, script)
  local out = {}
  for i = 1, count do
    out[i] = script
  end
  return out
end

check.case("many_scripts_that_end_at_once_leave_rounds_short", function()
  local longest, took, of_many = run(many(250, ends_in_pieces))
  must(longest <= 0.046, "a round of %.3f s", longest)
  must(of_many <= 0.031, "a round of many of %.3f s", of_many)
  must(took <= 250 * 0.02 * 4, "all took %.1f s", took)
end)

check.case("a_small_group_is_not_held_up", function()
  local _, took = run(many(16, function(turn, work)
    turn:wait(0.9)
    for _ = 1, 4 do
      turn:breathe()
      work(0.002)
    end
    turn:leave()
  end))
  must(took <= 0.9 + 16 * 0.008 * 2 + 2 * QUANTUM, "it took %.2f s", took)
end)

check.case("the_last_begins_soon_however_many_others_are_at_work", function()
  local scripts, began = many(250, ends_in_pieces), nil
  scripts[#scripts + 1] = function(turn, work)
    local before = work(0)
    turn:breathe(true)
    began = work(0.001) - before
  end
  run(scripts)
  must(began <= 0.7, "it began after %.2f s", began)
end)

check.case("many_scripts_that_poll_leave_rounds_short", function()
  local longest = run(many(250, function(turn, work)
    turn:breathe(true)
    for _ = 1, 5 do
      work(0.001)
      turn:wait(SHORTEST)
    end
  end))
  must(longest <= 0.035, "a round of %.3f s", longest)
end)

-- A trace as it is measured in Nmap with four flows: it starts, is looked at
-- until it is done, and is put together in pieces; its web server is waited
-- for meanwhile.
local function traces(turn, work)
  turn:breathe(true)
  local began = work(0.0015)
  local kept = began
  local function keep()
    must(work(0) - kept < 1, "no look for %.2f s", work(0) - kept)
    kept = work(0)
  end
  repeat
    keep()
    work(0.0008)
    turn:wait(0.1, keep)
  until work(0) - began >= 1.05
  turn:breathe()
  work(0.0045)
  for _ = 1, 2 do
    turn:wait(SHORTEST)
    work(0.0004)
  end
  for _ = 1, 2 do
    turn:breathe()
    work(0.001)
  end
  turn:leave()
end

check.case("a_whole_group_of_traces_leaves_rounds_short", function()
  local longest, took, of_many = run(many(240, traces))
  must(longest <= 0.046, "a round of %.3f s", longest)
  must(of_many <= 0.031, "a round of many of %.3f s", of_many)
  must(took <= 9, "all took %.1f s", took)
end)

check.case("without_other_scripts_a_group_is_done_sooner", function()
  local _, beside = run(many(240, traces))
  local _, took = run(many(240, traces), true)
  must(took <= 0.6 * beside, "%.1f s in place of %.1f s", took, beside)
end)

check.case("one_script_alone_is_never_held_up", function()
  local _, took = run { function(turn, work)
    work(0.01)
    turn:breathe()
    work(0.01)
    turn:breathe()
  end }
  must(took < 0.02 + QUANTUM + 0.001, "it took %.3f s", took)
end)

check.case("a_long_piece_is_no_gap", function()
  local _, took = run { function(turn, work)
    for _ = 1, 3 do
      work(0.08)
      turn:breathe()
    end
  end }
  must(took > 0.24 + 2 * 0.02, "it took %.3f s", took)
end)

check.finish()
