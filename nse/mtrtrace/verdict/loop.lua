-- SPDX-License-Identifier: BSD-2-Clause

--- Verdict on a routing loop: from some hop on the same addresses repeat, up
-- to the last hop that replies. Pure.
-- @module mtrtrace.verdict.loop
local words = require "mtrtrace.verdict.words"

local M = {}

-- Hops that must repeat an earlier one. A single repeated address is no proof
-- of a loop: load balancing over paths of unequal length causes it, too.
local REPEATS = 2

local function addresses(hops)
  local list, last = {}, 0
  for i, hop in ipairs(hops) do
    local main = hop.responders[1]
    list[i] = main and main.address or false
    last = main and i or last
  end
  return list, last
end

-- The first index from which on every address equals the one `period` hops
-- beyond, if both reply; and the number of such pairs.
local function cycle(list, last, period)
  local first, repeats = last + 1, 0
  for i = last - period, 1, -1 do
    local here, beyond = list[i], list[i + period]
    if here and beyond and here ~= beyond then
      break
    elseif here and beyond then
      first, repeats = i, repeats + 1
    end
  end
  return first, repeats
end

-- Whether all hops have the same address: that is a NAT or a tunnel, no loop.
local function is_one_address(list, first, last)
  for i = first, last - 1 do
    if list[i] and list[i + 1] and list[i] ~= list[i + 1] then
      return false
    end
  end
  for i = first, last do
    if not list[i] then
      return false
    end
  end
  return true
end

--- The loop of a path.
-- @tparam table result as given by trace:result()
-- @treturn ?table { first, last (TTLs), period, addresses in their order };
--   nil without a loop
function M.find(result)
  local list, last = addresses(result.hops)
  for period = 2, not result.reached and last // 2 or 0 do
    local first, repeats = cycle(list, last, period)
    if repeats >= REPEATS and not is_one_address(list, first, last) then
      local names, seen = {}, {}
      for i = first, first + period - 1 do
        local address = list[i]
        names[#names + 1] = address and not seen[address] and address or nil
        seen[address] = true
      end
      return { first = result.hops[first].ttl, last = result.hops[last].ttl,
        period = period, addresses = names }
    end
  end
end

--- Verdict on a loop.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} of the kind routing_loop, at most one
function M.list(result)
  local loop = M.find(result)
  if not loop then
    return {}
  end
  return { {
    kind = "routing_loop", from = loop.first, to = loop.last,
    responders = #loop.addresses,
    text = ("Routing loop: the same addresses repeat every %d hops from hop "
      .. "%d to hop %d (%s), so probes do not reach the target."):format(
      loop.period, loop.first, loop.last, words.addresses(loop.addresses)),
  } }
end

return M
