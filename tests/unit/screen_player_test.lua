-- SPDX-License-Identifier: BSD-2-Clause
-- A recording on the screen: each event when its time has come.
local check = require "check"
local player = require "mtrtrace.screen.player"

local S = 1000000000

local function play(setup, acts)
  local host = { clock = 100 }
  local seen, made = {}, nil
  function host.now() return host.clock end
  function host.sleep(seconds)
    host.clock = host.clock + seconds
    if acts then
      acts(host.clock - 100, made, setup)
    end
    if host.clock > 200 then
      made:stop()
    end
  end
  function host.spawn(body) body() end
  local function note(what)
    return function() seen[#seen + 1] = ("%s %.1f"):format(what,
      host.clock - 100) end
  end
  made = player.new { host = host, state = setup, speed = setup.speed,
    reader = { start = note "start", events = note "event",
      finish = note "finish" },
    read = function(reader)
      local trace = { head = { started_ns = 5 * S } }
      reader:start(trace)
      reader:events(trace, { { at_ns = 2 * S } }, 0)
      reader:events(trace, { { at_ns = 6 * S } }, 0)
      reader:finish(trace, {})
      return { missed = 1, err = setup.err }
    end }
  made:start()
  return seen, made
end

check.case("as_it_happened", function()
  check.equal(play {}, { "start 0.0", "event 2.0", "event 6.0",
    "finish 6.0" })
end)

check.case("faster_than_it_happened", function()
  check.equal(play { speed = 2 }, { "start 0.0", "event 1.0", "event 3.0",
    "finish 3.0" })
end)

check.case("a_pause_moves_what_comes_later", function()
  local seen = play({}, function(at, _, state)
    state.paused = at > 1 and at < 4
  end)
  local first = tonumber(seen[2]:match "[%d.]+$")
  check.equal(first > 4.5 and first < 5.5, true, seen[2])
end)

check.case("stopped_it_shows_no_more", function()
  local seen, made = play({}, function(at, made)
    if at > 3 then
      made:stop()
    end
  end)
  check.equal(seen, { "start 0.0", "event 2.0" })
  check.equal({ made.done, made.missed }, { 1, 1 })
end)

check.case("a_broken_recording_ends_the_screen", function()
  local _, made = play { err = "x:1: no event" }
  check.equal({ made.done, made.err, made.stopped }, { 1, "x:1: no event" })
end)

check.finish()
