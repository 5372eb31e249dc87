-- SPDX-License-Identifier: BSD-2-Clause

--- Pings each hop directly: an enricher of mtrtrace.session.tracer that uses
-- core.trace with a single TTL that reaches the hop. The figures of these echo
-- requests are shown in addition to those of the trace. Each address is pinged
-- once in a run, after the trace, so that the pings do not affect the table.
-- @module mtrtrace.direct.enricher
local zone = require "mtrtrace.base.zone"

local M = {}

-- Echo requests for each address; three would be too few to show loss.
M.PACKETS = 10

local INTERVAL_S, TTL = 0.1, 64

-- Addresses pinged at the same time, and in all for one trace.
local AT_ONCE, MOST = 16, 256

-- Time limit of one ping: sending, and the engine's longest timeout.
local LONGEST_S = 8

local Enricher = {}
Enricher.__index = Enricher

local function add(self, address, interface)
  if self.items[address] or #self.list >= MOST then
    return
  end
  local target = zone.with(address, interface)
  local item = self.store[target or address] or { target = target,
    users = 0, done = not target }
  self.store[target or address] = item
  item.users = item.users + 1
  self.items[address] = item
  self.list[#self.list + 1] = item
end

--- See mtrtrace.session.tracer.
function Enricher:see(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      add(self, responder.address, result.interface)
    end
  end
  self.ready = self.ready or result.done
end

local function begin(self, item)
  local settings = self.settings
  item.began = self.host.now()
  item.handle, item.error = self.core.trace { target = item.target,
    protocol = "icmp", first_hop = TTL, max_hops = TTL, packets = M.PACKETS,
    interval = INTERVAL_S, surveyed = true, own_only = true,
    source = settings.source, interface = settings.interface,
    mark = settings.mark, tos = settings.tos }
  item.done = item.handle == nil
end

-- Returns the figures of the echo requests to an address; only counts for an
-- address without a reply.
local function figures_of(result)
  local hop = result.hops[1]
  for _, responder in ipairs(hop and hop.responders or {}) do
    if responder.target and responder.received > 0 then
      return { sent = hop.sent, received = hop.received,
        rtt_ms = responder.avg_ms, loss = hop.loss, loss_low = hop.loss_low,
        loss_high = hop.loss_high }
    end
  end
  return hop and { sent = hop.sent, received = 0 } or nil
end

local function take(item)
  if item.handle then
    item.direct = figures_of(item.handle:result())
    item.handle:close()
    item.handle, item.done = nil, true
  end
end

-- Advances one ping; returns whether it is running.
local function step(self, item)
  if item.done then
    return false
  elseif not item.handle then
    begin(self, item)
  elseif item.handle:done() or self.host.now() - item.began > LONGEST_S then
    take(item)
  end
  return not item.done
end

--- See mtrtrace.session.tracer.
function Enricher:poll()
  local under_way = 0
  for _, item in ipairs(self.ready and self.list or {}) do
    if under_way < AT_ONCE and step(self, item) then
      under_way = under_way + 1
    end
  end
  return under_way
end

--- See mtrtrace.session.tracer.
function Enricher:grace()
  local rounds = (#self.list + AT_ONCE - 1) // AT_ONCE
  return LONGEST_S * math.max(rounds, 1)
end

--- See mtrtrace.session.tracer: pings on which another trace waits continue.
function Enricher:leave()
  for _, item in ipairs(self.list) do
    item.users = item.users - 1
    if item.users == 0 then
      take(item)
    end
  end
end

--- See mtrtrace.screen.live: with an endless trace, pings start once the path
-- is known.
function Enricher:preview(result)
  self.ready = self.ready or result.ending ~= nil
end

--- Returns the data on an address while the trace runs.
-- @tparam string address
-- @treturn table `direct`, where it was pinged
-- @treturn boolean true: no further data is expected
function Enricher:peek(address)
  local item = self.items[address]
  return { direct = item and item.direct }, true
end

--- Writes `direct` to each responder: `sent`, `received` and, where it replies
-- to pings, `rtt_ms`, `loss`, `loss_low`, `loss_high`; to the result
-- `direct_error` where no ping could be sent.
-- @tparam table result changed in place
function Enricher:annotate(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local item = self.items[responder.address]
      responder.direct = item and item.direct
      result.direct_error = result.direct_error or item and item.error
    end
  end
end

--- Returns the enricher of one trace.
-- @tparam table host with now()
-- @tparam table core the module mtrtrace.core
-- @tparam table settings `source`, `interface`, `mark`, `tos`: of the trace,
--   where the user chose them
-- @tparam table store outlives the trace, shared by all traces of a run
-- @treturn table
function M.new(host, core, settings, store)
  store.direct = store.direct or {}
  return setmetatable({ host = host, core = core, settings = settings,
    store = store.direct, items = {}, list = {} }, Enricher)
end

--- Returns the line under the table that explains the direct figures.
-- @tparam table result
-- @treturn ?string nil where nothing was pinged
function M.line(result)
  local pinged, silent = 0, 0
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local direct = responder.direct
      if type(direct) == "table" then
        pinged = pinged + 1
        silent = silent + (direct.received == 0 and 1 or 0)
      end
    end
  end
  if pinged == 0 and result.direct_error then
    return ("No direct figures: echo requests cannot be sent (%s)."):format(
      result.direct_error)
  end
  return pinged > 0 and ("Direct figures are of %d echo requests to each "
    .. "address itself, after the trace: they are not loss on the path.%s")
    :format(M.PACKETS, silent > 0 and (" %d of %d replied to none.")
      :format(silent, pinged) or "") or nil
end

return M
