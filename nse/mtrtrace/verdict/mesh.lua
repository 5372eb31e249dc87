-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on meshed diamonds: pairs of hops between which paths cross, so
-- that the branch at one hop does not determine the branch at the next. Pure.
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

-- The links between each TTL and the next, with the degrees of their nodes.
-- `blurred`: per-packet load balancing, which hides the real links.
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

-- Meshed as in Vermeulen et al. 2018: with no more nodes at the next hop, a
-- node has an out-degree of two or more; with no fewer nodes, a node has an
-- in-degree of two or more.
local function is_meshed(pair)
  local before, after = count(pair.out), count(pair.into)
  if pair.blurred or before < 2 or after < 2 then
    return false
  end
  return before >= after and most(pair.out) > 1
    or before <= after and most(pair.into) > 1
end

--- The verdicts on a graph.
-- @tparam table graph as mtrtrace.flows.graph returns it
-- @treturn {table,...} of the kind meshed, one for each meshed pair of hops
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
