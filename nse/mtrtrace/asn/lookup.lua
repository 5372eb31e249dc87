-- SPDX-License-Identifier: BSD-2-Clause

--- The look-ups of one trace, an enricher of mtrtrace.session.tracer: the
-- origin AS of each hop's address, the holder of the AS, the reverse name.
-- They start when a hop becomes known and run in threads of the host while
-- the trace goes on. Special-purpose addresses are sent only to the user's own
-- resolver, which may have names for them, never to a whois server or a DNS
-- zone of a third party.
--
-- A host is { now = function() -> monotonic seconds, spawn =
-- function(function), debug = function(text), connect = function(host, port,
-- seconds) -> connection or nil, text, silent; ptr = function(address,
-- seconds) -> name or nil, text; txt = function(name, seconds) -> texts or
-- nil, text }. `silent` is true if `connect` got no packet in reply, not even
-- a refusal. A connection is { send(bytes) -> true or nil, text;
-- receive(seconds) -> bytes or nil, "timeout" or text; close() }. All of these
-- may yield, except now, spawn and debug.
-- @module mtrtrace.asn.lookup
local merge = require "mtrtrace.asn.merge"
local run = require "mtrtrace.asn.run"
local sources = require "mtrtrace.asn.sources"
local special = require "mtrtrace.base.special"
local tables = require "mtrtrace.base.tables"
local worker = require "mtrtrace.asn.worker"

local M = {}

-- Bound on the queries for a path that changes all the time.
local MOST_ADDRESSES = 256

local Lookup = {}
Lookup.__index = Lookup

-- ---- which sources, in which order ----------------------------------------

local function together(name)
  return sources.get(name).together
end

