-- SPDX-License-Identifier: BSD-2-Clause

--- Between which hops the paths of a graph cross, so that a branch at one
-- says nothing about the branch at the next. Pure.
-- @module mtrtrace.verdict.mesh
local M = {}

local function count(set)
  local n = 0
  for _ in pairs(set) do
    n = n + 1
  end
  return n
end

local function most(degrees)
  local n = 0
  for _, degree in pairs(degrees) do
    n = math.max(n, degree)
  end
  return n
end

-- The links that leave the nodes of each TTL, where none are guessed.
local function by_ttl(graph)
  local pairs_of, last = {}, 0
  for _, link in ipairs(graph.links) do
    local pair = pairs_of[link.ttl] or { links = 0, out = {}, into = {} }
    pairs_of[link.ttl], last = pair, math.max(last, link.ttl)
    pair.links = pair.links + 1
    pair.blurred = pair.blurred or link.per_packet
    pair.out[link.from] = (pair.out[link.from] or 0) + 1
    pair.into[link.to] = (pair.into[link.to] or 0) + 1
  end
  return pairs_of, last
end

-- Where as many or fewer follow, one that leads to several; where as many or
-- more do, one that several lead to.
local function is_meshed(pair)
  local before, behind = count(pair.out), count(pair.into)
  if pair.blurred or before < 2 or behind < 2 then
    return false
  end
  return before >= behind and most(pair.out) > 1
    or before <= behind and most(pair.into) > 1
end

--- The verdicts on a graph.
-- @tparam table graph as mtrtrace.flows.graph gives it
-- @treturn {table,...} of the kind meshed, one for each two hops
function M.list(graph)
  local out = {}
  local pairs_of, last = by_ttl(graph)
  for ttl = 1, last do
    local pair = pairs_of[ttl]
    if pair and is_meshed(pair) then
      out[#out + 1] = { kind = "meshed", hop = ttl, from = ttl, to = ttl + 1,
        text = ("Paths are meshed between hops %d and %d: %d links join %d "
          .. "addresses and %d."):format(ttl, ttl + 1, pair.links,
          count(pair.out), count(pair.into)) }
    end
  end
  return out
end

return M
