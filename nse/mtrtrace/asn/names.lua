-- SPDX-License-Identifier: BSD-2-Clause

--- Reverse DNS names, a few queries at a time, each address once per run.
-- Blocks only in the host's resolver.
-- @module mtrtrace.asn.names
local clean = require "mtrtrace.asn.clean"
local pool = require "mtrtrace.asn.pool"

local M = {}

local THREADS = 8
local QUERY_S = 2
local MOST = 2000

local Names = {}
Names.__index = Names

--- Queries the name of an address, unless it was queried before.
-- @tparam string address
-- @tparam number now
-- @treturn boolean whether the answer is final
function Names:want(address, now)
  if self.known[address] ~= nil or self.failed then
    return true
  elseif self.open[address] then
    return now > self.open[address]
  elseif self.queries >= MOST then
    return true
  end
  self.queries = self.queries + 1
  self.queue[#self.queue + 1] = address
  -- The deadline is set when a thread takes the query: a thread that died
  -- must not delay the trace.
  self.open[address] = math.huge
  return false
end

--- The name of an address.
-- @tparam string address
-- @treturn ?string
function Names:get(address)
  return self.known[address] or nil
end

-- A resolver may return any bytes: a name is made of letters of any script,
-- digits and ".", "/", "_", "-".
local function checked(name)
  local bare = name and name:gsub("%.$", "")
  local text = bare and clean.text(bare)
  return text and text == bare and text:find("^[%w._/\128-\255-]+$")
    and text or false
end

-- A resolver that repeatedly fails to answer in time is given up: with -e, for
-- instance, Nmap cannot reach a resolver on this host.
local SLOW_S = 1
local MOST_SILENT = 8

local function watch_resolver(self, host, name, took)
  self.silent = not name and took >= SLOW_S and self.silent + 1 or 0
  if self.silent >= MOST_SILENT and not self.failed then
    self.failed, self.queue = true, {}
    host.debug("names: the resolver does not answer; no further queries")
  end
end

local function serve(self, run, host)
  while #self.queue > 0 and run:needed(host.now()) do
    local address = table.remove(self.queue, 1)
    self.open[address] = host.now() + 2 * QUERY_S
    local began = host.now()
    local name, err = host.ptr(address, QUERY_S)
    self.known[address] = checked(name)
    watch_resolver(self, host, name, host.now() - began)
    if err and not self.complained then
      self.complained = true
      host.debug(("names: %s: %s"):format(address, err))
    end
  end
end

--- Starts as many threads as the queue needs.
-- @tparam table run the look-ups of all traces
-- @tparam table host { now, spawn, ptr, debug }
function Names:start(run, host)
  self.pool:start(host, #self.queue, function()
    serve(self, run, host)
  end)
end

--- The name look-ups of a run.
-- @treturn table
function M.new()
  return setmetatable({
    known = {}, open = {}, queue = {}, queries = 0, silent = 0,
    pool = pool.new("names", THREADS),
  }, Names)
end

return M
