-- SPDX-License-Identifier: BSD-2-Clause

--- Look-up state that all traces of one run of Nmap share: sources, names, and
-- the traces that still wait for answers. State only: it opens no connection
-- and reads no clock.
-- @module mtrtrace.asn.run
local names = require "mtrtrace.asn.names"
local ports = require "mtrtrace.asn.ports"
local resolver = require "mtrtrace.asn.resolver"
local source = require "mtrtrace.asn.source"
local sources = require "mtrtrace.asn.sources"

local M = {}

-- Nmap may end a trace without notice: one that has not polled for this long
-- no longer counts.
local ALIVE_S = 5

local Run = {}
Run.__index = Run

--- Adds or refreshes a trace that uses the look-ups.
-- @tparam table session { probing = boolean, pending = integer }
-- @tparam number now
function Run:join(session, now)
  self.sessions[session] = now + ALIVE_S
end

--- Removes a trace.
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

--- Whether any trace may still send queries, or waits for an answer.
-- @tparam number now
-- @treturn boolean
function Run:needed(now)
  return any(self, now, function(session)
    return session.probing or session.pending > 0
  end)
end

--- Whether any finished trace waits for an answer.
-- @tparam number now
-- @treturn boolean
function Run:hurried(now)
  return any(self, now, function(session)
    return not session.probing and session.pending > 0
  end)
end

-- Limit on the errors that are reported to the user.
local MOST_COMPLAINTS = 4

--- Keeps an error of a server, once, to be reported to a user who named this
-- server.
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
  return ("%s %s%s%s"):format(one.name, queries(one.queries),
    one.connections > 0 and ", " .. counted(one.connections, "connection",
      "connections") or "",
    one.over_limit > 0
      and (", %d over the limit not sent"):format(one.over_limit) or "")
end

--- One line with the numbers of queries so far.
-- @treturn string
function Run:summary()
  local parts = {}
  for _, row in ipairs(sources.all()) do
    local one = self.sources[row.name]
    parts[#parts + 1] = one and one.queries > 0 and summary_of(one) or nil
  end
  parts[#parts + 1] = "names " .. queries(self.names.queries)
  return "look-ups of this run: " .. table.concat(parts, "; ")
end

--- The look-ups of a run.
-- @tparam table options `servers`: see mtrtrace.asn.sources
-- @treturn table `sources` by name: those that have servers; `connected`,
--   those of them that are queried over TCP; `resolvers`, those that are
--   queried over DNS
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
