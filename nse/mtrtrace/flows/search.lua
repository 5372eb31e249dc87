-- SPDX-License-Identifier: BSD-2-Clause

--- Multipath detection before the measurement: finds all paths to a target and
-- selects the flows that pass every node and link. Waits only in host.sleep.
-- @module mtrtrace.flows.search
local bundle = require "mtrtrace.flows.bundle"
local cover = require "mtrtrace.flows.cover"
local graph = require "mtrtrace.flows.graph"
local group = require "mtrtrace.flows.group"

local M = {}

-- Polling interval; the engine pauses a search that was not polled for 1 s.
local POLL_S = 0.1

-- Duration from which a search is logged.
local LONG_S = 5

-- Largest number of measured flows, even where a graph needs more.
local MOST_FLOWS = 64

-- Options that a search and a trace have in common.
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

local function log_long(host, search, logged, began)
  if logged or host.now() - began < LONG_S then
    return logged
  end
  host.log(("looking for paths: %d probes so far, routers rate-limit their "
    .. "answers"):format(search:result().sent))
  return true
end

--- Runs a search.
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
  local began, logged = host.now(), false
  local function keep() search:done() end
  while not search:done() and not (host.stopped and host.stopped()) do
    tick()
    host.sleep(POLL_S, keep)
    logged = log_long(host, search, logged, began)
  end
  local result = search:result()
  search:close()
  return result
end

-- Returns each address's share of the flows with a reply at a TTL.
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

--- Exchanges facts between search and result. The result gets the shares of
-- flows from the search, because the measured flows were selected to pass
-- every node and are no random sample. The search gets hops with per-packet
-- load balancing from the result, because the search repeats a flow only five
-- times while each measured flow is sent many times.
-- @tparam table search as run gives it; changed in place
-- @tparam table result as mtrtrace.flows.group gives it; changed in place
-- @tparam {table,...} flows results of one measured flow each
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

--- Returns the flows to measure.
-- @tparam table search as run gives it
-- @tparam integer least the least number of flows
-- @treturn {integer,...} numbers, sorted
-- @treturn boolean whether these flows pass every node and link found
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
