-- SPDX-License-Identifier: BSD-2-Clause
-- The screen on a terminal that is none: what is written when, and that the
-- terminal is given back on every way out.
local check = require "check"
local fake_uv = require "fake_uv"
local palette = require "mtrtrace.screen.palette"
local reader = require "mtrtrace.screen.reader"
local screen_sample = require "screen_sample"
local session = require "mtrtrace.cli.session"

-- A screen with a path, and what a run would be.
local function screen(live)
  local uv, out = fake_uv.new()
  local state = screen_sample.state()
  local shown = reader.new { uv = uv, state = state, out = out, live = live,
    styles = palette.of(0) }
  local run = { stops = 0 }
  function run.stop() run.stops = run.stops + 1 end
  local failed
  shown:begin(run, session.guard_of(function(text)
    failed = text
    shown:close()
  end))
  return { uv = uv, out = out, state = state, shown = shown, run = run,
    failed = function() return failed end }
end

local function bytes_of(made)
  local text = table.concat(made.out.written)
  made.out.written = {}
  return text
end

-- Left behind: normal mode, cursor on, alternate screen off.
local function is_given_back(made)
  local left, normal, cursor
  for _, what in ipairs(made.uv.log) do
    left = what == "1049l" or what ~= "1049h" and left
    cursor = what == "25h" or what ~= "25l" and cursor
    normal = what == "mode 0" or what ~= "mode 1" and normal
  end
  return left and normal and cursor or false
end

check.case("it_is_taken_at_once_and_given_back_once", function()
  local made = screen()
  check.equal(is_given_back(made), false)
  check.contains(bytes_of(made), "www.example.com")
  made.shown:close()
  made.shown:close()
  check.equal(is_given_back(made), true)
  local count = 0
  for _, what in ipairs(made.uv.log) do
    count = count + (what == "1049l" and 1 or 0)
  end
  check.equal(count, 1)
  check.equal(made.uv.tty.closed, true)
end)

check.case("nothing_is_written_while_nothing_changes", function()
  local made = screen()
  bytes_of(made)
  made.uv.tick()
  made.uv.press "X"
  check.equal(bytes_of(made), "")
end)

check.case("sent_probes_alone_draw_nothing", function()
  local made = screen()
  bytes_of(made)
  made.shown:events(screen_sample.trace(), { { kind = "sent", ttl = 1,
    class = "counted", probe = 999, at_ns = 50000000000 } }, 0)
  made.uv.tick()
  check.equal(bytes_of(made), "")
end)

