-- SPDX-License-Identifier: BSD-2-Clause

--- Whois as RIPE speaks it: one query on a connection, which the server
-- closes behind its answer. Pure; takes any bytes, raises for none.
-- @module mtrtrace.asn.ripe
local clean = require "mtrtrace.asn.clean"
local rpsl = require "mtrtrace.asn.rpsl"
local special = require "mtrtrace.base.special"

local M = {}

local LONGEST_REPLY = 65536

--- Query for the route objects over an address: no personal data (-r), only
-- keys (-K).
-- @tparam string bytes of the address
-- @treturn string
function M.query(bytes)
  return ("-r -K -T route,route6 %s\n"):format(special.text(bytes))
end

local Reader = {}
Reader.__index = Reader

--- Takes what came from the server.
-- @tparam string data
-- @treturn boolean
-- @treturn ?string what is wrong with it
function Reader:feed(data)
  self.size = self.size + #data
  if self.size > LONGEST_REPLY then
    return false, "a reply of more than 64 KiB"
  end
  self.parts[#self.parts + 1] = data
  return true
end

--- The origins in an answer, once the connection has ended.
-- @tparam string bytes of the address that was asked for
-- @treturn ?{table,...} as mtrtrace.asn.rpsl gives them
-- @treturn ?string what is wrong with it, or the server's error
-- @treturn ?boolean whether that error is about this query alone: those from
--   200 on are about who asks, or the connection
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
