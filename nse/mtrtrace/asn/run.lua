-- SPDX-License-Identifier: BSD-2-Clause

--- What all traces of one run of Nmap share: sources, names, and who still
-- wants something of them. State only: it opens no connection and reads no
-- clock.
-- @module mtrtrace.asn.run
local names = require "mtrtrace.asn.names"
local ports = require "mtrtrace.asn.ports"
local resolver = require "mtrtrace.asn.resolver"
local source = require "mtrtrace.asn.source"

local M = {}

-- Queries to one source in one run; the last resort is spared.
local MOST = 2000
local MOST_LAST_RESORT = 4

-- A trace that did not show itself for so long is gone.
local ALIVE_S = 5

local Run = {}
Run.__index = Run

--- Keeps a trace among those that want something.
-- @tparam table session { probing = boolean, pending = integer }
-- @tparam number now
function Run:join(session, now)
  self.sessions[session] = now + ALIVE_S
end

--- Takes a trace out.
-- @tparam table session
function Run:leave(session)
  self.sessions[session] = nil
end

local function any(self, now, is)
  for session, until_s in pairs(self.sessions) do
    if now <= until_s and is(session) then
      return true
    end
  end
  return false
end

--- Whether a trace may still ask, or waits for an answer.
-- @tparam number now
-- @treturn boolean
function Run:needed(now)
  return any(self, now, function(session)
    return session.probing or session.pending > 0
  end)
end

--- Whether a trace that has ended waits for an answer.
-- @tparam number now
-- @treturn boolean
function Run:hurried(now)
  return any(self, now, function(session)
    return not session.probing and session.pending > 0
  end)
end

-- Sentences on servers that the user named.
local MOST_COMPLAINTS = 4

--- Keeps what was wrong with a server, once, where the user named it: who
-- chose a server wants to know that it did not serve.
-- @tparam table from a source
-- @tparam string text
function Run:complain(from, text)
  local list = self.complaints
  if from.named and not list[text] and #list < MOST_COMPLAINTS then
    list[text] = true
    list[#list + 1] = text
  end
end

local function counted(number, one, many)
  return ("%d %s"):format(number, number == 1 and one or many)
end

local function queries(number)
  return counted(number, "query", "queries")
end

local function summary_of(one)
  return ("%s %s%s%s"):format(one.name, queries(one.asked),
    one.connections > 0 and ", " .. counted(one.connections, "connection",
      "connections") or "",
    one.over > 0 and (", %d more not asked"):format(one.over) or "")
end

--- One line on what was asked so far.
-- @treturn string
function Run:summary()
  local parts = {}
  for _, name in ipairs { "irr", "cymru", "cymru-dns", "ripe" } do
    local one = self.sources[name]
    parts[#parts + 1] = one.asked > 0 and summary_of(one) or nil
  end
  parts[#parts + 1] = "names " .. queries(self.names.asked)
  return "look-ups of this run: " .. table.concat(parts, "; ")
end

--- The look-ups of a run.
-- @tparam table options `servers`: for "irr", "cymru" and "ripe" an array of
--   { host, port }, with `named` where the user named it; for "cymru-dns" as
--   mtrtrace.asn.resolver takes it
-- @treturn table
function M.new(options)
  local store, sources = {}, {}
  local function add(name, most, more)
    more = more or {}
    more.name, more.most = name, most
    more.servers = options.servers[name]
    sources[name] = source.new(store, more)
  end
  add("irr", MOST, { has_holders = true, negative_alone = true })
  add("cymru", MOST)
  add("cymru-dns", MOST, { has_holders = true, own_holders = true })
  add("ripe", MOST_LAST_RESORT, { negative_alone = true })
  return setmetatable({
    sources = sources, holders = store.holders, names = names.new(),
    resolver = resolver.new(sources["cymru-dns"]), ports = ports.new(),
    sessions = {}, complaints = {},
  }, Run)
end

return M
