-- SPDX-License-Identifier: BSD-2-Clause
-- Alerts: rules as users write them, windows of probes, what a replaced sample
-- leaves behind, and the program that is called.
local check = require "check"
local cli_alert = require "mtrtrace.cli.alert"
local program = require "mtrtrace.alert.program"
local rule = require "mtrtrace.alert.rule"
local watch = require "mtrtrace.alert.watch"

-- ---- rules ----------------------------------------------------------------

local GOOD = {
  { name = "loss", text = "loss>5%", want = { "loss", 5, 1, false } },
  { name = "loss_without_unit", text = "loss>=5", want = { "loss", 5, 1,
    true } },
  { name = "for", text = "loss>5%,for=3", want = { "loss", 5, 3, false } },
  { name = "milliseconds", text = "avg>80ms", want = { "avg", 80, 1, false } },
  { name = "seconds", text = "worst > 1.5s", want = { "worst", 1500.0, 1,
    false } },
  { name = "blanks", text = " jitter > 3 , for=2 ",
    want = { "jitter", 3, 2, false } },
}
check.rows(GOOD, function(row)
  local one = rule.read(row.text)[1]
  check.equal({ one.metric, one.limit, one.count, one.reaches }, row.want)
end)

local BAD = { "", "loss", "loss>", "loss<5", "foo>5", "loss>5ms", "avg>5%",
  "loss>101", "loss>5,for=0", "loss>5,for=1001", "loss>5,for=x", "loss>5;",
  "loss>nan", "loss>-1", "loss>1e3", ("loss>5;"):rep(17) .. "loss>5" }
for _, text in ipairs(BAD) do
  check.case(("bad_rule_%q"):format(text:sub(1, 20)), function()
    check.equal(rule.read(text), nil)
  end)
end

check.case("the_program_must_be_executable", function()
  local files = { ["/a/run"] = "file", ["/a/folder"] = "directory",
    ["/a/text"] = "file", ["/b/tool"] = "file" }
  local uv = { os_getenv = function() return "/a:/b" end,
    fs_stat = function(path) return files[path] and { type = files[path] } end,
    fs_access = function(path, mode)
      return mode == "X" and path ~= "/a/text"
    end }
  local found = {}
  for _, path in ipairs { "/a/run", "/a/folder", "/a/text", "/none", "tool",
    "nothing" } do
    found[path] = program.is_runnable(uv, path)
  end
  check.equal(found, { ["/a/run"] = true, ["/a/folder"] = false,
    ["/a/text"] = false, ["/none"] = false, tool = true, nothing = false })
  check.equal(cli_alert.refusal({ alert = {}, exec = "/none" }, uv),
    "--exec=/none: expected an executable file, with its folder or in PATH")
end)

