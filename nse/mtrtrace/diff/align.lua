-- SPDX-License-Identifier: BSD-2-Clause

--- Aligns the hops of two paths with the fewest hops that are new, gone or
-- changed. Pure.
-- @module mtrtrace.diff.align
local M = {}

-- Costs of an alignment. GAP is just under CHANGED, so a changed hop is
-- preferred to a new hop plus a gone one unless the gaps make more hops match.
-- A silent hop matches any hop; its small cost only breaks ties.
local CHANGED, GAP, SILENT = 1, 0.95, 0.001

--- Whether two hops have an address in common, or both are the target.
-- @tparam table a hop of a snapshot
-- @tparam table b the same
-- @treturn boolean
function M.same(a, b)
  for ip in pairs(a.ips) do
    if b.ips[ip] then
      return true
    end
  end
  return a.target and b.target or false
end

local function is_silent(hop)
  return next(hop.ips) == nil
end

local function price(a, b)
  if is_silent(a) or is_silent(b) then
    return SILENT
  end
  return M.same(a, b) and 0 or CHANGED
end

-- A path that did not reach its target may be longer than seen, so hops of the
-- other path beyond its end are neither new nor gone and cost little.
local function gap(at, count, is_open)
  return at == count and is_open and SILENT or GAP
end

-- Returns the table of dynamic programming: the least cost of aligning the
-- hops from i and j on, and the first step.
local function table_of(a, b)
  local n, m, cost, step = #a.hops, #b.hops, {}, {}
  for i = n, 0, -1 do
    cost[i], step[i] = {}, {}
    for j = m, 0, -1 do
      local best, how = i == n and j == m and 0 or math.huge, nil
      local function try(value, name)
        if value < best then
          best, how = value, name
        end
      end
      if i < n and j < m then
        try(cost[i + 1][j + 1] + price(a.hops[i + 1], b.hops[j + 1]), "both")
      end
      if i < n then
        try(cost[i + 1][j] + gap(j, m, not b.reached), "before")
      end
      if j < m then
        try(cost[i][j + 1] + gap(i, n, not a.reached), "after")
      end
      cost[i][j], step[i][j] = best, how
    end
  end
  return step
end

--- Aligns two paths.
-- @tparam table a snapshot: the path before
-- @tparam table b snapshot: the path after
-- @treturn {table,...} { before, after }: hops, one of them nil where the hop
--   is gone or new; `open` where the other path was not seen that far
function M.of(a, b)
  local step, i, j, pairs_of = table_of(a, b), 0, 0, {}
  local n, m = #a.hops, #b.hops
  while i < n or j < m do
    local how, pair = step[i][j], {}
    if how ~= "after" then
      pair.open = how == "before" and j == m and not b.reached
      i = i + 1
      pair.before = a.hops[i]
    end
    if how ~= "before" then
      pair.open = pair.open or how == "after" and i == n and not a.reached
      j = j + 1
      pair.after = b.hops[j]
    end
    pairs_of[#pairs_of + 1] = pair
  end
  return pairs_of
end

return M
