-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on one flow or several: on the path, on branches, address
-- translation, traffic class and the return path. A finding common to all
-- flows is reported once; a finding on some flows names the branch. Pure.
-- @module mtrtrace.verdict.flows
local across = require "mtrtrace.verdict.across"
local balance = require "mtrtrace.verdict.balance"
local branch_latency = require "mtrtrace.verdict.branch_latency"
local branch_loss = require "mtrtrace.verdict.branch_loss"
local ecn = require "mtrtrace.verdict.ecn"
local dscp = require "mtrtrace.verdict.dscp"
local group = require "mtrtrace.flows.group"
local graph = require "mtrtrace.flows.graph"
local latency = require "mtrtrace.verdict.latency"
local loss = require "mtrtrace.verdict.loss"
local link_figures = require "mtrtrace.flows.link_figures"
local mesh = require "mtrtrace.verdict.mesh"
local nat = require "mtrtrace.verdict.nat"
local reverse = require "mtrtrace.verdict.reverse"
local tables = require "mtrtrace.base.tables"
local verdict = require "mtrtrace.verdict.trace"
local words = require "mtrtrace.verdict.words"

local M = {}

local QUOTES = { nat, dscp, ecn, reverse }

local function add(out, list)
  table.move(list, 1, #list, #out + 1, out)
end

local function quoted(flow)
  local out = {}
  for _, subject in ipairs(QUOTES) do
    add(out, subject.list(flow))
  end
  return out
end

-- Verdicts that rest on a constant flow identifier. TCP connects of an
-- unprivileged trace have a new source port each, so they support none of
-- these.
local OF_ONE_LOOK = { path_changed = true, return_path_changed = true,
  balanced_per_packet = true, balanced_per_flow = true, meshed = true,
  branch_loss = true, branch_latency = true, silent_branch = true }

local function tenable(list, result)
  if result.sockets ~= "unprivileged" or result.protocol ~= "tcp" then
    return list
  end
  local out = {}
  for _, v in ipairs(list) do
    out[#out + 1] = not OF_ONE_LOOK[v.kind] and v or nil
  end
  return out
end

--- Judges the result of a trace with one flow.
-- @tparam table result as given by trace:result(), with `answers` as far as
--   known; gets `verdicts`
-- @treturn table the same
function M.one(result)
  verdict.judge(result)
  add(result.verdicts, quoted(result))
  result.verdicts = tenable(verdict.sort(result.verdicts), result)
  return result
end

-- Kinds that are judged flow by flow, and kinds that are judged by branch.
local BY_FLOW = { path_changed = true, return_path_changed = true,
  balanced_per_packet = true }
local BY_BRANCH = { balanced_per_flow = true, loss = true,
  cannot_tell = true, latency_rise = true, slow_to_answer = true }

local function of_flow(flow)
  local out = {}
  for _, v in ipairs(verdict.judge(tables.copy(flow)).verdicts) do
    out[#out + 1] = BY_FLOW[v.kind] and v or nil
  end
  add(out, quoted(flow))
  return out
end

-- The others' figures stand for what all flows have in common.
local function common(merge, subject, rest)
  local result = merge(rest)
  verdict.judge(result)
  return subject.list(result)
end

-- The numbers of the given flows; of all flows if the list is empty.
local function some(list, flows)
  return #list > 0 and list or group.numbers(flows)
end

local function balanced(hop)
  local names, flows = {}, 0
  for _, responder in ipairs(hop.responders) do
    names[#names + 1] = responder.address
    flows = flows + #(responder.flows or {})
  end
  return balance.per_flow(hop.ttl, flows, names)
end

-- Whether each flow has one address, but not all flows the same.
local function is_balanced(hop)
  local seen = {}
  for _, responder in ipairs(hop.responders) do
    for _, flow in ipairs(responder.flows or {}) do
      if seen[flow] then
        return false
      end
      seen[flow] = true
    end
  end
  return #hop.responders > 1
end

local function silent_branch(hop, count)
  local n = #hop.silent_flows
  return { kind = "silent_branch", hop = hop.ttl, flows = n,
    flow_count = count,
    text = ("Hop %d does not reply to %d of %s, hops beyond do."):format(
      hop.ttl, n, words.plural(count, "flow", "flows")) }
end

local function add_hops(out, result, count)
  for _, hop in ipairs(result.hops) do
    out[#out + 1] = is_balanced(hop) and balanced(hop) or nil
    local partly = hop.silent_flows and #hop.responders > 0
    out[#out + 1] = partly and silent_branch(hop, count) or nil
  end
end

-- Drops changes of the path at hops with per-packet load balancing, where the
-- replies of one flow may look like a change; the other flows show the
-- balancing.
local function settled(list, flows)
  local out = {}
  for _, v in ipairs(list) do
    local first, last = v.hop or v.from, v.hop or v.to
    local by_chance = v.kind == "path_changed"
    for ttl = first or 1, by_chance and last or 0 do
      by_chance = by_chance and group.is_per_packet(flows, ttl)
    end
    out[#out + 1] = not by_chance and v or nil
  end
  return out
end

--- Merges flows and judges them.
-- @tparam {table,...} flows results of one flow each, with their `flow`
-- @tparam function merge returns the merged result of a list of flow numbers
-- @treturn table as mtrtrace.flows.group returns it, with `verdicts`
function M.many(flows, merge)
  merge = group.remembered(merge)
  local result = verdict.judge(group.result(flows, merge))
  local out = {}
  for _, v in ipairs(result.verdicts) do
    out[#out + 1] = not (BY_FLOW[v.kind] or BY_BRANCH[v.kind]) and v or nil
  end
  local lossy, rest = branch_loss.list(flows, merge)
  add(out, lossy)
  add(out, common(merge, loss, some(rest, flows)))
  local slow, others = branch_latency.list(flows, merge)
  add(out, slow)
  add(out, common(merge, latency, some(others, flows)))
  add_hops(out, result, #flows)
  add(out, settled(across.list(flows, of_flow), flows))
  result.verdicts = tenable(verdict.sort(out), flows[1])
  return result
end

--- Adds `graph` and the verdicts on it.
-- @tparam table result as `many` returns it; changed in place
-- @tparam {table,...} flows of the result
-- @tparam function merge returns the merged result of a list of flow numbers
-- @tparam ?table search the multipath search; nil: the graph of the flows
-- @treturn table the same
function M.graph(result, flows, merge, search)
  result.graph = search and graph.of_search(search, result)
    or graph.of_flows(flows, result)
  link_figures.add(result.graph, flows, merge)
  add(result.verdicts, mesh.list(result.graph))
  result.verdicts = tenable(verdict.sort(result.verdicts), flows[1])
  return result
end

return M
