-- SPDX-License-Identifier: BSD-2-Clause

--- Counters of each hop over a target's rounds and the figures of the last
-- round, in the form that mtrtrace.service.exposition writes. Keeps no result
-- of a round. Pure.
--
-- A hop is counted once it has replied, so a router that never replies has no
-- loss. From then on its silence counts as loss, unless it lasts for
-- SILENT_ROUNDS while hops beyond it reply. The target has series of its own,
-- whatever its TTL; while it does not reply, the probes with the highest TTL
-- count as lost.
-- @module mtrtrace.service.counts
local replies = require "mtrtrace.verdict.replies"
local bursts = require "mtrtrace.base.bursts"
local families = require "mtrtrace.service.families"
local ident = require "mtrtrace.flows.ident"
local sha256 = require "mtrtrace.base.sha256"

local M = {}

-- Rounds without a reply, while hops beyond reply, after which a router counts
-- as one that has stopped replying.
local SILENT_ROUNDS = 10

local Counts = {}
Counts.__index = Counts

local NO_INFO = {}

local function new_hop(bounds)
  local counts = {}
  for i = 1, #bounds do
    counts[i] = 0
  end
  return { silent_for = SILENT_ROUNDS, values = {
    probes = 0, replies = 0, lost = 0, late = 0, duplicates = 0,
    send_errors = 0, rtt_min_s = 0, jitter_s = 0, info = NO_INFO,
    rate_limited = 0, responders = 0,
    rtt = { bounds = bounds, counts = counts, count = 0, sum_s = 0.0 },
  } }
end

-- ---- a hop ----------------------------------------------------------------

