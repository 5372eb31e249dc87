-- SPDX-License-Identifier: BSD-2-Clause

--- Selects few flows that pass every node and link of a graph, so that each
-- branch is measured: greedy set cover, then redundant flows are removed.
-- Pure.
-- @module mtrtrace.flows.cover
local M = {}

-- Returns the nodes and links to pass, the number of flows that each needs,
-- and the flows that pass each.
local function needs_of(graph, least)
  local needs = {}
  for _, list in ipairs { graph.nodes, graph.links } do
    for _, item in ipairs(list) do
      local flows = item.flows or {}
      needs[#needs + 1] = #flows > 0 and { flows = flows,
        missing = math.min(least, #flows) } or nil
    end
  end
  return needs
end

local function by_flow(needs)
  local index, numbers = {}, {}
  for _, need in ipairs(needs) do
    for _, flow in ipairs(need.flows) do
      if not index[flow] then
        index[flow] = {}
        numbers[#numbers + 1] = flow
      end
      table.insert(index[flow], need)
    end
  end
  table.sort(numbers)
  return index, numbers
end

local function gain(needs)
  local count = 0
  for _, need in ipairs(needs) do
    count = count + (need.missing > 0 and 1 or 0)
  end
  return count
end

local function change(needs, by)
  for _, need in ipairs(needs) do
    need.missing = need.missing + by
  end
end

local function choose(index, numbers, taken)
  local best, most = nil, 0
  for _, flow in ipairs(numbers) do
    local count = not taken[flow] and gain(index[flow]) or 0
    if count > most then
      best, most = flow, count
    end
  end
  return best
end

-- A flow is redundant where other flows pass all its nodes and links often
-- enough.
local function is_redundant(needs)
  for _, need in ipairs(needs) do
    if need.missing >= 0 then
      return false
    end
  end
  return true
end

--- Returns flows that together pass every node and link of the graph.
-- @tparam table graph as mtrtrace.flows.graph gives it
-- @tparam ?integer least flows for each node and link, as far as that many
--   pass it; 1 where nil
-- @treturn {integer,...} flow numbers, sorted
function M.flows(graph, least)
  local needs = needs_of(graph, least or 1)
  local index, numbers = by_flow(needs)
  local taken, order = {}, {}
  local flow = choose(index, numbers, taken)
  while flow do
    taken[flow], order[#order + 1] = true, flow
    change(index[flow], -1)
    flow = choose(index, numbers, taken)
  end
  local kept = {}
  for _, number in ipairs(order) do
    if is_redundant(index[number]) then
      change(index[number], 1)
    else
      kept[#kept + 1] = number
    end
  end
  table.sort(kept)
  return kept
end

return M
