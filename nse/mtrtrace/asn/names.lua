-- SPDX-License-Identifier: BSD-2-Clause

--- Reverse names, a few at a time, each address once per run. Waits by the
-- host's resolver alone.
-- @module mtrtrace.asn.names
local clean = require "mtrtrace.asn.clean"
local pool = require "mtrtrace.asn.pool"

local M = {}

local THREADS = 8
local QUERY_S = 2
local MOST = 2000

local Names = {}
Names.__index = Names

--- Asks for the name of an address, unless that was done already.
-- @tparam string address
-- @tparam number now
-- @treturn boolean whether there is nothing left to wait for
function Names:want(address, now)
  if self.known[address] ~= nil or self.failed then
    return true
  elseif self.open[address] then
    return now > self.open[address]
  elseif self.asked >= MOST then
    return true
  end
  self.asked = self.asked + 1
  self.queue[#self.queue + 1] = address
  -- A thread that died is not waited for.
  self.open[address] = math.huge
  return false
end

--- The name of an address.
-- @tparam string address
-- @treturn ?string
function Names:get(address)
  return self.known[address] or nil
end

-- Letters of any script, digits and what else names are made of; a resolver
-- may hand out anything.
local function checked(name)
  local bare = name and name:gsub("%.$", "")
  local text = bare and clean.text(bare)
  return text and text == bare and text:find("^[%w._/\128-\255-]+$")
    and text or false
end

-- A resolver that never answers in time is not asked for ever: with -e, for
-- instance, Nmap cannot reach one on this host.
local SLOW_S = 1
local MOST_SILENT = 8

local function watch_resolver(self, host, name, took)
  self.silent = not name and took >= SLOW_S and self.silent + 1 or 0
  if self.silent >= MOST_SILENT and not self.failed then
    self.failed, self.queue = true, {}
    host.debug("names: the resolver does not answer, asked no more")
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

--- Names of a run.
-- @treturn table
function M.new()
  return setmetatable({
    known = {}, open = {}, queue = {}, asked = 0, silent = 0,
    pool = pool.new("names", THREADS),
  }, Names)
end

return M
