-- SPDX-License-Identifier: BSD-2-Clause
-- The search for paths before a trace: polling, progress, and the flows made
-- from it.
local check = require "check"
local search = require "mtrtrace.flows.search"

local function host_of()
  local host = { at = 0, sleeps = {}, lines = {} }
  function host.now() return host.at end
  function host.sleep(seconds)
    host.at = host.at + seconds
    host.sleeps[#host.sleeps + 1] = seconds
  end
  function host.log(line) host.lines[#host.lines + 1] = line end
  return host
end

-- An engine whose search is done after a number of polls.
local function engine(polls, result)
  local core = { closed = 0 }
  function core.paths(options)
    core.options = options
    return {
      done = function()
        polls = polls - 1
        return polls < 0
      end,
      result = function() return result end,
      close = function() core.closed = core.closed + 1 end,
    }
  end
  return core
end

local OPTIONS = { target = "10.0.9.2", paths = 95, flows = 4, packets = 3,
  protocol = "udp", port = 53, tos = 4, events = true }

local function run(host, core)
  local ticks = 0
  local result, text, name = search.run(host, core, OPTIONS, function()
    ticks = ticks + 1
  end)
  return result, text, name, ticks
end

check.case("it_takes_the_options_that_say_what_is_sent", function()
  local core, host = engine(3, { sent = 44 }), host_of()
  local result, _, _, ticks = run(host, core)
  check.equal(core.options, { target = "10.0.9.2", confidence = 0.95,
    protocol = "udp", port = 53, tos = 4 })
  check.equal({ result.sent, ticks, #host.sleeps, core.closed },
    { 44, 3, 3, 1 })
  check.equal(host.lines, {})
end)

check.case("sleeps_are_within_the_limits_of_nmap_and_of_the_lease", function()
  local host = host_of()
  run(host, engine(5, {}))
  for _, seconds in ipairs(host.sleeps) do
    check.equal(seconds >= 0.06 and seconds < 1, true)
  end
end)

check.case("a_long_search_is_spoken_of_once", function()
  local host = host_of()
  run(host, engine(200, { sent = 70 }))
  check.equal(host.lines, { "looking for paths: 70 probes so far, routers "
    .. "rate-limit their answers" })
end)

check.case("who_is_stopped_gives_what_is_there", function()
  local host, core = host_of(), engine(math.huge, { sent = 9 })
  function host.stopped() return host.at > 0.25 end
  check.equal({ run(host, core).sent, core.closed }, { 9, 1 })
end)

check.case("errors_are_handed_on", function()
  local core = { paths = function()
    return nil, "no route to 10.0.9.2", "NOROUTE"
  end }
  check.equal({ [0] = "", run(host_of(), core) },
    { [0] = "", nil, "no route to 10.0.9.2", "NOROUTE", 0 })
end)

-- ---- flows -----------------------------------------------------------------

local function hop(ttl, vertices)
  local out = { ttl = ttl, vertices = {} }
  for i, vertex in ipairs(vertices) do
    out.vertices[i] = { address = vertex[1], flows = vertex[2] }
  end
  return out
end

local function diamond()
  return { flow_count = 6, hops = {
    hop(1, { { "10.0.0.1", { 0, 1, 2, 3, 4, 5 } } }),
    hop(2, { { "10.1.0.1", { 0, 1, 4, 5 } }, { "10.1.0.2", { 2, 3 } } }),
    hop(3, { { "10.0.9.2", { 0, 1, 2, 3, 4, 5 } } }),
  } }
end

check.case("flows_pass_all_that_was_found", function()
  check.equal({ search.flows(diamond(), 1) }, { { 0, 2 }, true })
end)

check.case("so_many_as_are_asked_for_at_least", function()
  check.equal({ search.flows(diamond(), 4) }, { { 0, 1, 2, 3 }, true })
end)

check.case("a_graph_that_needs_too_many_is_told_to_be_measured_in_part",
  function()
    local wide = { flow_count = 100, hops = { hop(1, {}), hop(2, {}) } }
    for i = 1, 100 do
      wide.hops[1].vertices[i] = { address = "10.1.0." .. i,
        flows = { i - 1 } }
    end
    local list, whole = search.flows(wide, 1)
    check.equal({ #list, whole }, { 64, false })
  end)

check.case("shares_are_those_of_the_search", function()
  local result = { hops = { { ttl = 2, responders = {
    { address = "10.1.0.1", share = 0.5 },
    { address = "10.1.0.2", share = 0.5 },
    { address = "10.1.0.9", share = 0.1 } } } } }
  search.correct(diamond(), result, {})
  local shares = {}
  for i, responder in ipairs(result.hops[1].responders) do
    shares[i] = ("%.3f"):format(responder.share or -1)
  end
  check.equal(shares, { "0.667", "0.333", "-1.000" })
end)

check.case("a_flow_that_takes_turns_marks_its_hop", function()
  local found, turns = diamond(), {}
  for i = 1, 6 do
    turns[i] = { flow = 0, address = "10.1.0." .. i % 2 + 1, reply_ttl = 60,
      count = 1, at = i }
  end
  search.correct(found, { hops = {} }, { { flow = 0, first_hop = 2, hops = {
    { ttl = 2, runs = turns, responders = {} } } } })
  local marked = {}
  for i, at in ipairs(found.hops) do
    marked[i] = at.per_packet or false
  end
  check.equal(marked[2], true)
  check.equal(marked[1], false)
end)

check.finish()
