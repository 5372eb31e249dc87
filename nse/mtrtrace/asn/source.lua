-- SPDX-License-Identifier: BSD-2-Clause

--- One source of ASN data, such as the IRRd servers: its answers, its open
-- queries, the server in use. Shared by all traces, so that no query is sent
-- twice. State only: it opens no connection and reads no clock.
-- @module mtrtrace.asn.source
local cache = require "mtrtrace.asn.cache"

local M = {}

local Source = {}
Source.__index = Source

local function group_of(bytes)
  local around = cache.neighbours(bytes)
  return around.bytes
end

-- A query is { key, bytes } for an address or { key, asn } for its holder.
local function enqueue(self, query)
  if self.queries >= self.most then
    self.over_limit = self.over_limit + 1
    self.given_up[query.key] = true
    return true
  end
  self.queries = self.queries + 1
  self.open[query.key] = query
  self.queue[#self.queue + 1] = query
  return false
end

-- True if there is no answer to wait for.
local function request(self, key, query)
  if self.failed or self.given_up[key] then
    return true
  elseif self.open[key] then
    return false
  end
  return enqueue(self, query)
end

local function request_address(self, bytes)
  if self.given_up[bytes] then
    return true
  end
  local group = group_of(bytes)
  return request(self, group, { key = group, bytes = bytes })
end

-- Real prefixes have fewer origins; the holders of more are not queried.
local MOST_ORIGINS = 8

local function request_holders(self, origins)
  local settled = true
  for i = 1, self.has_holders and math.min(#origins, MOST_ORIGINS) or 0 do
    local asn = origins[i].asn
    if self.holders[asn] == nil and not request(self, "AS" .. asn,
      { key = "AS" .. asn, asn = asn }) then
      settled = false
    end
  end
  return settled
end

--- Queries an address, unless the answer is known or the query is open.
-- @tparam string bytes
-- @treturn boolean whether the answer is final
function Source:want(bytes)
  local entry = self.cache:get(bytes)
  if entry then
    return request_holders(self, entry.origins)
  end
  return request_address(self, bytes)
end

--- The answer for an address.
-- @tparam string bytes
-- @treturn ?table { source, server, origins, holders }; nil without an answer
function Source:get(bytes)
  local entry = self.cache:get(bytes)
  return entry and {
    source = self.name, server = entry.server, origins = entry.origins,
    holders = self.holders,
  }
end

--- Takes the next query off the queue.
-- @treturn ?table
function Source:take()
  return table.remove(self.queue, 1)
end

-- More origins than any address has; a hostile server may send thousands.
local MOST_KEPT = 64

--- Stores the answer to a query.
-- @tparam table query
-- @tparam {table,...} origins empty: a negative answer
function Source:answer(query, origins)
  self.open[query.key] = nil
  local kept = table.move(origins, 1, math.min(#origins, MOST_KEPT), 1, {})
  self.cache:put(query.bytes, kept, self:server().host)
  request_holders(self, kept)
end

--- Stores the holder of an AS.
-- @tparam table query
-- @tparam ?table holder { name }; nil if unknown
function Source:answer_holder(query, holder)
  self.open[query.key] = nil
  self.holders[query.asn] = holder or false
end

--- Drops a query; it is not sent again in this run.
-- @tparam table query
function Source:give_up(query)
  self.open[query.key] = nil
  self.given_up[query.bytes or query.key] = true
end

--- Puts a query back into the queue; its thread died before the answer.
-- @tparam table query
function Source:give_back(query)
  if self.open[query.key] == query then
    self.queue[#self.queue + 1] = query
  end
end

--- The server in use.
-- @treturn table { host, port }
function Source:server()
  return self.servers[self.at]
end

--- Puts all unanswered queries back into the queue.
function Source:requeue()
  self.queue = {}
  for _, query in pairs(self.open) do
    self.queue[#self.queue + 1] = query
  end
  table.sort(self.queue, function(a, b) return a.key < b.key end)
end

--- Switches to the next server after a failure, with all unanswered queries;
-- after the last server the source has failed.
function Source:fail()
  self:requeue()
  if self.at < #self.servers then
    self.at = self.at + 1
    return
  end
  self.failed = true
  self.queue, self.open = {}, {}
end

--- Makes a source.
-- @tparam table store shared by the run; keeps the answers
-- @tparam table row of mtrtrace.asn.sources: `has_holders`, the source knows
--   the holders of ASes; `own_holders`, they are kept apart from those of
--   other sources; `negative_alone`, as in mtrtrace.asn.cache
-- @tparam {table,...} servers { host, port }, in order
-- @treturn table
function M.new(store, row, servers)
  store.holders = store.holders or {}
  return setmetatable({
    name = row.name, protocol = row.protocol, servers = servers, at = 1,
    named = servers[1].named or false,
    cache = cache.open(store, row.name, row.negative_alone),
    holders = row.own_holders and {} or store.holders,
    has_holders = row.has_holders,
    most = row.most, queries = 0, over_limit = 0, connections = 0,
    queue = {}, open = {}, given_up = {}, failed = false,
  }, Source)
end

return M
