-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local fake_core = require "fake_core"
local sample = require "sample"
local tracer = require "mtrtrace.tracer"

local function host_of(verbose)
  local host = { naps = {}, lines = {} }
  function host.sleep(seconds)
    host.naps[#host.naps + 1] = seconds
  end
  function host.log(text)
    host.lines[#host.lines + 1] = text
  end
  function host.verbose()
    return verbose
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
  check.equal({ core.polls, #host.naps, core.closed }, { 4, 4, 1 })
  check.equal(core.options, { target = "8.8.8.8" })
  check.equal(#result.hops, 3)
end)

check.case("sleeps_are_within_the_limits_of_nmap_and_of_the_lease",
  function()
    local host = host_of(false)
    tracer.run(host, growing(), {})
    for _, seconds in ipairs(host.naps) do
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
      if key == "annotate" then
        result.hops[3].responders[1].asn = "AS15169"
      end
    end
  end })
  local result = tracer.run(host_of(false), growing(), {}, looks)
  check.equal(table.concat(calls, " "), "see poll see poll see poll see "
    .. "poll see finish annotate")
  check.equal(result.hops[3].responders[1].asn, "AS15169")
end)

check.case("world_error_is_handed_on", function()
  local core = fake_core.refusing("no route to 8.8.8.8", "NOROUTE")
  local host = host_of(false)
  check.equal({ [0] = "", tracer.run(host, core, {}) },
    { [0] = "", nil, "no route to 8.8.8.8", "NOROUTE" })
  check.equal(host.naps, {})
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
