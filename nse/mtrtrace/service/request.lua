-- SPDX-License-Identifier: BSD-2-Clause

--- What a request asks for: the path and the parameters of its URI. Pure.
-- @module mtrtrace.service.request
local M = {}

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- In a query a blank may be written as +.
local function decoded_value(text)
  return decoded((text:gsub("+", " ")))
end

--- Reads a URI.
-- @tparam string uri as it was sent, such as "/probe?target=a%20b"
-- @treturn string the path, decoded
-- @treturn table parameters by name, decoded; the first of a name counts
function M.parse(uri)
  local path, query = uri:match "^([^?#]*)%??([^#]*)"
  -- A proxy's form has scheme and host in front.
  path = path:gsub("^%a[%w+.-]*://[^/]*", "")
  local parameters = {}
  for pair in query:gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name = decoded_value(name)
    parameters[name] = parameters[name] or decoded_value(value)
  end
  return decoded(path), parameters
end

--- A text as a part of a path.
-- @tparam string text
-- @treturn string
function M.encode(text)
  return (text:gsub("[^%w._~-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

return M