-- From { "db", "irr", "cymru" } to { { "db" }, { "irr", "cymru" } }.
local function stages_of(order)
  local stages = {}
  for _, name in ipairs(order) do
    local last = stages[#stages]
    if last and together(name) and together(last[1]) then
      last[#last + 1] = name
    else
      stages[#stages + 1] = { name }
    end
  end
  return stages
end

local function has(order, name)
  for _, other in ipairs(order) do
    if other == name then
      return true
    end
  end
  return false
end

-- The stage after those of the user's order: the source that replaces a failed
-- one. A server that the user named is not replaced.
local function last_resort(self)
  for _, row in ipairs(sources.all()) do
    local of = self.run.sources[row.last_resort_of]
    if of and of.failed and not of.named and has(self.settings.order, of.name)
      and not has(self.settings.order, row.name) then
      return { row.name }
    end
  end
end

-- ---- one address ----------------------------------------------------------

-- The source that can replace another one, if any.
local function stand_in(self, one)
  local name = sources.get(one.name).stand_in
  if not name or one.named or sources.over_dns(name) and not self.host.txt then
    return nil
  end
  return self.run.sources[name]
end

-- The replacement for a source that has failed or has not connected yet.
local function replacement(self, one, item)
  local needed = one.failed or worker.held_up(one, self.host.now())
  return needed and not one:get(item.bytes) and stand_in(self, one) or nil
end

local function want_of(self, name, item)
  local one = self.run.sources[name]
  if not one then
    return true
  end
  local settled = one:want(item.bytes)
  local other = replacement(self, one, item)
  if other then
    return other:want(item.bytes)
  end
  return settled
end

local function answer_of(self, name, item)
  local one = self.run.sources[name]
  if not one then
    return self.settings.db and self.settings.db(item.address)
  end
  local other = stand_in(self, one)
  return one:get(item.bytes) or other and other:get(item.bytes) or nil
end

-- Collects the answers of a stage; true if one of them names an origin.
local function gather(self, stage, item)
  local found = false
  for _, name in ipairs(stage) do
    local answer = answer_of(self, name, item)
    item.answers[#item.answers + 1] = answer
    found = found or answer and #answer.origins > 0
  end
  return found
end

local function stage_of(self, item)
  if item.found then
    return nil
  elseif item.stage == #self.stages + 1 then
    return last_resort(self)
  end
  return self.stages[item.stage]
end

local function settled(self, stage, item)
  local all = true
  for _, name in ipairs(stage) do
    all = want_of(self, name, item) and all
  end
  return all
end

-- Advances to the first stage that is still waiting; true if none is.
local function advance(self, item)
  local stage = stage_of(self, item)
  while stage do
    if not settled(self, stage, item) then
      return false
    end
    item.found = gather(self, stage, item)
    item.stage = item.stage + 1
    stage = stage_of(self, item)
  end
  return true
end

-- ---- the trace ------------------------------------------------------------

local function add(self, address)
  if self.items[address] or #self.list >= MOST_ADDRESSES then
    return
  end
  local bytes = special.bytes(address)
  if not bytes then
    return
  end
  bytes = special.untranslated(bytes)
  self.items[address] = {
    address = special.text(bytes), bytes = bytes, stage = 1, answers = {},
    done = special.class(address) ~= nil,
  }
  self.list[#self.list + 1] = self.items[address]
end

--- Starts look-ups for the addresses that are new in a result.
-- @tparam table result as given by trace:result()
function Lookup:see(result)
  self.probing = not result.done
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      add(self, responder.address)
    end
  end
end

-- The number of addresses without a complete answer.
local function outstanding(self, now)
  local count = 0
  for _, item in ipairs(self.list) do
    item.done = item.done or advance(self, item)
    local named = not self.settings.names
      or self.run.names:want(item.address, now)
    count = count + (item.done and named and 0 or 1)
  end
  return count
end

--- Advances the look-ups; to be called every 0.1 s or so.
-- @treturn integer number of addresses without a complete answer
function Lookup:poll()
  local host = self.host
  local now = host.now()
  self.pending = outstanding(self, now)
  self.run:join(self, now)
  for _, one in ipairs(self.run.connected) do
    worker.start(self.run, one, host, self.settings.version)
  end
  for _, resolver in ipairs(self.run.resolvers) do
    resolver:start(self.run, host)
  end
  self.run.names:start(self.run, host)
  return self.pending
end

--- Stops waiting and gives up the queries without an answer.
function Lookup:leave()
  local host = self.host
  if self.pending > 0 then
    host.debug(("look-ups: %d addresses without an answer in time")
      :format(self.pending))
    for _, one in ipairs(self.run.connected) do
      worker.give_up(one, host)
    end
  end
  self.run:leave(self)
  if #self.list > 0 then
    host.debug(self.run:summary())
  end
end

-- The answers that came in time, those of an unfinished stage included.
local function answers_of(self, item)
  if not item.done then
    gather(self, stage_of(self, item) or {}, item)
    item.done = true
  end
  return item.answers
end

local function annotate(self, responder)
  local item = self.items[responder.address]
  if not item then
    return
  end
  tables.update(responder,
    merge.facts(answers_of(self, item), self.run.holders))
  responder.name = self.settings.names and self.run.names:get(item.address)
    or nil
  responder.place = self.settings.geo and self.settings.geo(item.address)
    or nil
end

--- Facts about an address while the trace is running.
-- @tparam string address
-- @treturn table those of the facts of `annotate` that are known already
-- @treturn boolean whether they are complete
function Lookup:peek(address)
  local item = self.items[address]
  if not item then
    return {}, false
  end
  local facts = item.done and merge.facts(item.answers, self.run.holders)
    or {}
  facts.name = self.settings.names and self.run.names:get(item.address)
    or nil
  facts.place = self.settings.geo and self.settings.geo(item.address) or nil
  local named = not self.settings.names
    or self.run.names:want(item.address, self.host.now())
  return facts, item.done and named or false
end

--- Adds the facts to the responders of a result, and `lookup_errors`: a
-- sentence for each failure of a server that the user named.
-- @tparam table result as given by trace:result(); changed in place
function Lookup:annotate(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      annotate(self, responder)
    end
  end
  local complaints = self.run.complaints
  result.lookup_errors = #complaints > 0 and { table.unpack(complaints) }
    or nil
end

--- Starts the look-ups of a trace.
-- @tparam table host
-- @tparam table settings `order`: sources by name, in order of preference;
--   `servers`: see mtrtrace.asn.sources; `names`: whether to look up names;
--   `version`; `db` and `geo`: functions that take an address, nil without a
--   database
-- @tparam table store outlives the trace; shared by all traces of a run
-- @treturn table
function M.new(host, settings, store)
  store.run = store.run or run.new { servers = settings.servers }
  return setmetatable({
    host = host, settings = settings, run = store.run,
    stages = stages_of(settings.order), items = {}, list = {},
    probing = true, pending = 0,
  }, Lookup)
end

return M
