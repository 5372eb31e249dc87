-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on changes of the forward path or the return path during a trace.
-- Pure.
-- @module mtrtrace.verdict.path
local format = require "mtrtrace.base.format"
local runs = require "mtrtrace.flows.runs"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Replies in a row from one responder that make a path of its own.
local STAYS = 3

-- Changes of several hops within this time are one change; a rate-limited hop
-- is probed about once a second.
local SAME_CHANGE_S = 2.5

local ms, seconds = format.kinds.ms.text, format.kinds.seconds.text

local function moved(before, after)
  return before.address ~= after.address
end

local function return_moved(before, after)
  return not moved(before, after) and before.reply_ttl ~= after.reply_ttl
end

local function add_changes(out, list, is_change, about)
  for i = 2, #list do
    local before, after = list[i - 1], list[i]
    if is_change(before, after) then
      out[#out + 1] = { ttl = about.hop.ttl, hop = about.hop,
        flow = about.flow, at = after.at_s, before = before, after = after }
    end
  end
end

-- A reply TTL that alternates is load balancing on the return path, no change.
local function alternates(list)
  local seen = {}
  for _, run in ipairs(list) do
    local key = runs.reply_ttl(run)
    if seen[key] then
      return true
    end
    seen[key] = true
  end
  return false
end

local function add_flow(out, list, about)
  if runs.alternate(list) then
    return
  end
  add_changes(out, runs.joined(list, runs.address, STAYS), moved, about)
  local ttls = runs.joined(list, runs.reply_ttl, STAYS)
  if not alternates(ttls) then
    add_changes(out, ttls, return_moved, about)
  end
end

local function changes_of(hops)
  local out = {}
  for _, hop in ipairs(hops) do
    local flows = runs.by_flow(hop)
    for _, flow in ipairs(runs.keys(flows)) do
      add_flow(out, flows[flow], { hop = hop, flow = flow })
    end
  end
  table.sort(out, function(a, b)
    return a.at < b.at or a.at == b.at and a.ttl < b.ttl
  end)
  return out
end

local function median_of(change, run)
  for _, responder in ipairs(change.hop.responders) do
    if responder.address == run.address and responder.flow == change.flow then
      return responder.median_ms
    end
  end
end

-- The changes of a group to another address (forward path); without any, all
-- changes (return path). The second value is true for the forward path.
local function deciding(group)
  local forward = {}
  for _, change in ipairs(group) do
    forward[#forward + 1] = moved(change.before, change.after) and change
      or nil
  end
  local list = #forward > 0 and forward or group
  table.sort(list, function(a, b) return a.ttl < b.ttl end)
  return list, #forward > 0
end

local function start(kind, list)
  local from, to = list[1].ttl, list[#list].ttl
  local v = { kind = kind, at = list[1].at, hop = from == to and from or nil,
    from = from < to and from or nil, to = from < to and to or nil }
  for _, change in ipairs(list) do
    v.at = math.min(v.at, change.at)
  end
  return v, words.hops(from, to)
end

local function path_changed(list)
  local v, where = start("path_changed", list)
  local first, last = list[1], list[#list]
  v.ip_before, v.ip_after = first.before.address, first.after.address
  v.before, v.after = median_of(last, last.before),
    median_of(last, last.after)
  local step = v.before and v.after
    and ("; median round trip at hop %d %s ms before, %s ms after"):format(
      last.ttl, ms(v.before), ms(v.after)) or ""
  v.text = ("Path changed %s s into the trace at %s: %s instead of %s at "
    .. "hop %d%s."):format(seconds(v.at), where, v.ip_after, v.ip_before,
    first.ttl, step)
  return v
end

local function return_path_changed(list)
  local v, where = start("return_path_changed", list)
  local first = list[1]
  v.reply_ttl_before = first.before.reply_ttl
  v.reply_ttl_after = first.after.reply_ttl
  v.text = ("Return path changed %s s into the trace from %s: same "
    .. "addresses, TTL of hop %d's replies %d instead of %d."):format(
    seconds(v.at), where, first.ttl, v.reply_ttl_after, v.reply_ttl_before)
  return v
end

local function joins(group, change)
  for _, other in ipairs(group) do
    if change.at - other.at > SAME_CHANGE_S
      or change.ttl == other.ttl and change.flow == other.flow then
      return false
    end
  end
  return true
end

local function groups_of(changes)
  local groups = {}
  for _, change in ipairs(changes) do
    local last = groups[#groups]
    if last and joins(last, change) then
      last[#last + 1] = change
    else
      groups[#groups + 1] = { change }
    end
  end
  return groups
end

--- The changes of the forward path, in the order of time.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} lists of { ttl, at, before, after }, where `before` and
--   `after` are runs of one responder; each list has `at`, the time of its
--   first change
function M.changes(result)
  local out = {}
  for _, group in ipairs(groups_of(changes_of(result.hops))) do
    local list, is_forward = deciding(group)
    if is_forward then
      list.at = math.huge
      for _, change in ipairs(list) do
        list.at = math.min(list.at, change.at)
      end
      out[#out + 1] = list
    end
  end
  return out
end

--- Verdicts on changes of the path.
-- @tparam table result as given by trace:result()
-- @treturn {table,...} of the kinds path_changed, return_path_changed
function M.list(result)
  local out = {}
  for i, group in ipairs(groups_of(changes_of(result.hops))) do
    local list, is_forward = deciding(group)
    out[i] = is_forward and path_changed(list) or return_path_changed(list)
  end
  return out
end

return M
