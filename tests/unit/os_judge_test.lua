-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local judge = require "mtrtrace.os.judge"
local lines = require "mtrtrace.os.lines"
local names = require "mtrtrace.os.names"
local observer = require "sim.observer"
local rules = require "mtrtrace.os.rules"
local vendors = require "mtrtrace.os.vendors"
local words = require "mtrtrace.os.words"

local LINUX = { direct = true, ttl = 64, tcp = "closed",
  replies = { tcp = { df = true, ip_id = "zero" } } }

local function linux(more)
  local subject = observer.observe(LINUX, 4, "echo", "icmp")
  for key, value in pairs(more or {}) do
    subject[key] = value
  end
  return subject
end

-- ---- the table -------------------------------------------------------------

check.case("rules_are_complete_and_their_ids_unique", function()
  local seen = {}
  for _, rule in ipairs(rules.rules) do
    check.equal(seen[rule.id], nil, rule.id)
    seen[rule.id] = true
    check.equal(next(rule.when) ~= nil and #rule.candidates > 0, true,
      rule.id)
    check.equal(rule.confidence > 0 and rule.confidence < 1, true, rule.id)
    check.equal(type(rule.source), "string", rule.id)
  end
end)

check.case("no_rule_reads_one_ttl_alone", function()
  for _, rule in ipairs(rules.rules) do
    local ttls, habits = 0, 0
    for fact in pairs(rule.when) do
      ttls = ttls + (fact:find("_ttl$") and 1 or 0)
      habits = habits + (fact:find("^echo_d?[cf]") and 1 or 0)
    end
    check.equal(ttls ~= 1 or habits > 0, true, rule.id)
  end
end)

check.rows({
  { name = "label_of_one", set = { "Junos" }, want = "Junos" },
  { name = "label_of_two", set = { "Huawei VRP", "Cisco IOS/XE" },
    want = "Cisco IOS/XE or Huawei VRP" },
  { name = "label_of_two_of_one_class", set = { "FreeBSD", "VxWorks" },
    want = "BSD-like stack" },
  { name = "label_of_a_class", set = { "Linux-based" },
    want = "Linux-based" },
  { name = "label_of_three_is_none",
    set = { "Junos", "Windows", "OpenBSD" } },
  { name = "label_of_a_class_and_another",
    set = { "Linux-based", "Windows" }, want = "Linux-based or Windows" },
}, function(row)
  check.equal((names.label(names.expand(row.set))), row.want)
end)

check.case("classes_are_collapsed", function()
  check.equal(names.collapse(names.expand { "Linux-based", "FreeBSD" }),
    { "FreeBSD", "Linux-based" })
end)

for _, vendor in ipairs(vendors) do
  check.case("vendor_by_its_number_" .. vendor.name, function()
    local list = type(vendor.enterprise) == "table" and vendor.enterprise
      or { vendor.enterprise }
    for _, number in ipairs(list) do
      local guess = judge.judge { address = "192.0.2.1", family = 6,
        snmp = { enterprise = number } }
      check.equal(guess.evidence.rules, { "R2-" .. vendor.name })
      check.equal(guess.confidence, "high")
    end
  end)
end

-- ---- judgements ------------------------------------------------------------

