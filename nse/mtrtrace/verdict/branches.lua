-- SPDX-License-Identifier: BSD-2-Clause

--- The branches of a path: addresses that some flows pass and others do not.
-- Sets of flows, without figures. Pure.
-- @module mtrtrace.verdict.branches
local group = require "mtrtrace.flows.group"
local words = require "mtrtrace.verdict.words"

local M = {}

local function key_of(list)
  return table.concat(list, " ")
end

local function keep(list, wanted)
  local out = {}
  for _, flow in ipairs(list) do
    out[#out + 1] = (not wanted or wanted[flow]) and flow or nil
  end
  return out
end

-- The addresses of a TTL with their flows; the flows without a reply are a
-- branch too.
local function parts_of(flows, ttl, wanted)
  local passing, parts = group.passing(flows, ttl), {}
  for _, entry in ipairs(passing) do
    local pure = keep(entry.pure, wanted)
    parts[#parts + 1] = #pure > 0 and { ttl = ttl, address = entry.address,
      flows = pure, total = #entry.flows } or nil
  end
  local silent = keep(passing.silent, wanted)
  parts[#parts + 1] = #silent > 0 and #parts > 0 and { ttl = ttl,
    flows = silent, total = #passing.silent } or nil
  return parts
end

local function last_ttl(flows)
  local last = 0
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(flow.hops) do
      last = math.max(last, hop.ttl)
    end
  end
  return last
end

local function others_of(parts, part)
  local list = {}
  for _, other in ipairs(parts) do
    if other ~= part then
      table.move(other.flows, 1, #other.flows, #list + 1, list)
    end
  end
  table.sort(list)
  return list
end

--- The forks: TTLs at which flows pass different addresses.
-- @tparam {table,...} flows results of one flow each
-- @tparam ?table wanted set of flow numbers; nil for all
-- @treturn {table,...} { ttl, parts = { { ttl, address (nil: no reply), flows,
--   total } } }, in the order of the TTLs
function M.forks(flows, wanted)
  local forks = {}
  for ttl = 1, last_ttl(flows) do
    local parts = parts_of(flows, ttl, wanted)
    forks[#forks + 1] = #parts > 1 and { ttl = ttl, parts = parts } or nil
  end
  return forks
end

--- The branches: sequences of addresses that the same flows pass.
-- @tparam {table,...} forks
-- @treturn {table,...} { first, last (TTLs), nodes = { parts }, flows, others
--   = flows that pass other addresses at the first of its TTLs }
function M.list(forks)
  local list, open = {}, {}
  for _, fork in ipairs(forks) do
    local still = {}
    for _, part in ipairs(fork.parts) do
      local key = key_of(part.flows)
      local branch = open[key]
      if not branch or branch.last ~= fork.ttl - 1 then
        branch = { first = fork.ttl, flows = part.flows, nodes = {},
          others = others_of(fork.parts, part) }
        list[#list + 1] = branch
      end
      branch.last = fork.ttl
      branch.nodes[#branch.nodes + 1] = part
      still[key] = branch
    end
    open = still
  end
  return list
end

--- A branch in words.
-- @tparam {table,...} nodes parts of one TTL
-- @tparam integer count of all flows
-- @treturn string such as "198.51.100.9 (hop 4; 8 of 16 flows)"
function M.name(nodes, count)
  local names, flows = {}, 0
  for i, node in ipairs(nodes) do
    names[i] = node.address or "a silent router"
    flows = flows + node.total
  end
  return ("%s (hop %d; %d of %s)"):format(table.concat(names, ", "),
    nodes[1].ttl, flows, words.plural(count, "flow", "flows"))
end

--- The standard errors that the best of several tests must exceed for a
-- family-wise error of 1 %: the Bonferroni correction, with exp(-z^2 / 2) / 2
-- as the bound of the normal distribution's tail.
-- @tparam integer count of the tests
-- @treturn number at least 2.8
function M.threshold(count)
  return math.sqrt(2 * math.log(50 * math.max(1, count)))
end

return M
