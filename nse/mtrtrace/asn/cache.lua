-- SPDX-License-Identifier: BSD-2-Clause

--- Cache of the answers of one source, by covering prefix, for all traces of
-- a run, negative answers included. Pure: a table, no clock.
--
-- A more specific prefix may have another origin, so an answer is cached for
-- at most the /24 (IPv6: /48) around the queried address. Networks do not
-- accept longer prefixes from each other (RFC 7454 section 6.1.3).
-- @module mtrtrace.asn.cache
local prefix = require "mtrtrace.asn.prefix"

local M = {}

local ROUTED = { [4] = 24, [16] = 48 }

--- The block around an address that one query covers.
-- @tparam string bytes
-- @treturn table prefix
function M.neighbours(bytes)
  return prefix.of(bytes, ROUTED[#bytes])
end

local Cache = {}
Cache.__index = Cache

--- Stores an answer.
-- @tparam string bytes of the queried address
-- @tparam {table,...} origins each with its `prefix`; empty: a negative
--   answer
-- @tparam ?string server that answered
function Cache:put(bytes, origins, server)
  local length = origins[1] and origins[1].prefix.length
    or self.negative_alone and #bytes * 8 or 0
  self.map:put(prefix.of(bytes, math.max(length, ROUTED[#bytes])),
    { origins = origins, server = server })
end

--- The cached answer for an address.
-- @tparam string bytes
-- @treturn ?table { origins, server }; nil if there is none
function Cache:get(bytes)
  return (self.map:find(bytes))
end

--- A cache in a table that outlives the caller.
-- @tparam table store shared by all look-ups of a run
-- @tparam string name of the source
-- @tparam ?boolean negative_alone whether a negative answer is valid only for
--   the queried address, not for the block around it
-- @treturn table with `put` and `get`
function M.open(store, name, negative_alone)
  store[name] = store[name] or prefix.map()
  return setmetatable({
    map = store[name], negative_alone = negative_alone,
  }, Cache)
end

return M
