-- SPDX-License-Identifier: BSD-2-Clause
-- Personas: routers of the simulated network that match a rule of the table,
-- and near misses, with the expected guess of each. A persona's file has
--
--   router   fields of its node, see sim.world     family   4, or 6
--   subject  what is known beside replies          want     by mode: a label
--   rules    that must fire in some mode           facts    that must hold
--   kind     of the only replies that get through
--   misses   { name, router, subject, want, rules, protocols }: instead
local check = require "check"
local judge = require "mtrtrace.os.judge"
local observer = require "sim.observer"
local rules = require "mtrtrace.os.rules"
local words = require "mtrtrace.os.words"

local MODES = { "passive", "echo", "active" }
local PROTOCOLS = { "icmp", "udp", "tcp" }

local function files()
  local list = {}
  local pipe = assert(io.popen("ls tests/sim/personas/*.lua"))
  for file in pipe:lines() do
    list[#list + 1] = file
  end
  pipe:close()
  return list
end

local function with(base, changes)
  local out = {}
  for _, t in ipairs { base or {}, changes or {} } do
    for key, value in pairs(t) do
      out[key] = value
    end
  end
  return out
end

local function keep(subject, kind)
  local kept = {}
  for _, answer in ipairs(subject.answers) do
    kept[#kept + 1] = answer.kind == kind and answer or nil
  end
  subject.answers = kept
end

local seen = {} -- rules that fired anywhere

local function judged(case, mode, protocol)
  local subject = observer.observe(case.router, case.family or 4, mode,
    protocol)
  if case.kind then
    keep(subject, case.kind)
  end
  local guess = judge.judge(with(subject, case.subject))
  for _, id in ipairs(guess.evidence.rules) do
    seen[id], case.fired[id] = true, true
  end
  return guess
end

local function assert_case(case)
  case.fired = {}
  for _, mode in ipairs(MODES) do
    for _, protocol in ipairs(case.want[mode] and case.protocols
      or PROTOCOLS) do
      local guess = case.want[mode] and judged(case, mode, protocol)
      local what = mode .. " " .. protocol
      if guess then
        check.equal(words.label(guess), case.want[mode], what .. ": "
          .. guess.line)
        for fact, value in pairs(case.facts or {}) do
          check.equal(guess.evidence[fact], value, fact)
        end
      end
    end
  end
  for _, id in ipairs(case.rules or {}) do
    check.equal(case.fired[id], true, "rule " .. id)
  end
end

local personas = 0
for _, file in ipairs(files()) do
  local name = file:match("([%w_]+)%.lua$")
  local persona = assert(loadfile(file, "t", {}))()
  personas = personas + 1
  check.case("persona_" .. name, function() assert_case(persona) end)
  for _, miss in ipairs(persona.misses or {}) do
    check.case(("persona_%s_%s"):format(name, miss.name), function()
      assert_case { router = with(persona.router, miss.router),
        subject = miss.subject or persona.subject, want = miss.want,
        kind = persona.kind,
        family = persona.family, rules = miss.rules,
        protocols = miss.protocols }
    end)
  end
end

check.case("there_are_personas_of_both_families", function()
  check.equal(personas >= 14, true, personas)
end)

-- Rules on quotes of larger probes are tested by os_referee_test.lua.
local ELSEWHERE = { W3 = true, W8 = true, W11 = true }

check.case("every_rule_has_a_persona", function()
  for _, rule in ipairs(rules.rules) do
    local vendor = rule.id:find("^R[123]%-")
    check.equal(seen[rule.id] or vendor and true or ELSEWHERE[rule.id],
      true, rule.id .. " of nse/mtrtrace/os/rules.lua in `rules` of a file of "
        .. "tests/sim/personas")
  end
end)

check.finish()
