-- SPDX-License-Identifier: BSD-2-Clause
-- Traces without an end over an engine whose traces have one.
local check = require "check"
local live = require "mtrtrace.screen.live"
local sample = require "sample"

-- An engine: each trace hands out, poll by poll, the events it was given.
local function engine(scripts)
  local core = { started = {}, closed = 0, token_interval_s = 1.05 }
  function core.trace(options)
    local number = #core.started + 1
    local script, polls = scripts[number] or {}, 0
    core.started[number] = options
    if options.refused then
      return nil, "not so", "MISUSE"
    end
    local trace = {}
    function trace.done() return script.done == polls + 1 end
    function trace.events()
      polls = polls + 1
      return script[polls] or {}, 0
    end
    function trace.result()
      return sample.result({}, { reached = false, done = false,
        flow = options.flow })
    end
    function trace.stop() core.stopped = (core.stopped or 0) + 1 end
    function trace.close() core.closed = core.closed + 1 end
    return trace
  end
  function core.merge()
    return sample.result({}, { reached = false, done = false })
  end
  return core
end

local function sent(probe, at)
  return { kind = "sent", ttl = 1, probe = probe, at_ns = at or 0 }
end

local function reply(probe, at)
  return { kind = "reply", ttl = 1, probe = probe, at_ns = at or 0,
    target = true }
end

