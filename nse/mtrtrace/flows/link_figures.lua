-- SPDX-License-Identifier: BSD-2-Clause

--- Figures of the links of a graph: loss and RTT at a link's far end, from the
-- flows that take only this link to it. Where branches of a diamond meet, the
-- node's own figures are of all branches; the figures of links show which
-- branch loses or delays packets. Pure.
-- @module mtrtrace.flows.link_figures
local group = require "mtrtrace.flows.group"
local ident = require "mtrtrace.flows.ident"

local M = {}

local OF_HOP = { "sent", "received", "loss", "loss_low", "loss_high" }
local OF_RESPONDER = { "avg_ms", "stdev_ms" }

-- Returns, by TTL and flow, the only responder to the flow at the TTL.
local function passed(flows)
  local at = {}
  return function(ttl, flow)
    if not at[ttl] then
      at[ttl] = {}
      for _, entry in ipairs(group.passing(flows, ttl)) do
        for _, number in ipairs(entry.pure) do
          at[ttl][number] = ident.plain(entry.address)
        end
      end
    end
    return at[ttl][flow]
  end
end

local function is_at(where, node, flow)
  return node.address and where(node.ttl, flow) == ident.plain(node.address)
end

-- Returns the flows of each link. A flow without a reply from the near end is
-- not known to take the link.
local function by_link(numbers, where, from, to)
  local list = {}
  for _, flow in ipairs(numbers) do
    list[#list + 1] = is_at(where, from, flow) and is_at(where, to, flow)
      and flow or nil
  end
  return list
end

local function take(link, keys, from)
  for _, key in ipairs(from and keys or {}) do
    link[key] = from[key]
  end
end

--- Adds `measured_flows` (number of flows), `sent`, `received`, `loss`,
-- `loss_low`, `loss_high`, `avg_ms` and `stdev_ms` to each link that a
-- measured flow takes; links with per-packet load balancing and links to or
-- from silent hops have no figures.
-- @tparam table graph as mtrtrace.flows.graph gives it; changed in place
-- @tparam {table,...} flows results of one measured flow each
-- @tparam function merge (list of flow numbers) to a result of all of them
function M.add(graph, flows, merge)
  local where, numbers, nodes = passed(flows), group.numbers(flows), {}
  for _, node in ipairs(graph.nodes) do
    nodes[node.id] = node
  end
  for _, link in ipairs(graph.links) do
    local to = nodes[link.to]
    local list = link.per_packet and {}
      or by_link(numbers, where, nodes[link.from], to)
    local hop = #list > 0 and group.hop(merge(list), to.ttl)
    if hop then
      link.measured_flows = #list
      take(link, OF_HOP, hop)
      take(link, OF_RESPONDER, hop.responders[1])
    end
  end
end

return M
