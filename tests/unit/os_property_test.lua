-- SPDX-License-Identifier: BSD-2-Clause
-- Properties of the judge for random input: it never raises, the order of the
-- replies does not matter, and less evidence never gives a stronger claim.
local check = require "check"
local judge = require "mtrtrace.os.judge"
local names = require "mtrtrace.os.names"
local words = require "mtrtrace.os.words"

local RUNS = 1500

math.randomseed(20261121)
local random = math.random

local function pick(list)
  return list[random(#list)]
end

local KINDS = { "time-exceeded", "echo-reply", "unreachable", "rst",
  "bare-rst", "syn-ack" }
local PROBES = { "trace", "echo", "udp", "tcp" }
local NAMES = { "xe-0/0/0", "GigabitEthernet0/0/1", "TenGigE0/0/0/1", "",
  "%", "\0\27[2J", "eth0" }

local function extensions()
  return pick { {}, { mpls = { { label = 1, tc = 0, ttl = 1 } } },
    { interfaces = { { role = "incoming", name = pick(NAMES) } } },
    { mpls = {}, interfaces = {}, unknown = {} } }
end

local STARTS = { 32, 64, 64, 128, 255, 255 }

local function some(value)
  if random(8) > 1 then
    return value
  end
end

local function answer(i)
  return { probe = pick(PROBES), kind = pick(KINDS), at = i / 10,
    index = i, reply_ttl = some(pick(STARTS) - random(0, 3)),
    tos = some(pick { 0, 0xc0, 0x20 }), df = some(random(2) == 1),
    ip_id = some(pick { 0, i, 40000 + i, random(0, 65535) }),
    size = some(random(20, 600)), quoted = some(pick { 28, 64, 68, 84 }),
    sent_ttl = 3, sent_tos = 0, sent_df = some(random(2) == 1),
    sent_id = some(random(0, 65535)), sent_size = pick { 28, 40, 64 },
    quoted_checksum_ok = random(2) == 1,
    extensions = random(10) == 1 and extensions() or nil }
end

local function subject()
  local out = { address = "192.0.2.1", family = pick { 4, 4, 4, 6 },
    ttl = pick { {}, { 3 }, { 3, 4 } }, answers = {},
    mac_vendor = pick { nil, "Cisco Systems", "Nokia" } }
  for i = 1, random(0, 12) do
    out.answers[i] = answer(i)
  end
  if random(6) == 1 then
    out.snmp = { enterprise = pick { 9, 2636, 8072, 0 } }
  end
  return out
end

local function copy(t, but)
  local out = {}
  for key, value in pairs(t) do
    if key ~= but then
      out[key] = value
    end
  end
  return out
end

check.case("random_replies_are_judged_without_an_error", function()
  for _ = 1, RUNS do
    local guess = judge.judge(subject())
    check.equal(type(guess.line), "string")
    check.equal(type(words.label(guess)), "string")
  end
end)

check.case("order_of_replies_does_not_matter", function()
  for _ = 1, RUNS do
    local one = subject()
    local two = copy(one)
    two.answers = {}
    for i, a in ipairs(one.answers) do
      table.insert(two.answers, random(i), a)
    end
    check.equal(judge.judge(two), judge.judge(one))
  end
end)

check.case("same_replies_are_judged_alike", function()
  for _ = 1, RUNS // 3 do
    local one = subject()
    check.equal(judge.judge(one), judge.judge(one))
  end
end)

-- ---- less evidence, no stronger claim --------------------------------------

local LEVELS = { low = 1, medium = 2, high = 3 }

local function meaning(guess)
  if not guess.label then
    return nil
  end
  local a, b = guess.label:match("^(.-) or (.+)$")
  return names.expand(a and guess.label ~= "macOS or iOS" and { a, b }
    or { guess.label })
end

-- Whether a guess is narrower and has more confidence.
local function claims_more(less, more)
  local narrow, wide = meaning(less), meaning(more)
  if not narrow then
    return false
  elseif not wide then
    return true
  end
  return LEVELS[less.confidence] > LEVELS[more.confidence]
    and names.within(narrow, wide)
end

-- Conflicting facts do not come from one stack; without one of them the judge
-- may make another claim, so guesses with conflicts are left out.
local function assert_no_more(less, more, what)
  if #more.conflicts == 0 and claims_more(less, more) then
    error(("without %s: %s (%s), with it: %s (%s)"):format(what,
      words.label(less), less.line, words.label(more), more.line), 0)
  end
end

local STACKS = {
  { ttl = 64, quoted = 64, tos = 0xc0 }, { ttl = 255, quoted = 28, tos = 0 },
  { ttl = 255, quoted = 68, tos = 0 }, { ttl = 128, quoted = 28, tos = 0 },
  { ttl = 64, quoted = 28, tos = 0 }, { ttl = 255, quoted = 64, tos = 0 },
}

-- Random replies of one stack, so without contradictions.
local function consistent()
  local stack = pick(STACKS)
  local echo_ttl, reset_ttl = pick { stack.ttl, 64 }, pick { stack.ttl, 64 }
  local reflects, echoes = random(2) == 1, random(2) == 1
  local out = { address = "192.0.2.1", family = 4, ttl = { 3 },
    answers = {} }
  for i = 1, 9 do
    local a = answer(i)
    a.kind, a.probe = pick { "time-exceeded", "echo-reply", "rst" }, "echo"
    a.sent_size, a.quoted, a.tos = 64, stack.quoted, stack.tos
    a.sent_df, a.df, a.extensions = i % 2 == 0, false, nil
    a.ip_id, a.sent_id, a.size = 100 + i, 7919 * i % 65536, stack.quoted + 28
    a.reply_ttl = stack.ttl - 2
    if a.kind == "echo-reply" then
      a.reply_ttl, a.df = echo_ttl - 2, reflects and a.sent_df
      a.ip_id = echoes and a.sent_id or a.ip_id
    elseif a.kind == "rst" then
      a.reply_ttl = reset_ttl - 2
    end
    out.answers[i] = a
  end
  return out
end

local KIND_NAMES = { "time-exceeded", "echo-reply", "rst" }

check.case("without_a_kind_of_reply_nothing_more_is_claimed", function()
  for _ = 1, RUNS do
    local whole = consistent()
    local more = judge.judge(whole)
    for _, kind in ipairs(KIND_NAMES) do
      local part = copy(whole)
      part.answers = {}
      for _, a in ipairs(whole.answers) do
        part.answers[#part.answers + 1] = a.kind ~= kind and a or nil
      end
      assert_no_more(judge.judge(part), more, kind)
    end
  end
end)

check.case("without_a_property_nothing_more_is_claimed", function()
  for _ = 1, RUNS do
    local whole = consistent()
    local more = judge.judge(whole)
    for _, key in ipairs { "df", "tos", "ip_id", "quoted", "reply_ttl" } do
      local part = copy(whole)
      part.answers = {}
      for i, a in ipairs(whole.answers) do
        part.answers[i] = copy(a, key)
      end
      assert_no_more(judge.judge(part), more, key)
    end
  end
end)

check.case("without_a_vendor_nothing_more_is_claimed", function()
  for _ = 1, RUNS do
    local whole = consistent()
    whole.mac_vendor = pick { "Cisco Systems", "Juniper Networks" }
    whole.snmp = random(2) == 1 and { enterprise = pick { 9, 2636, 2011 } }
      or nil
    local more = judge.judge(whole)
    assert_no_more(judge.judge(copy(whole, "mac_vendor")), more, "MAC")
    assert_no_more(judge.judge(copy(whole, "snmp")), more, "SNMP")
  end
end)

check.finish()
