-- SPDX-License-Identifier: BSD-2-Clause

--- Shallow copies of tables; memoized functions. Pure.
-- @module mtrtrace.base.tables
local M = {}

--- Copies the entries of a table to another one.
-- @tparam table to changed in place
-- @tparam table from
-- @treturn table `to`
function M.update(to, from)
  for key, value in pairs(from) do
    to[key] = value
  end
  return to
end

--- Returns a shallow copy of a table.
-- @tparam table from
-- @treturn table
function M.copy(from)
  return M.update({}, from)
end

--- Returns a memoized function with a bounded cache.
-- @tparam function body of one text, always with the same result
-- @tparam integer most number of results at which the cache is emptied
-- @treturn function
function M.remembered(body, most)
  local known, count = {}, 0
  return function(text)
    local value = known[text]
    if value == nil then
      value = body(text)
      if count >= most then
        known, count = {}, 0
      end
      known[text], count = value, count + 1
    end
    return value
  end
end

return M
