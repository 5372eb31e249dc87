-- SPDX-License-Identifier: BSD-2-Clause

--- What all traces of one run of Nmap share: sources, names, and who still
-- wants something of them. State only: it opens no connection and reads no
-- clock.
-- @module mtrtrace.asn.run
local names = require "mtrtrace.asn.names"
local ports = require "mtrtrace.asn.ports"
local resolver = require "mtrtrace.asn.resolver"
local source = require "mtrtrace.asn.source"
local sources = require "mtrtrace.asn.sources"

local M = {}

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
  for _, row in ipairs(sources.all()) do
    local one = self.sources[row.name]
    parts[#parts + 1] = one and one.asked > 0 and summary_of(one) or nil
  end
  parts[#parts + 1] = "names " .. queries(self.names.asked)
  return "look-ups of this run: " .. table.concat(parts, "; ")
end

--- The look-ups of a run.
-- @tparam table options `servers`: see mtrtrace.asn.sources
-- @treturn table `sources` by name: those that have servers; `connected`,
--   those among them that are asked over connections; `resolvers`, those that
--   are asked over DNS
function M.new(options)
  local store = { holders = {} }
  local self = setmetatable({
    sources = {}, connected = {}, resolvers = {}, holders = store.holders,
    names = names.new(), ports = ports.new(), sessions = {}, complaints = {},
  }, Run)
  for _, row in ipairs(sources.all()) do
    local servers = options.servers[row.name]
    local one = servers and source.new(store, row, servers)
    self.sources[row.name] = one
    if one and sources.over_dns(row.name) then
      self.resolvers[#self.resolvers + 1] = resolver.new(one)
    elseif one then
      self.connected[#self.connected + 1] = one
    end
  end
  return self
end

return M
