-- SPDX-License-Identifier: BSD-2-Clause
--- A live screen with a path on it, for the tests of the screen.
-- @module screen_sample
local glyphs = require "mtrtrace.screen.glyphs"
local sample = require "sample"
local state = require "mtrtrace.screen.state"
local tracer = require "mtrtrace.session.tracer"

local M = {}

M.COLUMNS = { "hop", "host", "loss", "sent", "received", "last", "avg", "best",
  "worst", "stdev", "jitter", "asn", "organization", "os" }

--- A counter that counts nothing: its hops are those it was made with.
function M.counter(hops)
  return function()
    local counter = { added = {} }
    function counter:add(event)
      self.added[#self.added + 1] = event
      return true
    end
    function counter.hops(_, first, last)
      counter.asked = { first, last }
      return table.move(hops, first, last, 1, {})
    end
    return counter
  end
end

local HOSTILE = "r2\27[31m.example\7.net"

--- A path with all that is awkward: silence, two addresses at one distance,
-- loss, rate limiting, a name that would like to steer the terminal.
function M.hops()
  local exceeded = sample.responder("62.20.1.2", { name = HOSTILE,
    asn = "AS3301/AS3302", organization = "An organization of some length",
    country = "SE", source = "irr rr.example.net" })
  return {
    sample.hop(1, { sample.responder "192.168.1.1" }, { rate_limit = {
      burst_sent = 16, burst_received = 1, sample_interval_s = 1.05,
      initial_sent = 10,
      initial_received = 3, shared = 0 } }),
    sample.hop(2, { exceeded, sample.responder("62.20.1.3", { received = 2,
      avg_ms = 12.25 }) }, { received = 8, loss = 0.2, loss_low = 0.056682,
      loss_high = 0.50984 }),
    sample.silent(3),
    sample.hop(4, { sample.responder("93.184.216.34", { target = true,
      last_ms = 20.5, avg_ms = 21.125, best_ms = 20.0, worst_ms = 130.75,
      codes = { { type = 0, code = 0, name = "echo reply", count = 10 } },
    }) }),
  }
end

-- Twenty seconds of probes: every fifth of hop 2 is lost, hop 3 is silent.
local function event(kind, ttl, i)
  return { kind = kind, class = "counted", ttl = ttl, probe = i * 4 + ttl,
    at_ns = i * 1000000000, rtt_ns = ttl * 1000000 * (1 + i % 7),
    target = ttl == 4, from = "x" }
end

function M.events()
  local list = { { kind = "path-changed", ttl = 4, at_ns = 0 } }
  for i = 0, 19 do
    for ttl = 1, 4 do
      list[#list + 1] = event("sent", ttl, i)
      local lost = ttl == 3 or ttl == 2 and i % 5 == 4
      list[#list + 1] = event(lost and "timeout" or "reply", ttl, i)
    end
  end
  return list
end

--- A trace as readers get it.
function M.trace(index, name)
  local head = sample.result({}, { done = false })
  return { index = index or 1, name = name or "www.example.com",
    target = head.target, head = head,
    options = { max_hops = 30, max_silent = 5 } }
end

--- A state with these targets, the first of them traced.
-- @tparam ?{string,...} names
-- @tparam ?boolean utf8_too
-- @treturn table
function M.state(names, utf8_too)
  local made = state.new {
    targets = names or { "www.example.com" }, columns = M.COLUMNS,
    max_silent = 5, interval = 1, new_counter = M.counter(M.hops()),
    version = "0.0.0", glyphs = utf8_too and glyphs.utf8 or glyphs.ascii,
  }
  made.tabs[1]:start(M.trace())
  made.tabs[1]:events(M.events())
  made:refresh()
  return made
end

--- The result that the state shows.
function M.result()
  return tracer.enrich(sample.result(M.hops()))
end

return M
