-- SPDX-License-Identifier: BSD-2-Clause

--- From the TTL of a received reply to its initial TTL. Pure. An initial TTL
-- that does not fit the distance of the responder is discarded: the cause may
-- be an unusual initial value, a tunnel or another device.
-- @module mtrtrace.os.ttl
local M = {}

local STARTS = { 32, 64, 128, 255 }

-- Greatest difference between forward and return path, in hops.
local SLACK = 10

--- The number of hops that a reply has passed.
-- @tparam integer start
-- @tparam integer left
-- @treturn integer
function M.distance(start, left)
  return start - left + 1
end

local function fits(start, left, distances)
  for _, distance in ipairs(distances) do
    if math.abs(M.distance(start, left) - distance) <= SLACK then
      return true
    end
  end
  return false
end

--- The initial TTL of a reply.
-- @tparam integer left TTL of the reply
-- @tparam {integer,...} distances TTLs at which the address replied
-- @treturn ?integer 32, 64, 128 or 255; nil if none fits the distance
function M.start(left, distances)
  for _, start in ipairs(STARTS) do
    if left <= start and fits(start, left, distances) then
      return start
    end
  end
end

return M