local function add_times(rtt, responder)
  local counts = responder.rtt_counts or {}
  local count = counts[#rtt.bounds + 1] or 0
  if count == 0 then
    return
  end
  for i = 1, #rtt.bounds do
    rtt.counts[i] = rtt.counts[i] + counts[i]
  end
  rtt.count = rtt.count + count
  rtt.sum_s = rtt.sum_s + responder.avg_ms / 1000 * count
end

local function info_of(responder)
  return { address = responder.address, name = responder.name,
    asn = responder.asn, organization = responder.organization }
end

-- Sets the gauges, which have the figures of this round only.
local function set_gauges(values, hop, responders)
  local main = responders[1]
  values.responders = #responders
  values.rate_limited = hop.rate_limited and 1 or 0
  values.jitter_s = main and (main.jitter_ms or 0) / 1000 or 0
  values.rtt_min_s = 0
  for _, responder in ipairs(responders) do
    local best_s = responder.best_ms and responder.best_ms / 1000
    if best_s and (values.rtt_min_s == 0 or best_s < values.rtt_min_s) then
      values.rtt_min_s = best_s
    end
  end
  values.info = main and info_of(main) or values.info
end

local function add_hop(values, hop, received)
  values.probes = values.probes + hop.sent
  values.replies = values.replies + received
  values.lost = values.lost + hop.sent - received
  values.late = values.late + hop.late
  values.duplicates = values.duplicates + hop.duplicates
  values.send_errors = values.send_errors + hop.send_errors
end

-- Whether a hop's counted probes are a valid sample.
local function is_sound(self, hop)
  if replies.is_inconclusive(hop) then
    self.discarded = self.discarded + 1
    return false
  end
  return true
end

-- Whether a hop's silence counts as loss, see above.
local function counts_now(state, hop, replies_beyond)
  if hop.received > 0 then
    state.silent_for = 0
  elseif replies_beyond then
    state.silent_for = math.min(state.silent_for + 1, SILENT_ROUNDS)
  end
  return state.silent_for < SILENT_ROUNDS
end

local function take_hop(self, hop, replies_beyond)
  local state = self.by_ttl[hop.ttl]
  if not state and #hop.responders == 0 then
    return
  elseif not state then
    state = new_hop(self.bounds)
    state.ttl = ("%d"):format(hop.ttl)
    self.by_ttl[hop.ttl] = state
  end
  set_gauges(state.values, hop, hop.responders)
  if counts_now(state, hop, replies_beyond) and is_sound(self, hop) then
    add_hop(state.values, hop, hop.received)
    for _, responder in ipairs(hop.responders) do
      add_times(state.values.rtt, responder)
    end
  end
end

-- ---- the target -----------------------------------------------------------

-- The hop whose probes went to the target, and whether it replied.
local function target_hop(self, result)
  local last
  for _, hop in ipairs(result.hops) do
    if result.reached and hop.ttl == result.target_ttl then
      return hop, true
    elseif hop.ttl == self.target_ttl and not result.reached then
      return hop, false
    end
    last = hop
  end
  return last, false
end

local function take_target(self, hop, replied)
  local values = self.target.values
  if not hop then
    return
  end
  set_gauges(values, hop, replied and hop.responders or {})
  if not is_sound(self, hop) then
    return
  end
  add_hop(values, hop, replied and hop.received or 0)
  for _, responder in ipairs(replied and hop.responders or {}) do
    add_times(values.rtt, responder)
  end
  local found = replied and bursts.of(hop)
  local all_lost = not replied and hop.sent > 1
  self.values.loss_bursts = self.values.loss_bursts
    + (found and found.bursts or all_lost and 1 or 0)
end

-- ---- the whole ------------------------------------------------------------

local function last_replying(result)
  local last = 0
  for _, hop in ipairs(result.hops) do
    last = #hop.responders > 0 and hop.ttl or last
  end
  return last
end

-- The series of path identifiers: one without a label, or one for each flow.
local function path_ids(result)
  local list = {}
  for i, flow in ipairs(result.flows or {}) do
    list[i] = { ("%d"):format(flow.flow), sha256.number(flow.path_id.sha256) }
  end
  list[1] = list[1] or { "", ident.numbers(result)[1] or 0 }
  return list
end

local function phases(ttfb)
  local list = {}
  for i, phase in ipairs(families.PHASES) do
    list[i] = { phase[1], ttfb and (ttfb[phase[2]] or 0) / 1000 or 0 }
  end
  return list
end

local function take_path(values, result)
  values.reached = result.reached and 1 or 0
  values.path_hops = result.reached and result.target_ttl
    or last_replying(result)
  values.path_id = path_ids(result)
  values.path_mtu = result.pmtu and result.pmtu.mtu or 0
  values.ttfb = phases(result.ttfb)
end

-- The series of the target come last.
local function list_hops(self)
  local list = {}
  for _, state in pairs(self.by_ttl) do
    list[#list + 1] = state
  end
  table.sort(list, function(a, b) return tonumber(a.ttl) < tonumber(b.ttl) end)
  list[#list + 1] = self.target
  self.hops = list
end

--- Adds a round.
-- @tparam table result judged, with `rtt_counts` of the bounds
-- @tparam number now_s seconds since 1970
function Counts:take(result, now_s)
  local hop, replied = target_hop(self, result)
  local farthest = last_replying(result)
  for _, other in ipairs(result.hops) do
    if not (replied and other == hop) then
      take_hop(self, other, farthest > other.ttl)
    end
  end
  take_target(self, hop, replied)
  if replied then
    self.target_ttl = hop.ttl
  end
  take_path(self.values, result)
  self.values.last_round_s = now_s
  list_hops(self)
end

--- Counts a round that could not begin.
function Counts:fail()
  self.values.failed_rounds = self.values.failed_rounds + 1
  self.values.reached = 0
end

--- Makes the counters of a target, all 0.
-- @tparam string labels text of the labels of all series
-- @tparam {number,...} bounds of the histogram, seconds
-- @treturn table { labels, hops, values, take, fail }; `discarded`: samples
--   that were not counted
function M.new(labels, bounds)
  local self = setmetatable({ labels = labels, bounds = bounds, by_ttl = {},
    target = new_hop(bounds), discarded = 0, values = { reached = 0,
      path_hops = 0, path_id = { { "", 0 } }, path_changes = 0,
      loss_begins = 0, loss_begins_low = 0, loss_begins_high = 0,
      loss_bursts = 0, path_mtu = 0, ttfb = phases(nil), failed_rounds = 0,
      last_round_s = 0 } }, Counts)
  self.target.ttl = families.TARGET_TTL
  list_hops(self)
  return self
end

return M
