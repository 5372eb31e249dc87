-- SPDX-License-Identifier: BSD-2-Clause

--- What the servers of one source have answered, kept by covering prefix for
-- all traces of a run, negative answers included. Pure: a table, no clock.
--
-- An answer for one address says little about another one far away in the
-- same prefix, where a longer prefix may lead elsewhere: so it is kept for
-- no more than the /24 (IPv6: /48) around the address. Nothing longer than
-- these is routed between networks.
-- @module mtrtrace.asn.cache
local prefix = require "mtrtrace.asn.prefix"

local M = {}

local ROUTED = { [4] = 24, [16] = 48 }

--- The neighbourhood of an address that is asked about as one.
-- @tparam string bytes
-- @treturn table prefix
function M.neighbours(bytes)
  return prefix.of(bytes, ROUTED[#bytes])
end

local Cache = {}
Cache.__index = Cache

--- Keeps an answer.
-- @tparam string bytes of the address that was asked for
-- @tparam {table,...} origins each with its `prefix`; none: a negative one
-- @tparam ?string server that answered
function Cache:put(bytes, origins, server)
  local length = origins[1] and origins[1].prefix.length
    or self.negative_alone and #bytes * 8 or 0
  self.map:put(prefix.of(bytes, math.max(length, ROUTED[#bytes])),
    { origins = origins, server = server })
end

--- The answer that holds for an address.
-- @tparam string bytes
-- @treturn ?table { origins, server }; nil where none is known
function Cache:get(bytes)
  return (self.map:find(bytes))
end

--- A cache kept in a table that outlives the caller.
-- @tparam table store shared by all that look up in one run
-- @tparam string name of the source
-- @tparam ?boolean negative_alone a negative answer holds for its address
--   alone
-- @treturn table with `put` and `get`
function M.open(store, name, negative_alone)
  store[name] = store[name] or prefix.map()
  return setmetatable({
    map = store[name], negative_alone = negative_alone,
  }, Cache)
end

return M
