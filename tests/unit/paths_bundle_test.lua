-- SPDX-License-Identifier: BSD-2-Clause
-- Several flows as one trace, over a stand-in for the engine.
local bundle = require "mtrtrace.flows.bundle"
local check = require "check"

-- Flow N is done after N + 1 polls; the flow `bad` cannot be started.
local function engine(bad)
  local core = { started = {}, closed = {}, merged = {} }
  function core.trace(options)
    if options.flow == bad then
      return nil, "no more", "LIMIT"
    end
    core.started[#core.started + 1] = options
    local polls, trace = 0, {}
    function trace.done()
      polls = polls + 1
      return polls > options.flow
    end
    function trace.result() return { flow = options.flow, polls = polls } end
    function trace.events()
      return { { flow = options.flow } }, options.flow
    end
    function trace.close() core.closed[#core.closed + 1] = options.flow end
    return trace
  end
  function core.merge(list)
    local numbers = {}
    for i, trace in ipairs(list) do
      numbers[i] = trace.result().flow
    end
    return { flows = numbers }
  end
  return core
end

check.case("first_flows_are_numbered_from_0", function()
  check.equal(bundle.first(3), { 0, 1, 2 })
end)

check.case("each_flow_gets_all_options_and_its_number", function()
  local core = engine()
  assert(bundle.start(core, { target = "192.0.2.1", size = 64 }, { 0, 7 }))
  check.equal(core.started, {
    { target = "192.0.2.1", size = 64, flow = 0, own_only = true },
    { target = "192.0.2.1", size = 64, flow = 7, own_only = true } })
end)

check.case("done_when_all_are_and_each_is_polled_each_time", function()
  local trace = bundle.start(engine(), {}, { 0, 1, 2 })
  check.equal({ trace:done(), trace:done(), trace:done() },
    { false, false, true })
  for _, flow in ipairs(trace:flows()) do
    check.equal(flow.polls, 3)
  end
end)

check.case("result_is_the_merge_of_all_or_of_some", function()
  local trace = bundle.start(engine(), {}, { 0, 1, 2 })
  check.equal(trace:result(), { flows = { 0, 1, 2 } })
  check.equal(trace:result { 2 }, { flows = { 2 } })
end)

check.case("events_of_all_and_the_sum_of_what_was_dropped", function()
  local events, dropped = bundle.start(engine(), {}, { 1, 2 }):events()
  check.equal({ events, dropped }, { { { flow = 1 }, { flow = 2 } }, 3 })
end)

check.case("one_that_cannot_start_ends_those_that_have", function()
  local core = engine(2)
  check.equal({ [0] = "", bundle.start(core, {}, { 0, 1, 2 }) },
    { [0] = "", nil, "no more", "LIMIT" })
  table.sort(core.closed)
  check.equal(core.closed, { 0, 1 })
end)

check.finish()
