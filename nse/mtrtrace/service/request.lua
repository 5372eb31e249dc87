-- SPDX-License-Identifier: BSD-2-Clause

--- The path and the parameters of a request's URI (RFC 3986). Pure.
-- @module mtrtrace.service.request
local M = {}

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- HTML forms encode a blank in a query as "+".
local function decoded_value(text)
  return decoded((text:gsub("+", " ")))
end

--- Parses a URI.
-- @tparam string uri as received, such as "/probe?target=a%20b"
-- @treturn string the path, decoded
-- @treturn table parameters by name, decoded; of a repeated name the first
function M.parse(uri)
  local path, query = uri:match "^([^?#]*)%??([^#]*)"
  -- Absolute form, as sent to proxies (RFC 9112 section 3.2.2).
  path = path:gsub("^%a[%w+.-]*://[^/]*", "")
  local parameters = {}
  for pair in query:gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name = decoded_value(name)
    parameters[name] = parameters[name] or decoded_value(value)
  end
  return decoded(path), parameters
end

--- Percent-encodes a text as a segment of a path.
-- @tparam string text
-- @treturn string
function M.encode(text)
  return (text:gsub("[^%w._~-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

return M
