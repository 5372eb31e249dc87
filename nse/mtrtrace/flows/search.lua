-- SPDX-License-Identifier: BSD-2-Clause

--- Looks for all paths to a target before they are measured, and picks the
-- flows that pass everything found. Waits by host.sleep alone.
-- @module mtrtrace.flows.search
local bundle = require "mtrtrace.flows.bundle"
local cover = require "mtrtrace.flows.cover"
local graph = require "mtrtrace.flows.graph"
local group = require "mtrtrace.flows.group"

local M = {}

-- The engine pauses a search that nobody polls for a second.
local POLL_S = 0.1

-- A search that takes longer is spoken of.
local LONG_S = 5

-- Flows that are measured at most; a graph may need more.
local MOST_FLOWS = 64

-- The options that a search takes as a trace does.
local SHARED = {
  "target", "protocol", "port", "source_port", "timeout", "first_hop",
  "max_hops", "max_silent", "size", "data_length", "tos", "source",
  "interface", "mark", "udp_payload", "ecn",
}

local function options_of(options)
  local out = { confidence = options.paths / 100 }
  for _, key in ipairs(SHARED) do
    out[key] = options[key]
  end
  return out
end

local function speak(host, search, told, began)
  if told or host.now() - began < LONG_S then
    return told
  end
  host.log(("looking for paths: %d probes so far, routers rate-limit their "
    .. "answers"):format(search:result().sent))
  return true
end

--- Searches.
-- @tparam table host { now, sleep, log, stopped }: see mtrtrace.session.tracer
-- @tparam table core the module mtrtrace.core
-- @tparam table options of the trace, with `paths`: confidence in percent
-- @tparam function tick is called at each poll
-- @treturn ?table as core.paths gives it
-- @treturn ?string why there is none: one sentence
-- @treturn ?string its name
function M.run(host, core, options, tick)
  local search, text, name = core.paths(options_of(options))
  if not search then
    return nil, text, name
  end
  local began, told = host.now(), false
  local function keep() search:done() end
  while not search:done() and not (host.stopped and host.stopped()) do
    tick()
    host.sleep(POLL_S, keep)
    told = speak(host, search, told, began)
  end
  local result = search:result()
  search:close()
  return result
end

-- Of the flows that were answered at a TTL, those of each address.
local function shares_at(hop)
  local shares, all = {}, 0
  for _, vertex in ipairs(hop.vertices) do
    all = all + #vertex.flows
  end
  for _, vertex in ipairs(hop.vertices) do
    shares[vertex.address] = all > 0 and #vertex.flows / all or nil
  end
  return shares
end

--- Puts right what only one side knows. The shares of a result: the flows that
-- were measured were picked to pass everything, those of the search were not.
-- And hops that are balanced packet by packet: the search repeats one flow
-- five times, each flow that is measured is sent many times.
-- @tparam table search as run gives it; changed in place
-- @tparam table result as mtrtrace.flows.group gives it; changed in place
-- @tparam {table,...} flows that were measured, results of one flow each
function M.correct(search, result, flows)
  local shares = {}
  for _, hop in ipairs(search.hops) do
    shares[hop.ttl] = shares_at(hop)
    hop.per_packet = hop.per_packet or group.is_per_packet(flows, hop.ttl)
  end
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      responder.share = (shares[hop.ttl] or {})[responder.address]
    end
  end
end

--- The flows to be measured.
-- @tparam table search as run gives it
-- @tparam integer least how many at least
-- @treturn {integer,...} numbers, sorted
-- @treturn boolean whether they pass all that was found
function M.flows(search, least)
  local numbers = cover.flows(graph.of_search(search))
  local whole = #numbers <= MOST_FLOWS
  local taken, list = {}, {}
  for i = 1, math.min(#numbers, MOST_FLOWS) do
    list[i], taken[numbers[i]] = numbers[i], true
  end
  for _, number in ipairs(bundle.first(least)) do
    if #list < least and not taken[number] then
      list[#list + 1] = number
    end
  end
  table.sort(list)
  return list, whole
end

return M
