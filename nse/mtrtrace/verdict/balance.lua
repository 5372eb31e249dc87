-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on load balancing: several responders at one TTL, either within
-- one flow (per packet) or each with flows of its own (per flow). Pure.
-- @module mtrtrace.verdict.balance
local runs = require "mtrtrace.flows.runs"
local words = require "mtrtrace.verdict.words"

local M = {}

local function addresses_of(list)
  local seen = {}
  for _, item in ipairs(list) do
    seen[item.address] = true
  end
  return runs.keys(seen)
end

local function per_packet(hop)
  local flows = runs.by_flow(hop)
  for _, flow in ipairs(runs.keys(flows)) do
    if runs.alternate(flows[flow]) then
      local addresses = addresses_of(flows[flow])
      return {
        kind = "balanced_per_packet", hop = hop.ttl, flow = flow,
        responders = #addresses,
        text = ("Per-packet load balancing at hop %d: %d addresses reply in "
          .. "one flow (%s)."):format(hop.ttl, #addresses,
          words.addresses(addresses)),
      }
    end
  end
end

--- The verdict on a hop where each flow has one responder, but not all flows
-- the same.
-- @tparam integer ttl
-- @tparam integer flows their number
-- @tparam {string,...} addresses
-- @treturn table
function M.per_flow(ttl, flows, addresses)
  return {
    kind = "balanced_per_flow", hop = ttl, flows = flows,
    responders = #addresses,
    text = ("Per-flow load balancing at hop %d: %d flows meet %d addresses "
      .. "(%s)."):format(ttl, flows, #addresses, words.addresses(addresses)),
  }
end

local function per_flow(hop)
  local flows, count = {}, 0
  for _, responder in ipairs(hop.responders) do
    if flows[responder.flow] then
      return nil
    end
    flows[responder.flow], count = true, count + 1
  end
  local addresses = addresses_of(hop.responders)
  return #addresses > 1 and M.per_flow(hop.ttl, count, addresses) or nil
end

--- Verdicts on load balancing.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} of the kinds balanced_per_packet, balanced_per_flow
function M.list(result)
  local out = {}
  for _, hop in ipairs(result.hops) do
    out[#out + 1] = per_packet(hop) or per_flow(hop)
  end
  return out
end

return M