-- A host that does something at a moment and stops at another.
local function host_of(stop_at, acts)
  local host = { clock = 0, sleeps = {} }
  function host.now() return host.clock end
  function host.stopped() return host.clock >= stop_at end
  function host.sleep(seconds)
    host.clock = host.clock + seconds
    host.sleeps[#host.sleeps + 1] = seconds
    for at, act in pairs(acts or {}) do
      if host.clock >= at then
        acts[at] = nil
        act()
      end
    end
  end
  return host
end

local function run(traces, core, host, options, enrichers)
  local seen = { begun = 0 }
  local trace = { head = sample.result {} }
  local result, err = traces:trace(host, core, options or { timeout = 5 },
    enrichers or {}, {
      begin = function() seen.begun = seen.begun + 1 end,
      events = function(list) table.move(list, 1, #list, #seen + 1, seen) end,
    }, trace)
  return result, seen, err
end

check.case("one_second_and_no_end_by_default", function()
  local core = engine {}
  local result = run(live.new(core, {}), core, host_of(1))
  check.equal(core.started[1].interval, 1)
  check.equal(core.started[1].packets, live.MOST)
  check.equal({ core.stopped, core.closed, result.reached },
    { 1, 1, false })
end)

check.case("polls_are_within_the_engines_lease", function()
  local core, host = engine {}, host_of(3)
  run(live.new(core, {}), core, host)
  for _, seconds in ipairs(host.sleeps) do
    check.equal(seconds < 0.5, true)
  end
end)

check.case("an_answer_of_the_target_is_reached_though_stopped", function()
  local core = engine { { { sent(0), reply(0) } } }
  check.equal(run(live.new(core, {}), core, host_of(1)).reached, true)
end)

check.case("with_one_target_no_probe_is_another_traces", function()
  for targets, want in pairs { false, true } do
    local probe = sent(0)
    probe.shared = true
    local core = engine { { { probe } } }
    local _, seen = run(live.new(core, { targets = targets,
      interval = 9 }), core, host_of(1))
    check.equal(seen[1].shared or false, want)
  end
end)

check.case("with_a_count_the_trace_ends_and_is_shown_on", function()
  local core = engine { { { sent(0), reply(0) }, { { kind = "done",
    at_ns = 3 } }, done = 2 } }
  local traces = live.new(core, { packets = 7 })
  local _, seen = run(traces, core, host_of(30))
  check.equal(core.started[1].packets, 7)
  check.equal(seen[#seen].kind, "done")
  check.equal(#core.started, 1)
end)

check.case("paused_nothing_is_asked_so_the_engine_stops", function()
  local core = engine { { { sent(0) }, { sent(1) } } }
  local traces = live.new(core, {})
  local _, seen = run(traces, core, host_of(5, {
    [0.05] = function() traces:pause(true) end }))
  check.equal(#seen, 1, "asked once, when it was stopped")
end)

check.case("a_new_interval_goes_on_counting_and_loses_no_probe", function()
  local core = engine {
    { { sent(0, 5), reply(0, 6) }, { sent(1, 7), reply(1, 9) } },
    { { sent(0, 1), reply(0, 2) } },
  }
  local traces = live.new(core, {})
  local host = host_of(9, {
    [0.2] = function() traces:set { interval = 2 } end })
  local first = core.trace
  function core.trace(options)
    core.second = host.clock
    return first(options)
  end
  local _, seen = run(traces, core, host)
  check.equal(core.started[2].interval, 2)
  local shown = {}
  for i, event in ipairs(seen) do
    shown[i] = ("%s %d %d"):format(event.kind, event.probe, event.at_ns)
  end
  check.equal(shown, { "sent 0 5", "reply 0 6", "sent 1 7", "reply 1 9",
    "sent 2 10", "reply 2 11" })
  check.equal(core.second - 0.2 >= 2, true,
    "the engine's lease and its reply_timeout")
  check.equal(seen.begun, 1)
end)

check.case("other_options_count_anew", function()
  local core = engine { { { sent(0, 5) } }, { { sent(0, 1) } } }
  local traces = live.new(core, {})
  local _, seen = run(traces, core, host_of(3, {
    [0.2] = function() traces:set { size = 100 } end }))
  check.equal(core.started[2].size, 100)
  check.equal({ seen[2].probe, seen[2].at_ns, seen.begun }, { 0, 1, 2 })
end)

check.case("options_that_the_engine_refuses_end_the_trace", function()
  local core = engine {}
  local traces = live.new(core, {})
  local result, _, err = run(traces, core, host_of(3, {
    [0.2] = function() traces:set { refused = true } end }))
  check.equal({ result, err }, { nil, "not so" })
end)

check.case("a_recorded_run_keeps_its_options", function()
  check.contains(live.new({}, { fixed = true }):set { interval = 2 },
    "keeps its options")
end)

check.case("before_the_engines_count_is_full_another_trace_follows",
  function()
    local core = engine {}
    local traces, host = live.new(core, {}), host_of(100000)
    function host.sleep(seconds) host.clock = host.clock + seconds * 5000 end
    run(traces, core, host)
    check.equal(#core.started, 2)
  end)

local SURVEYS = {
  { name = "one_target_a_second", interval = 1, targets = 1, want = false },
  { name = "one_target_fast", interval = 0.2, targets = 1, want = true },
  { name = "two_targets_a_second", interval = 1, targets = 2, want = true },
  { name = "two_targets_slowly", interval = 3, targets = 2, want = false },
}

check.case("several_flows_are_one_trace_behind_a_survey", function()
  local core = engine { { { sent(0) } }, { { sent(0) } } }
  core.closed = 0
  local result, seen = run(live.new(core, { packets = 3 }), core, host_of(1),
    { timeout = 5, flows = 2 })
  check.equal({ core.started[1].flow, core.started[2].flow,
    core.started[1].packets, core.started[1].interval }, { 0, 1, 1 })
  check.equal({ seen.begun, #seen, seen[1].flow, seen[2].flow, core.closed,
    #result.flows }, { 1, 2, 0, 1, 2, 2 })
end)

check.case("what_asks_first_is_waited_for_before_anything_counts", function()
  local core = engine { { { sent(0), reply(0) }, { { kind = "done",
    at_ns = 3 } }, done = 2 } }
  local host, asked = host_of(6), nil
  local first = { first = true, see = function() end,
    leave = function() end, annotate = function() end,
    poll = function()
      asked = asked or host.clock
      return host.clock < 2 and 1 or 0
    end }
  local before = core.trace
  function core.trace(options)
    core.second = host.clock
    return before(options)
  end
  run(live.new(core, {}), core, host, nil, { first })
  check.equal({ core.started[1].packets, core.started[2].packets },
    { 1, live.MOST })
  check.equal(core.second >= 2, true)
end)

for _, row in ipairs(SURVEYS) do
  check.case("survey_" .. row.name, function()
    local core = engine { { { sent(0), reply(0) }, { { kind = "done",
      at_ns = 3 } }, done = 2 }, { { sent(0), reply(0) } } }
    local _, seen = run(live.new(core, row), core, host_of(6))
    check.equal(core.started[1].packets, row.want and 1 or live.MOST)
    check.equal(#core.started, row.want and 2 or 1)
    if row.want then
      check.equal(core.started[1].interval, nil)
      check.equal(core.started[2].interval, row.interval)
      check.equal({ #seen, seen[3].probe }, { 4, 1 })
    end
  end)
end

check.finish()
