-- SPDX-License-Identifier: BSD-2-Clause

--- Wording for places on a path and for lists, shared by verdicts. Pure.
-- @module mtrtrace.verdict.places
local M = {}

--- The place of a change that is first visible at a hop.
-- @tparam integer before the last TTL without the change; 0 for none
-- @tparam integer at the first TTL with the change
-- @treturn string such as "between hops 2 and 3"
function M.between(before, at)
  if before == 0 then
    return ("before hop %d"):format(at)
  end
  return ("between hops %d and %d"):format(before, at)
end

--- Numbers in a row as ranges.
-- @tparam {integer,...} list sorted
-- @treturn string such as "0-3,7"
function M.ranges(list)
  local parts, from = {}, nil
  for i, n in ipairs(list) do
    from = from or n
    if list[i + 1] ~= n + 1 then
      parts[#parts + 1] = from == n and ("%d"):format(n)
        or ("%d-%d"):format(from, n)
      from = nil
    end
  end
  return table.concat(parts, ",")
end

--- A list as part of a sentence.
-- @tparam {string,...} list
-- @treturn string such as "a", "a and b", "a, b and c"
function M.enumerate(list)
  if #list < 2 then
    return list[1] or ""
  end
  return table.concat(list, ", ", 1, #list - 1) .. " and " .. list[#list]
end

return M
