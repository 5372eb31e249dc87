-- SPDX-License-Identifier: BSD-2-Clause
--- Which nodes a probe passes: balancing per flow, packet or destination,
-- or routing by prefix: each branch has a range of the targets' last bytes.
-- @module sim.path
local M = {}

local unpack = string.unpack

-- A mixing of one number with a salt to an index from 1 to n.
local function choose(value, salt, n)
  local x = (value ~ salt) * 0x9E3779B97F4A7C15
  x = (x ~ (x >> 29)) * 0xBF58476D1CE4E5B9
  return (x >> 33) % n + 1
end

local function compile(path, nodes, random, found)
  local items = {}
  for i, item in ipairs(path) do
    if type(item) == "table" then
      local balancer = { balance = item.balance,
        salt = item.salt or random.whole(0, 0x7fffffff) }
      for j, branch in ipairs(item) do
        balancer[j] = compile(branch, nodes, random, found)
      end
      found[item.balance] = true
      items[i] = balancer
    else
      items[i] = nodes[item]
    end
  end
  return items
end

local function add(list, items, keys, random)
  for _, item in ipairs(items) do
    local kind = item.balance
    if not kind then
      list[#list + 1] = item
    else
      local n = kind == "packet" and random.whole(1, #item)
        or kind == "prefix" and keys.last * #item // 256 + 1
        or choose(keys[kind], item.salt, #item)
      add(list, item[n], keys, random)
    end
  end
  return list
end

-- The bytes that balancers hash: the first four of the transport header,
-- and in IPv6 the flow label.
local function flow_key(p)
  return unpack(">I4", p.bytes, p.header + 1) ~ (p.label or 0) << 32
    ~ p.protocol << 56
end

local function destination_key(p)
  return unpack(">I4", p.target, #p.target - 3)
    ~ unpack(">I4", p.source, #p.source - 3) << 24
end

--- Compiles a world's path.
-- @tparam table path checked
-- @tparam table nodes by name, compiled
-- @tparam table random
-- @treturn function (p) to the list of nodes this probe would pass
function M.new(path, nodes, random)
  local found = {}
  local items = compile(path, nodes, random, found)
  if not next(found) then
    return function() return items end
  end
  local keys, cache = {}, {}
  return function(p)
    local flow = flow_key(p) .. p.target
    local hops = not found.packet and cache[flow]
    if not hops then
      keys.flow, keys.destination = flow_key(p), destination_key(p)
      keys.last = p.target:byte(-1)
      hops = add({}, items, keys, random)
      cache[flow] = hops
    end
    return hops
  end
end

return M
