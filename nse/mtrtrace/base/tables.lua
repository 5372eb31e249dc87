-- SPDX-License-Identifier: BSD-2-Clause

--- Tables as values: shallow copies. Pure.
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

return M
