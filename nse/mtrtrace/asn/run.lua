-- SPDX-License-Identifier: BSD-2-Clause
--- What all traces of one run of Nmap share: sources, names, and who still
-- wants something of them. State only: it opens no connection and reads no
-- clock.
-- @module mtrtrace.asn.run
local names = require "mtrtrace.asn.names"
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

--- One line on what was asked so far.
-- @treturn string
function Run:summary()
  local parts = {}
  for _, name in ipairs { "irr", "cymru", "ripe" } do
    local s = self.sources[name]
    if s.asked > 0 then
      parts[#parts + 1] = ("%s %d queries, %d connections%s"):format(name,
        s.asked, s.connections,
        s.over > 0 and (", %d more not asked"):format(s.over) or "")
    end
  end
  parts[#parts + 1] = ("names %d queries"):format(self.names.asked)
  return "look-ups of this run: " .. table.concat(parts, "; ")
end

--- The look-ups of a run.
-- @tparam table options `servers`: for "irr", "cymru" and "ripe" an array of
--   { host, port }
-- @treturn table
function M.new(options)
  local store, sources = {}, {}
  local function add(name, most, more)
    more = more or {}
    sources[name] = source.new(store, {
      name = name, servers = options.servers[name], most = most,
      has_holders = more.has_holders, negative_alone = more.negative_alone,
    })
  end
  add("irr", MOST, { has_holders = true, negative_alone = true })
  add("cymru", MOST)
  add("ripe", MOST_LAST_RESORT, { negative_alone = true })
  return setmetatable({
    sources = sources, holders = store.holders, names = names.new(),
    sessions = {},
  }, Run)
end

return M
