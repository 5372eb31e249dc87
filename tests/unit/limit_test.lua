-- SPDX-License-Identifier: BSD-2-Clause
-- The end of a trace at a moment: max-time, and Nmap's timeouts as far as they
-- can be seen.
local check = require "check"
local limit = require "mtrtrace.session.deadline"
local timeouts = require "mtrtrace.host.nse_timeouts"

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do
    list[#list + 1] = word
  end
  return list
end

check.rows({
  { name = "no_timeout", line = "-sn -Pn 192.0.2.1" },
  { name = "script_timeout", line = "--script-timeout 30s x", script = 30 },
  { name = "host_timeout_with_equals", line = "--host-timeout=2m",
    host = 120 },
  { name = "bare_numbers_are_seconds", line = "--host-timeout 90", host = 90 },
  { name = "milliseconds", line = "--script-timeout 2500ms", script = 2.5 },
  { name = "hours", line = "--host-timeout 1h", host = 3600 },
  { name = "underscores", line = "--host_timeout 5s", host = 5 },
  { name = "one_hyphen", line = "-script-timeout 5s", script = 5 },
  { name = "abbreviated", line = "--script-ti 5s --host-t 9s", script = 5,
    host = 9 },
  { name = "another_script_option", line = "--script-trace --script x" },
  { name = "the_last_one_counts",
    line = "--host-timeout 5s --host-timeout 7s", host = 7 },
  { name = "zero_is_none", line = "--host-timeout 5s --host-timeout 0" },
  { name = "no_value", line = "-sn --script-timeout" },
  { name = "no_time", line = "--script-timeout soon" },
}, function(row)
  local found = timeouts.read(words(row.line))
  check.equal({ found["script-timeout"], found["host-timeout"] },
    { row.script, row.host })
end)

check.rows({
  { name = "none", want = {} },
  { name = "the_script_s", script = 30, want = { 28.5, "script-timeout" } },
  { name = "a_short_one_leaves_two_thirds", script = 3,
    want = { 2.0, "script-timeout" } },
  { name = "what_the_host_has_used", host = 60, used = 20,
    want = { 38.5, "host-timeout" } },
  { name = "the_earlier_one", script = 30, host = 60, used = 40,
    want = { 18.5, "host-timeout" } },
  { name = "hardly_anything_left", host = 10, used = 9.9,
    want = { 0.5, "host-timeout" } },
  { name = "a_process_older_than_the_timeout_says_nothing", host = 10,
    used = 500, want = { 8.5, "host-timeout" } },
  { name = "T5_gives_15_minutes", level = 5, used = 100,
    want = { 798.5, "host-timeout" } },
  { name = "T5_with_a_timeout_of_ones_own", level = 5, host = 60,
    want = { 58.5, "host-timeout" } },
}, function(row)
  check.equal({ timeouts.left({ ["script-timeout"] = row.script,
    ["host-timeout"] = row.host }, row.level or 3, row.used or 0) }, row.want)
end)

check.case("this_process_has_words_and_an_age", function()
  check.equal(#timeouts.words() > 0, true)
  check.equal(timeouts.age() >= 0 and timeouts.age() < 3600, true)
end)

check.case("a_bounded_host_stops_at_the_moment_and_not_before", function()
  local now, ended = 5, false
  local host = { now = function() return now end,
    stopped = function() return ended end, word = "x" }
  local bounded, struck = limit.bounded(host, { at = 8, name = "max-time" })
  check.equal({ bounded.stopped(), bounded.word }, { false, "x" })
  check.equal(struck(), nil)
  now = 8
  check.equal({ bounded.stopped(), struck() }, { true, "max-time" })
  now, ended = 6, true
  bounded, struck = limit.bounded(host, { at = 8, name = "max-time" })
  check.equal({ bounded.stopped(), struck() }, { true, "interrupt" })
  bounded, struck = limit.bounded(host, nil)
  check.equal({ bounded.stopped(), struck() }, { true, "interrupt" })
  ended = false
  bounded, struck = limit.bounded(host, nil)
  check.equal({ bounded.stopped(), struck() == nil }, { false, true })
end)

check.case("an_interrupted_trace_does_not_count_as_reached", function()
  local counts = limit.counts_as_reached
  check.equal({ counts { reached = true },
    counts { reached = true, stopped = "max-time" },
    counts { reached = true, stopped = "interrupt" },
    counts { reached = false }, counts(nil) },
    { true, true, false, false, false })
end)

check.case("a_result_says_what_ended_it_and_whether_the_target_replied",
  function()
    local function result(target, done)
      return { done = done, reached = done, hops = {
        { ttl = 1, responders = { {} } },
        { ttl = 2, responders = { { target = target } } } } }
    end
    local noted = limit.note(result(true, false), "max-time")
    check.equal({ noted.stopped, noted.reached }, { "max-time", true })
    noted = limit.note(result(false, false), "host-timeout")
    check.equal({ noted.stopped, noted.reached }, { "host-timeout", false })
    noted = limit.note(result(true, true), "max-time")
    check.equal(noted.stopped, nil)
    check.equal(limit.note(result(true, false), nil).stopped, nil)
  end)

check.case("the_first_of_two_limits_strikes", function()
  local a, b = { at = 3 }, { at = 2 }
  check.equal({ limit.first(a, b), limit.first(b, a), limit.first(a, nil) },
    { b, b, a })
end)

check.finish()
