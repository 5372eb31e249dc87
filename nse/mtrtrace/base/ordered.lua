-- SPDX-License-Identifier: BSD-2-Clause

--- Tables that know the order in which their keys were set, for documents
-- whose order is part of the format. Pure.
-- @module mtrtrace.base.ordered
local M = {}

--- An empty table that keeps the order of its keys; dkjson writes it as an
-- object in that order.
-- @treturn table
function M.new()
  local keys = {}
  local meta = { __jsontype = "object", __jsonorder = keys }
  function meta.__newindex(t, key, value)
    if value ~= nil then
      keys[#keys + 1] = key
      rawset(t, key, value)
    end
  end
  return setmetatable({}, meta)
end

--- The keys of such a table, in order.
-- @tparam table t
-- @treturn ?{string,...} nil for any other table
function M.keys(t)
  local meta = getmetatable(t)
  return meta and meta.__jsonorder
end

return M