check.case("an_answer_draws_once_and_only_what_changed", function()
  local made = screen()
  bytes_of(made)
  for i = 1, 5 do
    made.shown:events(screen_sample.trace(), { { kind = "timeout", ttl = 3,
      class = "counted", probe = 2000 + i, at_ns = 20000000000 } }, 0)
  end
  check.equal(bytes_of(made), "")
  made.uv.tick()
  local text = bytes_of(made)
  check.equal(#text > 0 and #text < 60, true, text) -- the clock of the title
end)

check.case("names_that_gave_several_addresses_have_a_tab_for_each", function()
  local live = { targets = 1 }
  local made = screen(live)
  made.shown:targets { "a.test (192.0.2.1)", "a.test (192.0.2.2)", "b.test" }
  local names = {}
  for i, tab in ipairs(made.state.tabs) do
    names[i] = tab.name
  end
  check.equal(names, { "a.test (192.0.2.1)", "a.test (192.0.2.2)", "b.test" })
  check.equal({ made.state.active, live.targets }, { 1, 3 })
end)

check.case("q_stops_the_run", function()
  local made = screen()
  made.uv.press "q"
  check.equal(made.run.stops, 1)
end)

check.case("q_twice_waits_for_nothing", function()
  local made, ended = screen(), false
  function made.uv.stop() ended = true end
  made.uv.press "q"
  check.equal(ended, false)
  made.uv.press "q"
  check.equal(ended, true)
end)

check.case("a_new_size_draws_all_again", function()
  local made = screen()
  bytes_of(made)
  made.uv.size = { 40, 10 }
  made.uv.signal "sigwinch"
  check.contains(bytes_of(made), "\27[2J")
end)

check.case("keys_that_come_in_parts_are_one", function()
  local made = screen()
  made.uv.press "\27["
  check.equal(made.state:current().selected, 1)
  made.uv.press "B"
  check.equal(made.state:current().selected, 2)
end)

check.case("stopped_it_is_given_back_and_taken_again", function()
  local made = screen()
  local from = #made.uv.log
  made.uv.signal "sigtstp"
  local after = table.concat(made.uv.log, ",", from + 1)
  check.equal(after, "7h,25h,1049l,mode 0,kill 7 sigstop,mode 0,mode 1,"
    .. "1049h,25l,7l")
end)

check.case("ctrl_z_stops_all_that_the_shell_started", function()
  local made = screen()
  made.uv.press "\26"
  check.equal(made.uv.log[#made.uv.log], "kill 0 sigtstp")
end)

check.case("a_terminal_that_is_gone_stops_the_run", function()
  local made = screen()
  made.uv.keyboard(nil, nil)
  check.equal(made.run.stops, 1)
  made = screen()
  made.out.broken = true
  made.uv.press "d"
  check.equal(made.run.stops, 1)
  made.shown:close()
end)

local CALLBACKS = {
  { name = "keys", act = function(made) made.uv.press "d" end },
  { name = "timer", act = function(made)
    made.shown:events(screen_sample.trace(), { { kind = "timeout", ttl = 1,
      class = "counted", probe = 5000, at_ns = 1 } }, 0)
    made.uv.tick()
  end },
  { name = "resize", act = function(made) made.uv.signal "sigwinch" end },
  { name = "continued", act = function(made) made.uv.signal "sigcont" end },
}

check.rows(CALLBACKS, function(row)
  local made = screen()
  made.state.mode = "none" -- a fault in the drawing
  row.act(made)
  check.contains(made.failed(), "attempt to call a nil value")
  check.equal(is_given_back(made), true)
end)

check.case("commands_go_to_the_traces", function()
  local asked = {}
  local live = { options = { interval = 1 } }
  function live.pause(_, paused) asked.paused = paused end
  function live.set(_, changes)
    asked.set = changes
    live.options.interval = changes.interval
  end
  local made = screen(live)
  made.uv.press "p"
  check.equal(asked.paused, true)
  made.uv.press "i5\13"
  check.equal(asked.set, { interval = 5 })
  check.equal(made.state.interval, 5)
end)

-- ---- files -----------------------------------------------------------------

local function content(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- A file that is there, and a screen that was told to write to it.
local function asked()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write "mine"
  file:close()
  local made = screen()
  made.uv.press("w" .. path .. "\r")
  return made, path
end

check.case("a_file_that_is_there_is_not_overwritten_unasked", function()
  for _, answer in ipairs { "n\r", "\r", "x\r", "\27" } do
    local made, path = asked()
    check.contains(bytes_of(made), "exists. Overwrite it (y/n)?")
    made.uv.press(answer)
    made.uv.tick()
    check.equal(content(path), "mine")
    os.remove(path)
  end
end)

check.case("a_file_is_overwritten_where_that_is_wanted", function()
  local made, path = asked()
  made.uv.press "y\r"
  check.equal(made.state.message, "written to " .. path)
  check.contains(content(path), "www.example.com")
  os.remove(path)
end)

check.case("a_file_that_is_not_there_is_written_at_once", function()
  local path = os.tmpname()
  os.remove(path)
  local made = screen()
  made.uv.press("w" .. path .. "\r")
  check.equal(made.state.message, "written to " .. path)
  check.contains(content(path), "www.example.com")
  os.remove(path)
end)

check.finish()
