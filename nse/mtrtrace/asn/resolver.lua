-- SPDX-License-Identifier: BSD-2-Clause

--- Serves a source over DNS: TXT records in Team Cymru's zones, through the
-- user's own resolver, a few at a time. Blocks only in the host's resolver.
-- @module mtrtrace.asn.resolver
local cymru = require "mtrtrace.asn.cymru"
local pool = require "mtrtrace.asn.pool"

local M = {}

local THREADS = 8
local QUERY_S = 2.5
-- Consecutive failures after which the source is given up.
local MOST_ERRORS = 8

local Resolver = {}
Resolver.__index = Resolver

local function name_of(self, query)
  local server = self.source:server()
  return query.asn and cymru.holder_name(query.asn, server.host)
    or cymru.origin_name(query.bytes, server.zones)
end

-- Passes an answer to the source; returns an error text for a bad record.
local function settle(self, query, texts)
  if query.asn then
    self.source:answer_holder(query, cymru.holder(texts, query.asn))
    return nil
  end
  local origins, err = cymru.origins(texts, query.bytes)
  if origins then
    self.source:answer(query, origins)
  end
  return err
end

-- Logs the first failure; the last of many consecutive ones ends the source.
local function complain(self, host, err)
  self.errors = self.errors + 1
  if not self.complained then
    self.complained = true
    host.debug(("%s: %s: %s"):format(self.source.name,
      self.source:server().host, err))
  end
  if self.errors >= MOST_ERRORS and not self.source.failed then
    self.source:fail()
  end
end

local function resolve(self, thread, query, host)
  thread.query, thread.until_s = query, host.now() + 2 * QUERY_S
  local texts, err = host.txt(name_of(self, query), QUERY_S)
  thread.query = nil
  err = texts and settle(self, query, texts) or err
  if err then
    self.source:give_up(query)
    complain(self, host, err)
  else
    self.errors = 0
  end
end

local function serve(self, thread, run, host)
  while run:needed(host.now()) do
    local query = self.source:take()
    if not query then
      return
    end
    resolve(self, thread, query, host)
  end
end

--- Starts as many threads as the queue needs.
-- @tparam table run the look-ups of all traces
-- @tparam table host { now, spawn, txt, debug }
function Resolver:start(run, host)
  for _, thread in ipairs(self.pool:reap(host.now())) do
    if thread.query then
      self.source:give_back(thread.query)
    end
  end
  self.pool:start(host, #self.source.queue, function(thread)
    serve(self, thread, run, host)
  end)
end

--- A resolver for a source.
-- @tparam table source as made by mtrtrace.asn.source; its server is
--   { host, zones }: `host` is the zone of AS names, zones[4] and zones[16]
--   are those of IPv4 and IPv6 addresses
-- @treturn table
function M.new(source)
  return setmetatable({
    source = source, errors = 0, pool = pool.new(source.name, THREADS),
  }, Resolver)
end

return M
