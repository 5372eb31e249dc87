-- SPDX-License-Identifier: BSD-2-Clause

--- Merges flows to one result: which flows take the same path, and for each
-- address at a TTL the share of flows and figures of its own. Figures come
-- from the engine's merge of flows, never from averages of averages. Pure.
--
-- A flow passes an address that is the only responder to the flow at that TTL.
-- With several responders, an unanswered probe cannot be assigned to one of
-- them: the flow is in the `flows` of each address but not in its loss.
-- @module mtrtrace.flows.group
local ident = require "mtrtrace.flows.ident"
local runs = require "mtrtrace.flows.runs"
local tables = require "mtrtrace.base.tables"

local M = {}

local function number_of(flow)
  return flow.flow
end

--- Returns the flow numbers of a list of flows.
-- @tparam {table,...} flows
-- @treturn {integer,...}
function M.numbers(flows)
  local list = {}
  for i, flow in ipairs(flows) do
    list[i] = number_of(flow)
  end
  return list
end

--- Returns the engine's merge with a cache of the result of each set of flows.
-- @tparam function merge (list of flow numbers) to a result
-- @treturn function like `merge`; results are shared and must not be changed
function M.remembered(merge)
  local known = {}
  return function(list)
    local key = table.concat(list, " ")
    if not known[key] then
      known[key] = merge(list)
    end
    return known[key]
  end
end

--- Returns the hop of a TTL.
-- @tparam table result
-- @tparam integer ttl
-- @treturn ?table
function M.hop(result, ttl)
  local hop = result.hops[ttl - (result.first_hop or 1) + 1]
  if hop and hop.ttl == ttl then
    return hop
  end
  for _, other in ipairs(result.hops) do
    if other.ttl == ttl then
      return other
    end
  end
end

-- ---- addresses by flow -----------------------------------------------------

-- Returns the last TTL with a reply to a flow; 0 without any reply.
local function last_answering(flow)
  for i = #flow.hops, 1, -1 do
    if #flow.hops[i].responders > 0 then
      return flow.hops[i].ttl
    end
  end
  return 0
end

