-- SPDX-License-Identifier: BSD-2-Clause

--- Applies alert rules to the probes that a trace sends to its target. Works
-- on events, so a live run and a recording give the same alerts. Pure.
--
-- Counted probes fill windows of a fixed number of probes, in the order in
-- which they were sent. When the engine replaces the initial sample of a
-- rate-limited hop, the windows of that sample are dropped, so that no alert
-- rests on it.
-- @module mtrtrace.alert.watch
local probe_key = require "mtrtrace.base.probe_key"
local rule = require "mtrtrace.alert.rule"

local M = {}

local key_of = probe_key.of

local Watch = {}
Watch.__index = Watch

local function new_window()
  return { sent = 0, answered = 0, times = {} }
end

local function hop_of(self, ttl)
  local hop = self.hops[ttl]
  if not hop then
    hop = { first = 1, last = 0, open = {}, place = {}, window = new_window(),
      states = {}, seen = 0 }
    for i = 1, #self.rules do
      hop.states[i] = { streak = 0, fired = false }
    end
    self.hops[ttl] = hop
  end
  return hop
end

local function note(hop, i, state, value, window)
  hop.changes = hop.changes or {}
  table.insert(hop.changes, { rule = i, state = state, value = value,
    sent = window.sent, answered = window.answered })
end

-- Applies each rule to a full window.
local function judge(self, hop)
  local window = hop.window
  hop.window, hop.seen = new_window(), hop.seen + 1
  for i, one in ipairs(self.rules) do
    local state = hop.states[i]
    local met, value = rule.meets(one, window)
    if met then
      state.streak = state.streak + 1
    elseif met == false then
      state.streak = 0
    end
    if met and not state.fired and state.streak >= one.count then
      state.fired = true
      note(hop, i, "firing", value, window)
    elseif met == false and state.fired then
      state.fired = false
      note(hop, i, "resolved", value, window)
    end
  end
end

local function take(self, hop, outcome)
  local window = hop.window
  if outcome == "none" then -- the probe was not sent
    return
  end
  window.sent = window.sent + 1
  if outcome ~= false then
    window.answered = window.answered + 1
    window.times[#window.times + 1] = outcome ~= true and outcome or nil
  end
  if window.sent >= rule.WINDOW then
    judge(self, hop)
  end
end

-- Moves finished probes to windows, in the order in which they were sent.
local function settle(self, hop)
  while hop.first <= hop.last and hop.open[hop.first] ~= "open" do
    take(self, hop, hop.open[hop.first])
    hop.open[hop.first] = nil
    hop.first = hop.first + 1
  end
end

local OUTCOMES = {
  reply = function(event) return event.rtt_ns and event.rtt_ns / 1e6
    or true end,
  late = function() return true end,
  timeout = function() return false end,
  unreachable = function() return false end,
  ["send-error"] = function() return "none" end,
}

local function finish(self, hop, event)
  local place = hop.place[key_of(event)]
  if place then
    hop.place[key_of(event)] = nil
    hop.open[place] = OUTCOMES[event.kind](event)
    settle(self, hop)
  end
end

local function copy(from)
  local to = {}
  for key, value in pairs(from) do
    to[key] = type(value) == "table" and copy(value) or value
  end
  return to
end

-- Returns the part of a hop's state that the next trace continues. Probes in
-- flight are left out: the trace before has ended.
local function kept(hop)
  return { first = 1, last = 0, open = {}, place = {}, window = hop.window,
    states = hop.states, seen = hop.seen }
end

--- Starts another trace to the same target; windows and alerts continue.
function Watch:again()
  for ttl, hop in pairs(self.hops) do
    self.hops[ttl] = kept(hop)
    self.hops[ttl].before = copy(kept(hop))
  end
end

-- Drops a hop's replaced initial sample: returns to the state at the start of
-- the trace.
local function withdraw(self, ttl)
  local before = self.hops[ttl] and self.hops[ttl].before
  self.hops[ttl] = before
  if before then
    before.before = copy(before)
  end
end

--- Takes an event of the trace.
-- @tparam table event as trace:events() gives it
function Watch:add(event)
  if event.kind == "rate-limited" then
    withdraw(self, event.ttl)
  elseif event.class == "counted" and event.ttl and event.probe then
    local hop = hop_of(self, event.ttl)
    if event.kind == "sent" then
      hop.last = hop.last + 1
      hop.open[hop.last], hop.place[key_of(event)] = "open", hop.last
    elseif OUTCOMES[event.kind] then
      finish(self, hop, event)
    end
    if event.target and event.kind == "reply" then
      self.target_ttl = event.ttl
    end
  end
end

-- Returns the hop of the target; the farthest probed hop where the target
-- never replied.
local function target_hop(self, ttl)
  local at = ttl or self.target_ttl
  for other in pairs(self.hops) do
    at = ttl or self.target_ttl or math.max(at or 0, other)
  end
  return at and self.hops[at], at
end

-- Moves firing alerts to the target's new hop. Alerts belong to the target, so
-- they survive a change of its TTL.
local function follow(self, hop, at)
  local old = self.at ~= at and self.hops[self.at]
  self.at = at
  for i, state in ipairs(old and old.states or {}) do
    if state.fired then
      hop.states[i].fired = true
      for j = #(hop.changes or {}), 1, -1 do
        if hop.changes[j].rule == i and hop.changes[j].state == "firing" then
          table.remove(hop.changes, j)
        end
      end
    end
    state.fired, state.streak = false, 0
  end
end

--- Returns the alerts that changed state since the last call.
-- @tparam ?integer ttl of the target, where the result has it
-- @tparam ?boolean at_end whether the trace has ended: rules are then applied
--   to a partial window where there was no full one
-- @treturn {table,...} { rule, state: "firing" or "resolved", value, sent,
--   answered }
function Watch:take(ttl, at_end)
  local hop, at = target_hop(self, ttl)
  if not hop then
    return {}
  end
  follow(self, hop, at)
  if at_end and hop.seen == 0 and hop.window.sent > 0 then
    judge(self, hop)
  end
  local changes = hop.changes or {}
  hop.changes = nil
  return changes
end

--- Returns the alert state of a trace.
-- @tparam {table,...} rules as mtrtrace.alert.rule gives them
-- @treturn table
function M.new(rules)
  return setmetatable({ rules = rules, hops = {} }, Watch)
end

return M
