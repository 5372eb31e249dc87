-- SPDX-License-Identifier: BSD-2-Clause

--- Which hop of one path is which hop of another: the alignment with the
-- fewest hops that are new, gone or changed. Pure.
-- @module mtrtrace.diff.align
local M = {}

-- A hop that is new and one that is gone are no more than one that changed,
-- unless more hops fit then. A silent hop may be any hop, at a price that only
-- decides between alignments that are equal else.
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

-- A path that ends without its target may go on: what the other one has
-- beyond is neither new nor gone.
local function gap(at, count, is_open)
  return at == count and is_open and SILENT or GAP
end

-- The least cost of aligning what is from i and j on, and the step.
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
-- @treturn {table,...} { before, after }: hops, one of them nil where it is
--   gone or new; `open` where the other path just was not seen that far
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
