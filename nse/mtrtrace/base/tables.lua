-- SPDX-License-Identifier: BSD-2-Clause

--- Tables as values: shallow copies, functions that remember. Pure.
-- @module mtrtrace.base.tables
local M = {}

--- Writes the entries of a table to another one.
-- @tparam table to changed in place
-- @tparam table from
-- @treturn table `to`
function M.update(to, from)
  for key, value in pairs(from) do
    to[key] = value
  end
  return to
end

--- A table with the same entries.
-- @tparam table from
-- @treturn table
function M.copy(from)
  return M.update({}, from)
end

--- A function that keeps what it gave, as long as that is not too much.
-- @tparam function body of one text, always with the same result
-- @tparam integer most results that are kept: then it begins anew
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
