-- SPDX-License-Identifier: BSD-2-Clause

--- From the TTL left in a reply to the one its sender began with. Pure.
-- A guess that does not fit the distance is none: a sender that starts at an
-- odd value, a tunnel or another device would be misread.
-- @module mtrtrace.os.ttl
local M = {}

local STARTS = { 32, 64, 128, 255 }

-- Ways there and back may differ so much, in hops.
local SLACK = 10

--- Hops a reply has travelled.
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
-- @tparam {integer,...} distances TTLs at which the address answered
-- @treturn ?integer 32, 64, 128 or 255; nil where none fits the distance
function M.start(left, distances)
  for _, start in ipairs(STARTS) do
    if left <= start and fits(start, left, distances) then
      return start
    end
  end
end

return M
