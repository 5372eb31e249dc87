-- SPDX-License-Identifier: BSD-2-Clause

--- One source of the run, such as the IRRd servers: what it has answered,
-- what is asked of it now and by whom, which of its servers is in use.
-- Shared by all traces, so that nothing is asked twice. State only: it opens
-- no connection and reads no clock.
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
  if self.asked >= self.most then
    self.over = self.over + 1
    self.given_up[query.key] = true
    return true
  end
  self.asked = self.asked + 1
  self.open[query.key] = query
  self.queue[#self.queue + 1] = query
  return false
end

-- True where there is nothing to wait for.
local function ask(self, key, query)
  if self.failed or self.given_up[key] then
    return true
  elseif self.open[key] then
    return false
  end
  return enqueue(self, query)
end

local function ask_address(self, bytes)
  if self.given_up[bytes] then
    return true
  end
  return ask(self, group_of(bytes), { key = group_of(bytes), bytes = bytes })
end

-- Holders of the first few origins; nobody has more.
local MOST_ORIGINS = 8

local function ask_holders(self, origins)
  local settled = true
  for i = 1, self.has_holders and math.min(#origins, MOST_ORIGINS) or 0 do
    local asn = origins[i].asn
    if self.holders[asn] == nil and not ask(self, "AS" .. asn,
      { key = "AS" .. asn, asn = asn }) then
      settled = false
    end
  end
  return settled
end

--- Asks about an address, unless the answer is known or on its way.
-- @tparam string bytes
-- @treturn boolean whether there is nothing left to wait for
function Source:want(bytes)
  local entry = self.cache:get(bytes)
  if entry then
    return ask_holders(self, entry.origins)
  end
  return ask_address(self, bytes)
end

--- What is known about an address.
-- @tparam string bytes
-- @treturn ?table { source, server, origins, holders }; nil where it did not
--   answer
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

-- No address has more; a server that names thousands is not believed.
local MOST_KEPT = 64

--- Keeps the answer to a query.
-- @tparam table query
-- @tparam {table,...} origins none: a negative answer
function Source:answer(query, origins)
  self.open[query.key] = nil
  local kept = table.move(origins, 1, math.min(#origins, MOST_KEPT), 1, {})
  self.cache:put(query.bytes, kept, self:server().host)
  ask_holders(self, kept)
end

--- Keeps the holder of an AS.
-- @tparam table query
-- @tparam ?table holder { name }; nil where none is known
function Source:answer_holder(query, holder)
  self.open[query.key] = nil
  self.holders[query.asn] = holder or false
end

--- Drops a query: it will not be asked again in this run.
-- @tparam table query
function Source:give_up(query)
  self.open[query.key] = nil
  self.given_up[query.bytes or query.key] = true
end

--- Puts a query back whose thread died before it was answered.
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

--- Forgets what was sent and not answered: it is asked anew, by whoever
-- comes next.
function Source:requeue()
  self.queue = {}
  for _, query in pairs(self.open) do
    self.queue[#self.queue + 1] = query
  end
  table.sort(self.queue, function(a, b) return a.key < b.key end)
end

--- The server in use failed: the next one is asked what it did not answer;
-- after the last one the source is done for.
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
-- @tparam table store shared by the run: its answers are kept there
-- @tparam table row of mtrtrace.asn.sources; of these `has_holders`: it says
--   who holds an AS; `own_holders`, not to be mixed with those of other
--   sources; `negative_alone`, as in mtrtrace.asn.cache
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
    most = row.most, asked = 0, over = 0, connections = 0,
    queue = {}, open = {}, given_up = {}, failed = false,
  }, Source)
end

return M
