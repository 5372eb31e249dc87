-- SPDX-License-Identifier: BSD-2-Clause
-- From events to what the screen shows: paths, resets, graphs, reports.
local check = require "check"
local detail = require "mtrtrace.screen.detail"
local formats = require "mtrtrace.report.formats"
local history = require "mtrtrace.screen.history"
local save = require "mtrtrace.screen.save"
local screen_sample = require "screen_sample"
local tab = require "mtrtrace.screen.tab"

local function event(kind, ttl, probe, more)
  local out = { kind = kind, class = "counted", ttl = ttl, probe = probe,
    at_ns = probe * 1000000, from = "x", target = false }
  for key, value in pairs(more or {}) do
    out[key] = value
  end
  return out
end

local function started(trace)
  local made = tab.new("x", screen_sample.counter(screen_sample.hops()))
  made:start(trace or screen_sample.trace())
  return made
end

-- The TTLs that are shown.
local function asked(made)
  made:snapshot()
  return made.counter.asked
end

check.case("before_the_trace_there_is_no_result", function()
  check.equal(tab.new("x", screen_sample.counter {}):snapshot(), nil)
end)

check.case("silent_hops_behind_the_last_answer_are_few", function()
  local made = started()
  for ttl = 1, 12 do
    made:events { event("sent", ttl, ttl) }
  end
  made:events { event("reply", 2, 2) }
  check.equal(asked(made), { 1, 7 })
end)

check.case("not_more_hops_than_were_probed", function()
  local made = started()
  made:events { event("sent", 1, 1), event("sent", 2, 2) }
  check.equal(asked(made), { 1, 2 })
end)

check.case("the_end_of_the_path_moves_both_ways", function()
  local made = started()
  made:events { event("sent", 9, 1), event("reply", 9, 1, { target = true }),
    { kind = "path-changed", ttl = 9, at_ns = 1 } }
  check.equal(asked(made), { 1, 9 })
  made:events { { kind = "path-changed", ttl = 4, at_ns = 2 } }
  check.equal(asked(made), { 1, 4 })
  made:events { { kind = "path-changed", ttl = 0, at_ns = 3 } }
  check.equal(asked(made), { 1, 5 })
end)

check.case("an_answer_of_the_target_is_reached", function()
  local made = started()
  check.equal(made:snapshot().reached, true) -- the sample says so
  local trace = screen_sample.trace()
  trace.head.reached = false
  made = started(trace)
  check.equal(made:snapshot().reached, false)
  made:events { event("sent", 4, 1), event("reply", 4, 1,
    { target = true }) }
  check.equal(made:snapshot().reached, true)
end)

check.case("reset_counts_only_what_is_sent_from_then_on", function()
  local made = started()
  made:events { event("sent", 1, 1), event("sent", 1, 2),
    event("reply", 1, 1) }
  made:reset()
  check.equal(#made.counter.added, 0)
  made:events { event("reply", 1, 2), event("sent", 1, 3),
    event("reply", 1, 3) }
  check.equal(#made.counter.added, 2)
  check.equal(select(2, made.history:last(1, 10)), 1)
end)

check.case("reset_forgets_no_rate_limit_and_no_path", function()
  local made = started()
  made:events { event("sent", 3, 1), event("reply", 3, 1),
    event("rate-limited", 3, 2, { sample_interval_ns = 5 }) }
  made:reset()
  check.equal(made.counter.added[1].kind, "rate-limited")
  check.equal(made.counter.added[1].probe, 2)
  check.equal(asked(made), { 1, 3 })
end)

check.case("a_hop_is_not_silent_after_one_probe", function()
  local hops = screen_sample.hops()
  hops[3].sent = 2
  local made = tab.new("x", screen_sample.counter(hops))
  made:start(screen_sample.trace())
  made:events(screen_sample.events())
  for _, verdict in ipairs(made:snapshot().verdicts) do
    check.equal(verdict.kind ~= "silent", true)
  end
end)

check.case("answers_are_those_of_the_trace", function()
  local trace = screen_sample.trace()
  local answers = { { extensions = { mpls = { { label = 16, ttl = 1 } } } } }
  trace.head.hops = { { ttl = 1, responders = {
    { address = "192.168.1.1", answers = answers },
  } } }
  local made = started(trace)
  made:events(screen_sample.events())
  check.equal(made:snapshot().hops[1].responders[1].answers, answers)
end)

check.case("facts_are_taken_as_they_come", function()
  local trace = screen_sample.trace()
  function trace.peek(address)
    return { name = "name of " .. address, asn = "AS1" }
  end
  local made = started(trace)
  made:events(screen_sample.events())
  local responder = made:snapshot().hops[1].responders[1]
  check.equal(responder.name, "name of 192.168.1.1")
end)

-- ---- reports --------------------------------------------------------------

check.case("a_saved_report_is_the_one_that_is_printed", function()
  local state = screen_sample.state()
  local path = os.tmpname()
  check.equal(save.report(state, path), "written to " .. path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  os.remove(path)
  local printed = formats.get("report").trace(state:current().result,
    { name = "www.example.com", columns = screen_sample.COLUMNS,
      max_silent = 5 })
  check.equal(text, printed)
  check.contains(text, "Target: www.example.com (93.184.216.34)")
end)

check.case("a_report_that_cannot_be_written_is_said", function()
  check.contains(save.report(screen_sample.state(), "/nosuch/file"),
    "not written: /nosuch/file: No such file")
  check.contains(save.report(screen_sample.state(), "/dev/full"),
    "not written: ")
end)

-- ---- graphs ---------------------------------------------------------------

check.case("history_keeps_the_newest_in_the_order_of_probes", function()
  local kept = history.new()
  for i = 1, history.LENGTH + 5 do
    kept:add(event("sent", 1, i))
  end
  kept:add(event("reply", 1, history.LENGTH + 5, { rtt_ns = 2000000 }))
  kept:add(event("timeout", 1, history.LENGTH + 4))
  kept:add(event("reply", 1, 3, { rtt_ns = 9 })) -- long gone
  local values, count = kept:last(1, 3)
  check.equal({ values[2], values[3], count }, { false, 2.0, 3 })
  check.equal(values[1], nil)
  check.equal(select(2, kept:last(1, 5000)), history.LENGTH)
  check.equal(kept:since(1, 2), (history.LENGTH + 4) * 1000000)
end)

check.case("history_has_no_test_probes_and_no_replaced_sample", function()
  local kept = history.new()
  kept:add(event("sent", 1, 1))
  kept:add(event("sent", 1, 2, { class = "test" }))
  check.equal(select(2, kept:last(1, 9)), 1)
  kept:add(event("rate-limited", 1, 3))
  check.equal(select(2, kept:last(1, 9)), 0)
end)

check.case("histogram_counts_every_answer_once", function()
  local values, sum = {}, 0
  for i = 1, 99 do
    values[i] = i % 10 ~= 0 and i * 0.37 or false
  end
  for _, part in ipairs(detail.histogram(values, 99, 8)) do
    sum = sum + part.count
  end
  check.equal(sum, 90)
  check.equal(detail.histogram({ false, false }, 2, 8), {})
  check.equal(#detail.histogram({ 5, 5 }, 2, 8), 1)
end)

check.finish()
