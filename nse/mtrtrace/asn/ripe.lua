-- SPDX-License-Identifier: BSD-2-Clause

--- Whois with RIPE's flags: one query per connection, which the server closes
-- after its answer. Pure; accepts any bytes and never raises.
-- @module mtrtrace.asn.ripe
local clean = require "mtrtrace.asn.clean"
local rpsl = require "mtrtrace.asn.rpsl"
local special = require "mtrtrace.base.special"

local M = {}

local LONGEST_REPLY = 65536

--- Query for the route objects that cover an address: no personal data (-r),
-- primary keys only (-K).
-- @tparam string bytes of the address
-- @treturn string
function M.query(bytes)
  return ("-r -K -T route,route6 %s\n"):format(special.text(bytes))
end

local Reader = {}
Reader.__index = Reader

--- Takes data from the server.
-- @tparam string data
-- @treturn boolean
-- @treturn ?string error in the data
function Reader:feed(data)
  self.size = self.size + #data
  if self.size > LONGEST_REPLY then
    return false, "a reply of more than 64 KiB"
  end
  self.parts[#self.parts + 1] = data
  return true
end

--- The origins in an answer, once the server has closed the connection.
-- @tparam string bytes of the queried address
-- @treturn ?{table,...} as mtrtrace.asn.rpsl returns them
-- @treturn ?string error in the answer, or the server's error
-- @treturn ?boolean whether the error concerns this query only: the codes
--   200 to 399 concern the client (access denied) or the connection
function Reader:origins(bytes)
  local text = table.concat(self.parts)
  if not text:find("\n\r?\n$") then
    return nil, "closed in the middle"
  end
  local err = text:match("\n%%+ ?(ERROR:[^\r\n]*)")
    or text:match("^%%+ ?(ERROR:[^\r\n]*)")
  if err and not err:find("ERROR:101", 1, true) then
    return nil, clean.text(err), not err:find("ERROR:[23]%d%d")
  end
  return rpsl.origins(text, bytes)
end

--- A reader for one connection.
-- @treturn table
function M.reader()
  return setmetatable({ parts = {}, size = 0 }, Reader)
end

return M