check.case("several_rules", function()
  check.equal(#rule.read "loss>5%; avg>80ms,for=2", 2)
end)

-- ---- windows --------------------------------------------------------------

local function feed(seen, ttl, outcomes, first)
  for i, outcome in ipairs(outcomes) do
    local event = { ttl = ttl, probe = (first or 0) + i, class = "counted",
      target = true }
    event.kind = "sent"
    seen:add(event)
    event.kind = outcome and "reply" or "timeout"
    event.rtt_ns = outcome and outcome * 1000000 or nil
    seen:add(event)
  end
end

local function of(good, bad)
  local out = {}
  for i = 1, good + bad do
    out[i] = i <= good and 2 or false
  end
  return out
end

local function states(changes)
  local out = {}
  for i, change in ipairs(changes) do
    out[i] = change.state
  end
  return table.concat(out, " ")
end

check.case("so_many_windows_in_a_row_fire_once_and_resolve", function()
  local seen = watch.new(rule.read "loss>5%,for=2")
  feed(seen, 3, of(9, 1))
  check.equal(states(seen:take()), "")
  feed(seen, 3, of(9, 1), 10)
  local changes = seen:take()
  check.equal({ states(changes), changes[1].value, changes[1].answered },
    { "firing", 10.0, 9 })
  feed(seen, 3, of(5, 5), 20)
  check.equal(states(seen:take()), "")
  feed(seen, 3, of(10, 0), 30)
  check.equal(states(seen:take()), "resolved")
end)

check.case("one_good_window_between_begins_anew", function()
  local seen = watch.new(rule.read "loss>5%,for=2")
  for i, lost in ipairs { 1, 0, 1, 0, 1 } do
    feed(seen, 3, of(10 - lost, lost), 10 * i)
  end
  check.equal(states(seen:take()), "")
end)

check.case("a_limit_is_passed_or_reached", function()
  for _, row in ipairs { { "loss>10%", "" }, { "loss>=10%", "firing" } } do
    local seen = watch.new(rule.read(row[1]))
    feed(seen, 3, of(9, 1))
    check.equal(states(seen:take()), row[2])
  end
end)

check.case("a_replaced_sample_raises_nothing", function()
  local seen = watch.new(rule.read "loss>5%")
  feed(seen, 3, of(2, 8))
  seen:add { kind = "rate-limited", ttl = 3 }
  feed(seen, 3, of(10, 0), 100)
  check.equal(states(seen:take(3, true)), "")
end)

-- ---- one trace after the other, as the service traces ----------------------

check.case("windows_and_alerts_go_on_in_the_next_trace", function()
  local seen = watch.new(rule.read "loss>5%,for=2")
  for _ = 1, 4 do -- five probes a trace, two lost
    feed(seen, 3, of(3, 2))
    seen:take(3)
    seen:again()
  end
  feed(seen, 3, of(3, 2))
  check.equal(states(seen:take(3)), "")
  local fired = watch.new(rule.read "loss>5%,for=2")
  local all = {}
  for _ = 1, 6 do
    feed(fired, 3, of(3, 2))
    all[#all + 1] = states(fired:take(3))
    fired:again()
  end
  for _ = 1, 2 do
    feed(fired, 3, of(5, 0))
    all[#all + 1] = states(fired:take(3))
    fired:again()
  end
  check.equal(table.concat(all, ","), ",,,firing,,,,resolved")
end)

check.case("a_replaced_sample_leaves_the_traces_before_it", function()
  local seen = watch.new(rule.read "loss>5%")
  feed(seen, 3, of(8, 2))
  check.equal(states(seen:take(3)), "firing")
  seen:again()
  feed(seen, 3, of(20, 0))
  seen:add { kind = "rate-limited", ttl = 3 }
  feed(seen, 3, of(8, 2), 100)
  check.equal(states(seen:take(3)), "")
  seen:again()
  feed(seen, 3, of(10, 0))
  check.equal(states(seen:take(3)), "resolved")
end)

check.case("an_alert_goes_on_where_the_target_moves_to", function()
  local seen = watch.new(rule.read "loss>5%")
  feed(seen, 3, of(8, 2))
  check.equal(states(seen:take(3)), "firing")
  seen:again()
  feed(seen, 4, of(8, 2))
  check.equal(states(seen:take(4)), "")
  seen:again()
  feed(seen, 4, of(10, 0))
  check.equal(states(seen:take(4)), "resolved")
end)

check.case("the_reader_keeps_a_service_target_over_its_traces", function()
  local said = {}
  local reader = cli_alert.new({ alert = rule.read "loss>=100%",
    format = "serve" }, { say = function(text) said[#said + 1] = text end })
  local trace = { index = 7, name = "a", kept = true }
  for _, outcomes in ipairs { of(0, 5), of(0, 5), of(0, 5), of(0, 5),
    of(5, 0), of(5, 0) } do
    reader:start(trace)
    local list = {}
    feed({ add = function(_, event)
      list[#list + 1] = { ttl = event.ttl, probe = event.probe,
        class = event.class, target = event.target, kind = event.kind,
        rtt_ns = event.rtt_ns }
    end }, 3, outcomes)
    reader:events(trace, list)
    reader:finish(trace, { reached = false })
  end
  check.equal(#said, 2)
  check.contains(said[1], "alert firing: a: loss")
  check.contains(said[2], "alert resolved: a: loss")
  reader:forget(7)
  check.equal(reader.watches[7], nil)
end)

check.case("hops_before_the_target_raise_nothing", function()
  local seen = watch.new(rule.read "loss>5%")
  feed(seen, 2, of(2, 8))
  feed(seen, 3, of(10, 0), 100)
  check.equal(states(seen:take(3, true)), "")
end)

check.case("unsampled_probes_and_send_errors_do_not_count", function()
  local seen = watch.new(rule.read "loss>5%")
  for i = 1, 10 do
    seen:add { kind = "sent", ttl = 3, probe = i, class = "test" }
    seen:add { kind = "timeout", ttl = 3, probe = i, class = "test" }
    seen:add { kind = "sent", ttl = 3, probe = 20 + i, class = "counted" }
    seen:add { kind = "send-error", ttl = 3, probe = 20 + i,
      class = "counted" }
  end
  check.equal(states(seen:take(3, true)), "")
end)

check.case("a_late_reply_is_an_answer_without_a_time", function()
  local seen = watch.new(rule.read "loss>5%; worst>1ms")
  for i = 1, 10 do
    seen:add { kind = "sent", ttl = 3, probe = i, class = "counted" }
    seen:add { kind = "late", ttl = 3, probe = i, class = "counted",
      rtt_ns = 9000000000 }
  end
  check.equal(states(seen:take(3, true)), "")
end)

check.case("probes_count_in_the_order_in_which_they_were_sent", function()
  local seen = watch.new(rule.read "loss>=100%")
  for i = 1, 20 do
    seen:add { kind = "sent", ttl = 3, probe = i, class = "counted" }
  end
  for i = 11, 20 do -- these are answered first
    seen:add { kind = "reply", ttl = 3, probe = i, class = "counted",
      rtt_ns = 1 }
  end
  check.equal(states(seen:take(3)), "")
  for i = 1, 10 do
    seen:add { kind = "timeout", ttl = 3, probe = i, class = "counted" }
  end
  check.equal(states(seen:take(3)), "firing resolved")
end)

check.case("a_run_of_fewer_probes_than_a_window_is_judged_at_its_end",
  function()
    local seen = watch.new(rule.read "loss>50%")
    feed(seen, 3, of(1, 4))
    check.equal(states(seen:take(3)), "")
    check.equal(states(seen:take(3, true)), "firing")
  end)

check.case("a_target_that_never_replies_is_the_farthest_hop", function()
  local seen = watch.new(rule.read "loss>50%")
  for ttl = 1, 5 do
    for i = 1, 10 do
      seen:add { kind = "sent", ttl = ttl, probe = 10 * ttl + i,
        class = "counted" }
      seen:add { kind = ttl == 1 and "reply" or "timeout", ttl = ttl,
        probe = 10 * ttl + i, class = "counted", rtt_ns = 1 }
    end
  end
  check.equal(states(seen:take(nil, true)), "firing")
end)

-- ---- options --------------------------------------------------------------

check.case("options_that_do_not_fit_are_refused", function()
  check.contains(cli_alert.refusal { exec = "x" }, "--exec goes with --alert")
  local options = { alert = rule.read "loss>5%,for=3", packets = 10,
    format = "report" }
  check.contains(cli_alert.refusal(options), "need -c 30 or more, got 10")
  options.packets = 30
  check.equal(cli_alert.refusal(options), nil)
  options.packets, options.format = 10, "screen"
  check.equal(cli_alert.refusal(options), nil)
end)

-- ---- the program ----------------------------------------------------------

local has_luv, uv = pcall(require, "luv")

local function lines_of(path)
  local file = io.open(path, "r")
  local text = file and file:read "a" or ""
  if file then
    file:close()
  end
  return text
end

if has_luv then
  local folder = os.tmpname()
  os.remove(folder)
  assert(uv.fs_mkdir(folder, 448))
  local path, out = folder .. "/a program; $(x)", folder .. "/out"
  local file = assert(io.open(path, "w"))
  file:write('#!/bin/sh\nprintf "%s|" "$@" >>', out, "\ncat >>", out, "\n")
  file:close()
  uv.fs_chmod(path, 448)

  check.case("a_program_gets_arguments_and_input_and_no_shell", function()
    local said = {}
    local one = program.new(uv, path, function(t) said[#said + 1] = t end)
    one:call({ "firing", "x; touch y", "$(id)" }, '{"a":1}\n')
    one:close()
    check.equal(lines_of(out), 'firing|x; touch y|$(id)|{"a":1}\n')
    check.equal(said, {})
  end)

  check.case("a_program_is_started_so_often_and_no_more", function()
    local said = {}
    local one = program.new(uv, path, function(t) said[#said + 1] = t end)
    os.remove(out)
    local most = 0
    for i = 1, 120 do
      one:call({ tostring(i) }, "\n")
      most = math.max(most, one.running)
    end
    one:close()
    check.equal(most, 4)
    check.equal(select(2, lines_of(out):gsub("\n", "")), 30)
    check.equal(#said, 2)
    check.contains(said[1], "too many alerts, at most 30 processes a minute")
  end)

  check.case("a_program_that_is_not_there_is_said", function()
    local said = {}
    local one = program.new(uv, "/nonexistent", function(t)
      said[#said + 1] = t
    end)
    one:call({}, "")
    one:close()
    check.contains(said[1], "--exec=/nonexistent: ENOENT")
    check.equal(one.running, 0)
  end)

  os.remove(path)
  os.remove(out)
  uv.fs_rmdir(folder)
end

check.finish()
