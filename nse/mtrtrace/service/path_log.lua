-- SPDX-License-Identifier: BSD-2-Clause

--- Changes of a target's path, within rounds and between them. Keeps the most
-- recent ones. Pure.
-- @module mtrtrace.service.path_log
local ident = require "mtrtrace.flows.ident"
local path = require "mtrtrace.verdict.path"

local M = {}

-- Changes that are kept for each target.
local MOST = 32

local Log = {}
Log.__index = Log

-- ---- figures of the target ------------------------------------------------

local function new_figures()
  return { sent = 0, lost = 0, timed = 0, sum_ms = 0 }
end

local function add_target(figures, result)
  for _, hop in ipairs(result.hops) do
    if result.reached and hop.ttl == result.target_ttl and hop.loss then
      figures.sent = figures.sent + hop.sent
      figures.lost = figures.lost + hop.sent - hop.received
      local main = hop.responders[1]
      if main and main.avg_ms then
        figures.timed = figures.timed + main.received
        figures.sum_ms = figures.sum_ms + main.avg_ms * main.received
      end
    end
  end
end

-- The figures in the form of mtrtrace.verdict.path_words.
local function shown(figures)
  return figures.sent > 0 and { sent = figures.sent,
    loss = figures.lost / figures.sent,
    avg_ms = figures.timed > 0 and figures.sum_ms / figures.timed or nil }
    or nil
end

-- ---- from one round to the next -------------------------------------------

-- The address that replies at each TTL at the end of a round; with load
-- balancing the set of addresses.
local function ends_of(result, groups)
  local ends = {}
  for _, hop in ipairs(result.hops) do
    local main = hop.responders[1]
    if main then
      local set = { [ident.plain(main.address)] = true }
      if result.flows or ident.is_mixed(hop) then
        for _, responder in ipairs(hop.responders) do
          set[ident.plain(responder.address)] = true
        end
      end
      ends[hop.ttl] = { main = main.address, set = set }
    end
  end
  for _, group in ipairs(groups) do
    for _, change in ipairs(group) do
      ends[change.ttl] = { main = change.after.address,
        set = { [ident.plain(change.after.address)] = true } }
    end
  end
  return ends
end

-- The same at the beginning of a round.
local function begins_of(ends, groups)
  local begins = setmetatable({}, { __index = ends })
  for i = #groups, 1, -1 do
    for _, change in ipairs(groups[i]) do
      begins[change.ttl] = { main = change.before.address,
        set = { [ident.plain(change.before.address)] = true } }
    end
  end
  return begins
end

local function share_any(a, b)
  for address in pairs(a) do
    if b[address] then
      return true
    end
  end
  return false
end

-- The hops at which none of the previous addresses replies.
local function moved(before, after, result)
  local hops = {}
  for _, hop in ipairs(result.hops) do
    local a, b = before[hop.ttl], after[hop.ttl]
    if a and b and not share_any(a.set, b.set) then
      hops[#hops + 1] = { ttl = hop.ttl, before = a.main, after = b.main }
    end
  end
  return hops
end

-- A hop that is silent in one round keeps its previous address.
local function remember(self, ends, result)
  for ttl, now in pairs(ends) do
    self.ends[ttl] = now
  end
  local last = result.reached and result.target_ttl or math.huge
  for ttl in pairs(self.ends) do
    if ttl > last then
      self.ends[ttl] = nil
    end
  end
end

-- ---- the log --------------------------------------------------------------

local function note(self, at_s, hops)
  local last = self.list[#self.list]
  if last then
    last.until_s, last.after = at_s, self.figures
  end
  self.list[#self.list + 1] = { at_s = at_s, hops = hops,
    before = self.figures }
  self.figures = new_figures()
  if #self.list > MOST then
    table.remove(self.list, 1)
  end
  self.count = self.count + 1
end

local function hops_of(group)
  local hops = {}
  for i, change in ipairs(group) do
    hops[i] = { ttl = change.ttl, before = change.before.address,
      after = change.after.address }
  end
  return hops
end

--- Adds a round.
-- @tparam table result judged
-- @tparam number ended_s end of the round, seconds since 1970
-- @treturn integer number of changes since the previous round
function Log:take(result, ended_s)
  local groups = path.changes(result)
  local ends = ends_of(result, groups)
  local began_s, before = ended_s - (result.elapsed_s or 0), self.count
  local hops = moved(self.ends, begins_of(ends, groups), result)
  if #hops > 0 then
    note(self, began_s, hops)
  end
  for _, group in ipairs(groups) do
    note(self, began_s + group.at, hops_of(group))
  end
  if #groups == 0 then -- a round with a change has figures of two paths
    add_target(self.figures, result)
  end
  remember(self, ends, result)
  return self.count - before
end

--- The changes that are kept, the oldest first.
-- @tparam number now_s seconds since 1970
-- @treturn {table,...} in the form of mtrtrace.verdict.path_words, with `at_s`
function Log:changes(now_s)
  local out = {}
  for i, one in ipairs(self.list) do
    out[i] = { at_s = one.at_s, hops = one.hops, is_last = i == #self.list,
      lasted_s = math.max(0, (one.until_s or now_s) - one.at_s),
      figures_before = shown(one.before),
      figures_after = shown(one.after or self.figures) }
  end
  return out
end

--- Makes an empty log.
-- @treturn table with `count` of all changes
function M.new()
  return setmetatable({ list = {}, ends = {}, count = 0,
    figures = new_figures() }, Log)
end

return M
