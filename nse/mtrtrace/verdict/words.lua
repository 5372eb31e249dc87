-- SPDX-License-Identifier: BSD-2-Clause
--- Wording that verdicts and notes have in common. Pure.
-- @module mtrtrace.verdict.words
local format = require "mtrtrace.format"

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

--- What showed that a hop rations, and the sample that replaced the fast one.
-- @tparam table v a verdict of kind "rationed"
-- @treturn string such as "1 of 16 back-to-back probes, ..."
function M.rationed(v)
  local parts = {}
  if v.tests > 0 then
    parts[1] = ("%d of %d back-to-back probes"):format(v.tests_answered,
      v.tests)
  end
  if v.fast_sent > 0 then
    parts[#parts + 1] = ("%d of %d at the fast pace"):format(v.fast_recv,
      v.fast_sent)
  end
  parts[#parts + 1] = ("%d of %d when sent %s s apart"):format(v.recv,
    v.sent, format.decimal(v.spacing))
  local shared = v.inferred and "; all of these are other traces', which "
    .. "met this router on the same path: this trace got no reply here"
    or v.shared > 0 and ("; %d of these %s another trace's"):format(v.shared,
      v.shared == 1 and "is" or "are") or ""
  return table.concat(parts, ", ") .. shared
end

-- A line that names more is not read.
local MOST, SHOWN = 8, 4

--- Addresses in a row: the first ones where there are many.
-- @tparam {string,...} list
-- @treturn string such as "10.0.0.1, 10.0.0.2 and 14 more"
function M.addresses(list)
  if #list <= MOST then
    return table.concat(list, ", ")
  end
  return ("%s and %d more"):format(table.concat(list, ", ", 1, SHOWN),
    #list - SHOWN)
end

--- The first letter as a capital one.
-- @tparam string text
-- @treturn string
function M.sentence(text)
  return (text:gsub("^%l", string.upper))
end

return M
