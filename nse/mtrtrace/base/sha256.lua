-- SPDX-License-Identifier: BSD-2-Clause

--- SHA-256 (FIPS 180-4) of short texts, for identifiers; too slow for files.
-- Pure.
-- @module mtrtrace.base.sha256
local M = {}

local pack, unpack = string.pack, string.unpack
local WORD = 0xffffffff

-- Returns the first 32 bits of the fractional part of a root of each of the
-- first primes, the constants of FIPS 180-4.
local function roots(count, power)
  local list, n = {}, 2
  while #list < count do
    local prime = true
    for d = 2, n - 1 do
      prime = prime and n % d ~= 0
    end
    if prime then
      local root = n ^ power
      list[#list + 1] = math.floor((root - root // 1) * 2 ^ 32)
    end
    n = n + 1
  end
  return list
end

local K, START = roots(64, 1 / 3), roots(8, 1 / 2)

-- Below, `xx` holds the 32-bit word x in both halves: the lower half of xx
-- shifted right is x rotated right. A function call for each rotation would
-- take longer than the rest of the digest.

local function padded(text)
  local zeros = (-#text - 9) % 64
  return text .. "\128" .. ("\0"):rep(zeros) .. pack(">I8", 8 * #text)
end

local function schedule(block, at)
  local w = { unpack((">I4"):rep(16), block, at) }
  for i = 17, 64 do
    local a, b = w[i - 15], w[i - 2]
    local aa, bb = a | a << 32, b | b << 32
    local low = (aa >> 7 ~ aa >> 18) & WORD ~ a >> 3
    local high = (bb >> 17 ~ bb >> 19) & WORD ~ b >> 10
    w[i] = w[i - 16] + low + w[i - 7] + high & WORD
  end
  return w
end

local function compress(state, w)
  local a, b, c, d, e, f, g, h = table.unpack(state)
  for i = 1, 64 do
    local ee, aa = e | e << 32, a | a << 32
    local s1 = (ee >> 6 ~ ee >> 11 ~ ee >> 25) & WORD
    local t1 = h + s1 + (e & f ~ ~e & WORD & g) + K[i] + w[i]
    local s0 = (aa >> 2 ~ aa >> 13 ~ aa >> 22) & WORD
    local t2 = s0 + (a & b ~ a & c ~ b & c)
    a, b, c, d, e, f, g, h = t1 + t2 & WORD, a, b, c, d + t1 & WORD, e, f, g
  end
  for i, value in ipairs { a, b, c, d, e, f, g, h } do
    state[i] = state[i] + value & WORD
  end
end

--- Returns the digest of a text.
-- @tparam string text
-- @treturn string 64 hexadecimal digits, lower case
function M.hex(text)
  local state = { table.unpack(START) }
  local whole = padded(text)
  for at = 1, #whole, 64 do
    compress(state, schedule(whole, at))
  end
  return (("%08x"):rep(8):format(table.unpack(state)))
end

-- Hexadecimal digits of 48 bits, which a double holds exactly.
local DIGITS_48 = 12

--- Returns the first 48 bits of a digest as a number, for metrics and rows.
-- @tparam string hex as given by hex
-- @treturn integer
function M.number(hex)
  return math.tointeger(tonumber(hex:sub(1, DIGITS_48), 16))
end

return M