local function place(passing, address)
  local entry = passing.by_address[address]
  if not entry then
    entry = { address = address, flows = {}, pure = {}, main = {},
      weight = 0, target = false }
    passing.by_address[address] = entry
    passing[#passing + 1] = entry
  end
  return entry
end

local function add_flow(passing, flow, hop)
  local total, count, order = 0, {}, {}
  for _, responder in ipairs(hop.responders) do
    if not count[responder.address] then
      order[#order + 1] = responder.address
    end
    count[responder.address] = (count[responder.address] or 0)
      + responder.received
    total = total + responder.received
    local entry = place(passing, responder.address)
    entry.target = entry.target or responder.target or false
  end
  for i, address in ipairs(order) do
    local entry = place(passing, address)
    entry.main[#entry.main + 1] = i == 1 and number_of(flow) or nil
    entry.flows[#entry.flows + 1] = number_of(flow)
    entry.pure[#entry.pure + 1] = #order == 1 and number_of(flow) or nil
    entry.weight = entry.weight
      + (total > 0 and count[address] / total or 1 / #order)
  end
  passing.answered = passing.answered + (#order > 0 and 1 or 0)
end

--- Returns the responders at a TTL and the flows to which each replied.
-- @tparam {table,...} flows results of one flow each
-- @tparam integer ttl
-- @treturn table array of { address, flows, pure = flows without another
--   responder, main = flows with most replies from this one, weight, target }
--   in the order of the flows; `answered`: number of flows with a reply;
--   `silent`: flows without a reply that have replies beyond
function M.passing(flows, ttl)
  local passing = { by_address = {}, answered = 0, silent = {} }
  for _, flow in ipairs(flows) do
    local hop = M.hop(flow, ttl)
    if hop and #hop.responders > 0 then
      add_flow(passing, flow, hop)
    elseif hop and ttl < last_answering(flow) then
      passing.silent[#passing.silent + 1] = number_of(flow)
    end
  end
  return passing
end

--- Whether a TTL has per-packet load balancing: the replies to one flow
-- alternate between several responders.
-- @tparam {table,...} flows results of one flow each
-- @tparam integer ttl
-- @treturn boolean
function M.is_per_packet(flows, ttl)
  for _, flow in ipairs(flows) do
    local hop = M.hop(flow, ttl)
    if hop and ident.is_mixed(hop) then
      return true
    end
  end
  return false
end

-- ---- the hop table ---------------------------------------------------------

local FIGURES = { "sent", "received", "loss", "loss_low", "loss_high" }

local function add_own(responder, entry, ttl, merge)
  local own = #entry.pure > 0 and M.hop(merge(entry.pure), ttl)
  for _, key in ipairs(own and FIGURES or {}) do
    responder[key] = own[key]
  end
end

local function add_shares(hop, flows, merge)
  local passing = M.passing(flows, hop.ttl)
  for _, responder in ipairs(hop.responders) do
    local entry = passing.by_address[responder.address]
    if entry then
      responder.flows = entry.flows
      responder.flow_count = #flows
      responder.share = passing.answered > 0
        and entry.weight / passing.answered or nil
      add_own(responder, entry, hop.ttl, merge)
    end
  end
  hop.silent_flows = #passing.silent > 0 and passing.silent or nil
  return passing
end

-- Counts that are replaced by those of the flows with a reply: flows to which
-- a hop never replies are no loss of the other flows.
local COUNTS = {
  "sent", "received", "loss", "loss_low", "loss_high", "late", "lost",
  "total_sent", "total_received", "rate_limit", "send_errors", "duplicates",
  "in_flight", "unlisted", "untested", "shared_rate_limit",
    "lost_during_drops",
}

local function without_silent(hop, passing, merge)
  local set = {}
  for _, entry in ipairs(passing) do
    for _, flow in ipairs(entry.flows) do
      set[flow] = true
    end
  end
  local of_those = M.hop(merge(runs.keys(set)), hop.ttl)
  for _, key in ipairs(of_those and COUNTS or {}) do
    hop[key] = of_those[key]
  end
end

-- Returns a copy of a merged result that may be changed, down to responders.
local function own_copy(result)
  local new = tables.copy(result)
  new.hops = {}
  for i, hop in ipairs(result.hops) do
    new.hops[i] = tables.copy(hop)
    new.hops[i].responders = {}
    for j, responder in ipairs(hop.responders) do
      new.hops[i].responders[j] = tables.copy(responder)
    end
  end
  return new
end

-- ---- flows and their paths -------------------------------------------------

local function last_hop(flow)
  return flow.reached and flow.target_ttl and M.hop(flow, flow.target_ttl)
end

local function summary(flow)
  local path = ident.path(flow)
  local s = {
    flow = number_of(flow), source_port = flow.source_port,
    checksum = flow.checksum, flow_label = flow.flow_label,
    first_hop = flow.first_hop or 1, path = path,
    path_id = ident.of(path, flow.first_hop), reached = flow.reached or false,
    target_ttl = flow.target_ttl,
  }
  local hop = last_hop(flow)
  for _, key in ipairs(hop and FIGURES or {}) do
    s[key] = hop[key]
  end
  local first = hop and hop.responders[1]
  s.avg_ms = first and first.avg_ms or nil
  return s
end

-- Numbers the paths from 1, the one with the most flows first.
local function number_paths(summaries)
  local by_id, groups = {}, {}
  for _, s in ipairs(summaries) do
    local group = by_id[s.path_id.sha256]
    if not group then
      group = { flows = {}, path = s.path, path_id = s.path_id,
        first_hop = s.first_hop, reached = s.reached }
      by_id[s.path_id.sha256] = group
      groups[#groups + 1] = group
    end
    group.flows[#group.flows + 1] = s.flow
  end
  table.sort(groups, function(a, b)
    return #a.flows > #b.flows
      or #a.flows == #b.flows and a.flows[1] < b.flows[1]
  end)
  for i, group in ipairs(groups) do
    group.number = i
  end
  for _, s in ipairs(summaries) do
    s.group = by_id[s.path_id.sha256].number
  end
  return groups
end

local function add_paths(result)
  local number = {}
  for _, s in ipairs(result.flows) do
    number[s.flow] = s.group
  end
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local seen, list = {}, {}
      for _, flow in ipairs(responder.flows or {}) do
        list[#list + 1] = not seen[number[flow]] and number[flow] or nil
        seen[number[flow]] = true
      end
      table.sort(list)
      responder.paths = #list > 0 and list or nil
    end
  end
end

-- Collects the replies to all flows for each address; the engine keeps replies
-- by flow.
local function add_answers(result, flows)
  for _, flow in ipairs(flows) do
    for _, hop in ipairs(flow.hops) do
      local into = M.hop(result, hop.ttl)
      for _, responder in ipairs(hop.responders) do
        for _, to in ipairs(into and into.responders or {}) do
          if to.address == responder.address then
            to.answers = to.answers or responder.answers
            to.echo_ttl = to.echo_ttl or responder.echo_ttl
          end
        end
      end
    end
  end
end

--- Merges flows.
-- @tparam {table,...} flows results of one flow each, with their `flow`
-- @tparam function merge (list of flow numbers) to a result of all of them
-- @treturn table the result of all flows. In it `flows`: { flow,
--   source_port, checksum, flow_label, first_hop, path = { address or false,
--   ... }, path_id = { crc32, sha256 }, group, reached, target_ttl, and of
--   its target sent, received, loss, loss_low, loss_high, avg_ms };
--   `groups`, the paths: { number, flows, path, path_id, first_hop, reached
--   }; in a hop `silent_flows`, the flows without a reply; in a responder
--   `flows`, `flow_count` (of all), `share` (of the flows with a reply at the
--   TTL), `paths` (numbers of groups), and sent, loss, loss_low, loss_high
--   of the flows without another responder at the TTL
function M.result(flows, merge)
  merge = M.remembered(merge)
  local result = own_copy(merge(M.numbers(flows)))
  result.flows = {}
  for i, flow in ipairs(flows) do
    result.flows[i] = summary(flow)
  end
  result.groups = number_paths(result.flows)
  for _, hop in ipairs(result.hops) do
    local passing = add_shares(hop, flows, merge)
    if #passing.silent > 0 and passing.answered > 0 then
      without_silent(hop, passing, merge)
    end
  end
  add_paths(result)
  add_answers(result, flows)
  return result
end

return M
