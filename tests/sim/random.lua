-- SPDX-License-Identifier: BSD-2-Clause
--- The one source of chance in a simulation: xorshift64, so that a seed gives
-- the same run under every Lua. Not for anything secret.
-- @module sim.random
local M = {}

local log, sqrt, cos, pi = math.log, math.sqrt, math.cos, math.pi

-- Marsaglia's xorshift never leaves 0 and starts poorly from small seeds.
local function scramble(seed)
  local x = (seed + 1) * 0x9E3779B97F4A7C15 -- wraps: 64 bits
  x = (x ~ (x >> 30)) * 0xBF58476D1CE4E5B9
  x = (x ~ (x >> 27)) * 0x94D049BB133111EB
  x = x ~ (x >> 31)
  return x ~= 0 and x or 1
end

--- A source of its own.
-- @tparam integer seed
-- @treturn table functions: unit() in [0, 1); whole(a, b) with both ends;
--   exponential(mean); normal(); chance(p); pick(list)
function M.new(seed)
  local x = scramble(seed)
  local R = {}

  local function unit()
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    return (x >> 11) * 0x1p-53
  end

  R.unit = unit

  function R.whole(a, b)
    return a + unit() * (b - a + 1) // 1 | 0
  end

  function R.chance(p)
    return unit() < p
  end

  function R.exponential(mean)
    return -mean * log(1 - unit())
  end

  function R.normal()
    return sqrt(-2 * log(1 - unit())) * cos(2 * pi * unit())
  end

  function R.pick(list)
    return list[1 + unit() * #list // 1 | 0]
  end

  return R
end

return M
