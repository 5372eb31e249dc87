-- SPDX-License-Identifier: BSD-2-Clause
--- How long a trace will still take where routers ration their answers.
-- Pure.
-- @module mtrtrace.outlook
local M = {}

-- What the flows have in common up to a TTL counts as one way.
local function ways_to(flows, last)
  local seen, count = {}, 0
  for _, flow in ipairs(flows) do
    local way = {}
    for i, hop in ipairs(flow.hops) do
      if hop.ttl < last then
        way[i] = hop.responders[1] and hop.responders[1].address or "*"
      end
    end
    local key = table.concat(way, " ")
    count = count + (seen[key] and 0 or 1)
    seen[key] = true
  end
  return math.max(count, 1)
end

--- An estimate: each way to a router that rations needs a sample of its own.
-- @tparam table result so far, of all flows
-- @tparam ?{table,...} flows results so far of one flow each; nil for one
-- @treturn number seconds; 0 where nothing is rationed
-- @treturn ?integer TTL of the hop that takes longest
function M.seconds(result, flows)
  local longest, at = 0, nil
  for _, hop in ipairs(result.hops) do
    if hop.ration then
      local wanted = result.packets * ways_to(flows or {}, hop.ttl)
      local left = math.max(0, wanted - hop.sent) * hop.ration.spacing
      if left > longest then
        longest, at = left, hop.ttl
      end
    end
  end
  return longest, at
end

return M
