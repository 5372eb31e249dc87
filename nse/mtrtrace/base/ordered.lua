-- SPDX-License-Identifier: BSD-2-Clause

--- Tables that keep the order in which their keys were set, for documents
-- whose order is part of the format. Pure.
-- @module mtrtrace.base.ordered
local M = {}

-- Iterates over a table in the order of a list of its keys.
local function each(t, keys)
  local at = 0
  return function()
    local key, value
    repeat
      at = at + 1
      key = keys[at]
      value = key ~= nil and t[key]
    until key == nil or value ~= nil
    return key, value
  end
end

--- Returns an empty table that keeps the order of its keys: pairs and dkjson
-- use that order. stdnse.output_table does the same with a coroutine for each
-- iteration, which is slower.
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
  function meta.__pairs(t)
    return each(t, keys)
  end
  return setmetatable({}, meta)
end

--- Returns the keys of an ordered table, in order.
-- @tparam table t
-- @treturn ?{string,...} nil for any other table
function M.keys(t)
  local meta = getmetatable(t)
  return meta and meta.__jsonorder
end

return M
