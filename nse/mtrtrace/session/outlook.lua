-- SPDX-License-Identifier: BSD-2-Clause

--- How long a trace will still take where routers rate-limit their answers.
-- Pure.
-- @module mtrtrace.session.outlook
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

-- What is still to be asked at a TTL: of each way a sample, and once more
-- every flow that found the router's rate limit used up.
local function left_of(result, flows, ttl)
  local rate_limited, asked = {}, 0
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(flow.hops) do
      if hop.ttl == ttl and hop.rate_limit then
        rate_limited[#rate_limited + 1], asked = flow, asked + hop.sent
      elseif hop.ttl == ttl and hop.silent then
        asked = asked - 1
      end
    end
  end
  return result.packets * ways_to(rate_limited, ttl) - asked
end

--- An estimate: each way to a router that rate-limits needs a sample of its
-- own.
-- @tparam table result so far, of all flows
-- @tparam ?{table,...} flows results so far of one flow each; nil for one
-- @treturn number seconds; 0 where nothing is rate-limited
-- @treturn ?integer TTL of the hop that takes longest
function M.seconds(result, flows)
  local longest, at = 0, nil
  for _, hop in ipairs(result.hops) do
    if hop.rate_limit then
      local left = flows and left_of(result, flows, hop.ttl)
        or result.packets - hop.sent
      left = math.max(0, left) * hop.rate_limit.sample_interval_s
      if left > longest then
        longest, at = left, hop.ttl
      end
    end
  end
  return longest, at
end

return M
