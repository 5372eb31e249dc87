-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local fake_core = require "fake_core"
local sample = require "sample"
local tracer = require "mtrtrace.session.tracer"

local function host_of(verbose)
  local host = { sleeps = {}, lines = {} }
  function host.sleep(seconds)
    host.sleeps[#host.sleeps + 1] = seconds
  end
  function host.log(text)
    host.lines[#host.lines + 1] = text
  end
  function host.verbose()
    return verbose
  end
  function host.now()
    local now = 0
    for _, seconds in ipairs(host.sleeps) do
      now = now + seconds
    end
    return now
  end
  return host
end

local function hop(ttl, address, changes)
  return sample.hop(ttl, { sample.responder(address, changes) })
end

local function growing()
  return fake_core.new {
    sample.result { sample.silent(1) },
    sample.result { hop(1, "10.0.0.1"), sample.silent(2) },
    sample.result { hop(1, "10.0.0.1"), sample.silent(2),
      sample.hop(3, { { address = "8.8.8.8", received = 1 } }) },
    sample.result { hop(1, "10.0.0.1"), sample.silent(2),
      hop(3, "8.8.8.8") },
  }
end

check.case("sleeps_and_polls_until_done_then_closes", function()
  local host, core = host_of(false), growing()
  local result = tracer.run(host, core, { target = "8.8.8.8" })
  check.equal({ core.polls, #host.sleeps, core.closed }, { 4, 4, 1 })
  check.equal(core.options, { target = "8.8.8.8" })
  check.equal(#result.hops, 3)
end)

check.case("sleeps_are_within_the_limits_of_nmap_and_of_the_lease",
  function()
    local host = host_of(false)
    tracer.run(host, growing(), {})
    for _, seconds in ipairs(host.sleeps) do
      check.equal(seconds >= 0.06 and seconds < 1, true, tostring(seconds))
    end
  end)

check.case("each_hop_is_logged_once_when_verbose", function()
  local host = host_of(true)
  tracer.run(host, growing(), {})
  check.equal(host.lines, { "hop 1: 10.0.0.1  1.52 ms", "hop 3: 8.8.8.8" })
end)

check.case("nothing_is_logged_when_not_verbose", function()
  local host = host_of(false)
  tracer.run(host, growing(), {})
  check.equal(host.lines, {})
end)

check.case("addresses_get_their_class", function()
  local result = tracer.run(host_of(false), growing(), {})
  check.equal(result.hops[1].responders[1].special, "private")
  check.equal(result.hops[3].responders[1].special, nil)
end)

check.case("look_ups_run_beside_the_trace_and_end_behind_it", function()
  local calls = {}
  local looks = setmetatable({}, { __index = function(_, key)
    return function(_, result)
      calls[#calls + 1] = key
      if key == "poll" then
        return 0
      end
      if key == "annotate" then
        result.hops[3].responders[1].asn = "AS15169"
      end
    end
  end })
  local result = tracer.run(host_of(false), growing(), {}, { looks })
  check.equal(table.concat(calls, " "), "poll see poll see poll see poll "
    .. "see poll see poll leave annotate")
  check.equal(result.hops[3].responders[1].asn, "AS15169")
end)

-- An enricher that waits for `answers` more polls once the trace has ended.
local function waiting(answers)
  local enricher = { left = 0 }
  function enricher.see() end
  function enricher.annotate() end
  function enricher:leave()
    self.left = self.left + 1
  end
  function enricher.poll()
    answers = answers - 1
    return math.max(answers, 0)
  end
  return enricher
end

local function waited(enrichers)
  local host = host_of(false)
  tracer.run(host, growing(), {}, enrichers)
  return host.now()
end

check.case("enrichers_are_waited_for_together_and_at_most_3_s", function()
  local alone = waited(nil)
  check.equal(waited { waiting(1) }, alone)
  local one = waited { waiting(20) } - alone
  check.equal(one > 0.5 and one < 1.5, true, tostring(one))
  local both = waited { waiting(20), waiting(20) } - alone
  check.equal(both, one)
  local forever = waiting(math.huge)
  local most = waited { forever, waiting(5) } - alone
  check.equal(most >= 3 and most < 3.1, true, tostring(most))
  check.equal(forever.left, 1)
end)

check.case("an_enricher_may_be_worth_more_grace_and_says_why",
  function()
  local long, short = waiting(math.huge), waiting(math.huge)
  function long.grace() return 20, "it searches" end
  local host = host_of(false)
  tracer.run(host, growing(), {}, { long, short })
  local most = host.now() - waited(nil)
  check.equal(most >= 20 and most < 20.1, true, tostring(most))
  check.equal(host.lines, { "it searches: up to 17 s more" })
  check.equal({ long.left, short.left }, { 1, 1 })
end)

check.case("grace_ends_with_what_it_waits_for", function()
  local long = waiting(20)
  function long.grace() return 20, "it searches" end
  local host = host_of(false)
  tracer.run(host, growing(), {}, { long, waiting(5) })
  check.equal(host.now() - waited(nil) < 1.5, true)
  check.equal(host.lines, {})
end)

check.case("a_host_that_looks_at_all_traces_at_once_is_not_slept_in",
  function()
    local host, core, asked = host_of(false), growing(), 0
    function host.await_all(test, seconds)
      check.equal(seconds > 0 and seconds < 1, true)
      repeat asked = asked + 1 until test()
    end
    local result = tracer.run(host, core, {})
    check.equal({ asked, #host.sleeps, core.closed, #result.hops },
      { 4, 0, 1, 3 })
    check.equal(type(result.verdicts), "table")
  end)

check.case("figures_alone_are_those_of_the_whole_result", function()
  local function lossy()
    return fake_core.new { sample.result {
      sample.hop(1, { sample.responder("10.0.0.1", { received = 4 }) },
        { sent = 10, received = 4 }),
      hop(2, "10.0.0.2"), hop(3, "8.8.8.8") } }
  end
  local whole = tracer.run(host_of(false), lossy(), {})
  local figures = tracer.run(host_of(false), lossy(), {}, nil,
    { figures = true })
  check.equal(whole.hops[1].better_beyond ~= nil, true)
  check.equal({ figures.verdicts == nil, figures.hops },
    { true, whole.hops })
end)

check.case("world_error_is_handed_on", function()
  local core = fake_core.refusing("no route to 8.8.8.8", "NOROUTE")
  local host = host_of(false)
  check.equal({ [0] = "", tracer.run(host, core, {}) },
    { [0] = "", nil, "no route to 8.8.8.8", "NOROUTE" })
  check.equal(host.sleeps, {})
end)

check.case("misuse_becomes_an_answer", function()
  local core = { trace = function()
    error("bad argument #1 to 'trace' (option 'size': 60 to 1500 bytes)", 0)
  end }
  local result, text, name = tracer.run(host_of(false), core, {})
  check.equal({ result == nil, text, name },
    { true, "option 'size': 60 to 1500 bytes", "MISUSE" })
end)

check.finish()
