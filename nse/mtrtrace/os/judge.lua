-- SPDX-License-Identifier: BSD-2-Clause

--- From the evidence of one address to a guess of its system: the candidates
-- of all matching rules are intersected, the most confident rule first. Pure
-- and deterministic; names no vendor. A guess rests on the packets of the
-- system, never on its address or position; its name is only a hint.
-- @module mtrtrace.os.judge
local evidence = require "mtrtrace.os.evidence"
local names = require "mtrtrace.os.names"
local rules = require "mtrtrace.os.rules"
local words = require "mtrtrace.os.words"

local M = {}

-- Rules of lower confidence narrow the candidates but give no label.
local NAMING = 0.5
local HIGH, MEDIUM, LOW = 0.8, 0.5, 0.2
local LEVEL = 0.3 -- the distance of two confidence levels

local function like(value, patterns)
  for _, text in ipairs(type(value) == "table" and value or { value }) do
    for _, pattern in ipairs(patterns) do
      if type(text) == "string" and text:find(pattern) then
        return true
      end
    end
  end
  return false
end

local function fits(value, wanted)
  if value == nil then
    return type(wanted) == "table" and wanted.unknown == true
  elseif type(wanted) ~= "table" then
    return value == wanted
  elseif wanted.like then
    return like(value, wanted.like)
  end
  for _, one in ipairs(wanted) do
    if value == one then
      return true
    end
  end
  return false
end

local function fires(rule, facts)
  for fact, wanted in pairs(rule.when) do
    if not fits(facts[fact], wanted) then
      return false
    end
  end
  return true
end

-- The number of rules that test each fact.
local COUNTS = {}
for _, rule in ipairs(rules.rules) do
  for fact in pairs(rule.when) do
    COUNTS[fact] = (COUNTS[fact] or 0) + 1
  end
end

local function is_rarer(fact, other)
  if COUNTS[fact] ~= COUNTS[other] then
    return COUNTS[fact] < COUNTS[other]
  end
  return fact < other
end

-- A fact without which a rule never fires, to skip the rule early: the fact
-- that the fewest rules test, as most addresses lack it. Nil if there is none.
local function needed(rule)
  local rarest
  for fact, wanted in pairs(rule.when) do
    if not fits(nil, wanted) and (not rarest or is_rarer(fact, rarest)) then
      rarest = fact
    end
  end
  return rarest
end

-- The rules in the order in which they are applied.
local ORDERED = {}
for i, rule in ipairs(rules.rules) do
  ORDERED[i] = { id = rule.id, when = rule.when, needs = needed(rule),
    place = i, confidence = rule.confidence,
    set = names.expand(rule.candidates) }
end
table.sort(ORDERED, function(a, b)
  if a.confidence ~= b.confidence then
    return a.confidence > b.confidence
  end
  return a.place < b.place
end)

-- Intersects the candidates of the rules that fire. A rule that would leave no
-- candidate is a contradiction and is not applied.
local function apply(facts)
  local state = { steps = {}, fired = {}, against = {} }
  for _, rule in ipairs(ORDERED) do
    local needs = rule.needs
    if (needs == nil or facts[needs] ~= nil) and fires(rule, facts) then
      local set = rule.set
      if state.set then
        set = names.intersection(state.set, rule.set)
      end
      table.insert(state.fired, rule.id)
      if set then
        state.set = set
        table.insert(state.steps, { set = set, rule = rule })
      else
        table.insert(state.against, rule)
      end
    end
  end
  return state
end

local function add_conflicts(conflicts, state)
  for _, rule in ipairs(state.against) do
    conflicts[#conflicts + 1] = ("%s contradicts %s"):format(rule.id,
      state.steps[1].rule.id)
  end
end

-- The name of the narrowest set that has one, and the least confidence of the
-- rules that led to it.
local function name_of(steps)
  local label, members
  for _, step in ipairs(steps) do
    if step.rule.confidence >= NAMING then
      local text, set = names.label(step.set)
      label, members = text or label, set or members
    end
  end
  for _, step in ipairs(label and steps or {}) do
    if names.within(step.set, members) then
      return label, step.rule.confidence
    end
  end
end

local function level_of(confidence)
  return confidence >= HIGH and "high" or confidence >= MEDIUM and "medium"
    or "low"
end

local function add_candidates(guess, set, confidence)
  local list = set and names.collapse(set) or {}
  for _, name in ipairs(list) do
    table.insert(guess.candidates, { name = name,
      confidence = confidence / #list })
  end
end

-- The confidence of Nmap's OS detection by its accuracy; 100 means a match in
-- every test.
local function of_nmap(nmap_os)
  local accuracy = nmap_os.accuracy or 100
  return accuracy >= 100 and 0.95 or accuracy >= 95 and 0.7 or 0.4
end

-- Puts Nmap's own OS detection first; it sends far more probes than a trace.
local function lead_by_nmap(guess, nmap_os)
  local confidence = of_nmap(nmap_os)
  guess.label, guess.confidence = nmap_os.name, level_of(confidence)
  guess.evidence.nmap_os = nmap_os.name
  guess.evidence.nmap_accuracy = nmap_os.accuracy
  table.insert(guess.candidates, 1, { name = nmap_os.name,
    confidence = confidence })
end

local function hint_of(name)
  for _, hint in ipairs(name and rules.hints or {}) do
    if like(name, hint.like) then
      return hint.text
    end
  end
end

--- Judges one address.
-- @tparam table subject `address`, `family` (4 or 6), `ttl` (array of the
--   TTLs at which it replied to the trace), `target`, `answers` (a record per
--   reply), `probes_sent`, `mac`, `mac_vendor`, `virtual_router`, `local_mac`,
--   `snmp` (see mtrtrace.os.snmp), `nmap_os` { name, accuracy }, `name`; all
--   but the first two may be absent
-- @treturn table `label` (nil: unknown), `confidence` ("high", "medium",
--   "low"), `doubtful`, `candidates` ({ name, confidence } each),
--   `evidence` (facts, `rules` that fired), `conflicts`, `line`
function M.judge(subject)
  local facts = evidence.of(subject)
  local state = apply(facts)
  local conflicts = facts.conflicts
  add_conflicts(conflicts, state)
  facts.conflicts, facts.rules = nil, state.fired
  facts.hint = hint_of(subject.name)
  local label, confidence = name_of(state.steps)
  confidence = (confidence or 0) - (#conflicts > 0 and LEVEL or 0)
  local named = confidence >= LOW
  local guess = { label = named and label or nil, candidates = {},
    confidence = level_of(confidence), evidence = facts,
    conflicts = conflicts }
  local narrowest = state.steps[#state.steps]
  add_candidates(guess, state.set, named and confidence
    or narrowest and narrowest.rule.confidence or 0)
  if subject.nmap_os then
    lead_by_nmap(guess, subject.nmap_os)
  end
  guess.doubtful = guess.confidence ~= "high"
  guess.line = words.line(guess)
  return guess
end

return M
