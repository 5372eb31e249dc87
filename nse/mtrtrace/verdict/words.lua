-- SPDX-License-Identifier: BSD-2-Clause
--- Wording that verdicts and notes have in common. Pure.
-- @module mtrtrace.verdict.words
local M = {}

--- A number and its noun.
-- @tparam integer n
-- @tparam string one the noun
-- @tparam string many its plural
-- @treturn string
function M.plural(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many)
end

--- One hop or several in a row.
-- @tparam integer from TTL
-- @tparam integer to TTL
-- @treturn string such as "hop 3" or "hops 3 to 5"
function M.hops(from, to)
  if from == to then
    return ("hop %d"):format(from)
  end
  return ("hops %d to %d"):format(from, to)
end

--- A hop that stands for a range in which it is the likeliest.
-- @tparam integer hop TTL
-- @tparam integer from TTL
-- @tparam integer to TTL
-- @treturn string such as "hop 6" or "hop 6 (5 to 7 possible)"
function M.likely(hop, from, to)
  local text = ("hop %d"):format(hop)
  return from == to and text
    or ("%s (%d to %d possible)"):format(text, from, to)
end

--- The first letter as a capital one.
-- @tparam string text
-- @treturn string
function M.sentence(text)
  return (text:gsub("^%l", string.upper))
end

return M
