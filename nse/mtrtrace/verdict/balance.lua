-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on balanced hops: several responders at one distance, by turns
-- within a flow or each with flows of its own. Pure.
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
    if runs.take_turns(flows[flow]) then
      local addresses = addresses_of(flows[flow])
      return {
        kind = "balanced_per_packet", hop = hop.ttl, flow = flow,
        responders = #addresses,
        text = ("Hop %d is balanced per packet: %d addresses take turns in "
          .. "one flow (%s)."):format(hop.ttl, #addresses,
          words.addresses(addresses)),
      }
    end
  end
end

-- Every flow sees one responder, not all see the same.
local function per_flow(hop)
  local flows, count = {}, 0
  for _, responder in ipairs(hop.responders) do
    if flows[responder.flow] then
      return nil
    end
    flows[responder.flow], count = true, count + 1
  end
  local addresses = addresses_of(hop.responders)
  if #addresses < 2 then
    return nil
  end
  return {
    kind = "balanced_per_flow", hop = hop.ttl, flows = count,
    responders = #addresses,
    text = ("Hop %d is balanced per flow: %d flows meet %d addresses (%s).")
      :format(hop.ttl, count, #addresses, words.addresses(addresses)),
  }
end

--- Verdicts on balanced hops.
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