check.case("nothing_is_known_of_nothing", function()
  local guess = judge.judge { address = "192.0.2.1", family = 4 }
  check.equal({ words.label(guess), guess.line, #guess.candidates },
    { "unknown", "no evidence", 0 })
end)

check.case("linux_says_what_it_rests_on", function()
  check.equal(judge.judge(linux()).line, "initial TTL 64 (time exceeded, "
    .. "echo reply); quotes the whole probe; error TOS of network control; "
    .. "echo DF never; echo code reflected; IP-ID increment (echo, time "
    .. "exceeded); rules R9 R9a W1")
end)

check.case("hop_limits_are_told_and_judged_by_nothing", function()
  local guess = judge.judge(observer.observe(LINUX, 6, "echo", "icmp"))
  check.equal(guess.line, "initial hop limit 64 (time exceeded, echo reply); "
    .. "quotes the whole probe; error TOS of network control")
  check.equal({ guess.label, #guess.evidence.rules }, { nil, 0 })
end)

check.case("agent_that_is_software_is_called_so", function()
  check.equal(judge.judge { address = "192.0.2.1", family = 4, snmp = {
    enterprise = 8072, engine_id = "80001f8880aabbccdd" } }.line,
    "SNMP agent net-snmp, which is software only")
  check.equal(judge.judge { address = "192.0.2.1", family = 4, snmp = {
    enterprise = 9, mac_vendor = "Cisco Systems" } }.line,
    "SNMP enterprise 9, engine of Cisco Systems; rules R1-cisco R2-cisco")
end)

check.case("kinds_that_differ_are_told_apart", function()
  local junos = { direct = true, ttl = 255, quote = 8,
    replies = { echo = { ttl = 64, df = "reflect" } } }
  check.contains(judge.judge(observer.observe(junos, 4, "echo", "icmp")).line,
    "initial TTL 255 (time exceeded), 64 (echo reply); quotes the minimum;")
end)

check.rows({
  { name = "verdict_says_how_sure", guess = { label = "Junos",
    confidence = "high" }, want = "Junos (high confidence)" },
  { name = "verdict_of_doubt", guess = { label = "Windows", doubtful = true,
    confidence = "low" }, want = "Windows? (low confidence)" },
  { name = "no_verdict_says_what_would_fit", guess = { candidates = {
    { name = "A" }, { name = "B" }, { name = "C" } } },
    want = "unknown (fits A, B or C)" },
  { name = "no_verdict_and_one_fits", guess = { candidates = {
    { name = "A" } } }, want = "unknown (fits A)" },
  { name = "no_verdict_and_too_much_fits", guess = { candidates = {
    { name = "A" }, { name = "B" }, { name = "C" }, { name = "D" },
    { name = "E" } } }, want = "unknown" },
  { name = "no_verdict_and_nothing_fits", guess = { candidates = {} },
    want = "unknown" },
}, function(row)
  check.equal(words.verdict(row.guess), row.want)
end)

check.case("candidates_share_the_confidence", function()
  local ios = { direct = true, ttl = 255, quote = 8,
    replies = { echo = { df = "reflect", ip_id = "echo" } } }
  local guess = judge.judge(observer.observe(ios, 4, "echo", "udp"))
  check.equal(guess.candidates, {
    { name = "Cisco IOS/XE", confidence = 0.3 },
    { name = "Huawei VRP", confidence = 0.3 },
  })
end)

check.case("reply_that_does_not_fit_lowers_by_one_level", function()
  local subject = linux()
  local odd = {}
  for key, value in pairs(subject.answers[#subject.answers]) do
    odd[key] = value
  end
  odd.reply_ttl = 110
  table.insert(subject.answers, odd)
  local guess = judge.judge(subject)
  check.equal({ words.label(guess), guess.confidence },
    { "Linux-based?", "medium" })
  check.contains(guess.line,
    "conflict: TTL 110 of echo does not fit the distance")
end)

check.case("contradiction_lowers_and_is_said", function()
  local guess = judge.judge(linux { snmp = { enterprise = 311 } })
  check.equal({ words.label(guess), guess.conflicts },
    { "Linux-based?", { "R2-microsoft contradicts R9" } })
end)

check.case("several_contradictions_lower_once", function()
  local guess = judge.judge(linux { mac_vendor = "Ericsson AB",
    snmp = { enterprise = 311 } })
  check.equal({ guess.confidence, #guess.conflicts }, { "medium", 2 })
end)

check.case("medium_confidence_is_lowered_to_low", function()
  local guess = judge.judge { address = "192.0.2.1", family = 4,
    ttl = { 3 }, mac_vendor = "Cisco Systems",
    answers = { { kind = "echo-reply", reply_ttl = 100, at_s = 1,
      index = 1 } } }
  check.equal({ words.label(guess), guess.confidence },
    { "Cisco?", "low" })
end)

check.case("vendor_and_class_narrow_each_other", function()
  local guess = judge.judge(linux { snmp = { enterprise = 14988 } })
  check.equal(words.label(guess), "MikroTik RouterOS")
  guess = judge.judge(linux { mac_vendor = "Cisco Systems" })
  check.equal(words.label(guess), "Cisco, Linux-based?")
end)

check.case("nmap_leads_for_the_target", function()
  local guess = judge.judge(linux { nmap_os = { name = "Linux 5.0 - 6.2",
    accuracy = 100 } })
  check.equal({ words.label(guess), guess.candidates[1].name,
    guess.candidates[2].name }, { "Linux 5.0 - 6.2", "Linux 5.0 - 6.2",
    "Linux-based" })
  guess = judge.judge(linux { nmap_os = { name = "HP printer",
    accuracy = 87 } })
  check.equal({ words.label(guess), guess.confidence },
    { "HP printer?", "low" })
end)

check.case("name_is_a_hint_and_decides_nothing", function()
  local subject = { address = "192.0.2.1", family = 4,
    name = "xe-0-0-1.cr1.example.net" }
  local guess = judge.judge(subject)
  check.equal({ words.label(guess), guess.line }, { "unknown",
    "name like Juniper's interface names (a hint only)" })
end)

check.case("address_and_position_decide_nothing", function()
  local one = judge.judge(linux())
  local two = judge.judge(linux { address = "8.8.8.8", target = true })
  check.equal(one, two)
end)

check.case("lines_are_one_for_each_guess", function()
  local guess = judge.judge { address = "192.0.2.1", family = 4 }
  check.equal(lines.list { hops = {
    { ttl = 1, responders = {} },
    { ttl = 2, responders = { { address = "192.0.2.1", os = guess },
      { address = "192.0.2.2" } } },
  } }, { "OS of hop 2, 192.0.2.1: unknown: no evidence." })
end)

check.finish()
