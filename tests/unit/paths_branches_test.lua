-- SPDX-License-Identifier: BSD-2-Clause
-- Verdicts on branches: a finding on some flows names the branch, a finding
-- common to all flows is reported once; and the share of correct verdicts.
-- tests/sim/branch_quality.lua measures many more worlds.
local branches = require "mtrtrace.verdict.branches"
local check = require "check"
local fields = require "mtrtrace.table.fields"
local flow_worlds = require "sim.flow_worlds"
local judge = require "mtrtrace.verdict.flows"
local questions = require "sim.branch_questions"

local function world(seed, more)
  local random = flow_worlds.random(seed)
  local w = { random = random, packets = 30, flows = 16,
    stages = flow_worlds.diamond(random, { before = 2, width = 2,
      length = 2, after = 2 }) }
  for key, value in pairs(more or {}) do
    w[key] = value
  end
  return w
end

local function judged(w, kinds)
  local flows, merge, paths = flow_worlds.trace(w)
  local texts, list = {}, judge.many(flows, merge).verdicts
  for _, v in ipairs(list) do
    texts[#texts + 1] = (not kinds or kinds[v.kind]) and v.text or nil
  end
  return texts, list, paths
end

local BALANCED = { balanced_per_flow = true }
local FIGURES = { loss = true, branch_loss = true, latency_rise = true,
  branch_latency = true, cannot_tell = true }

check.case("clean_network_has_its_balancing_and_nothing_else", function()
  local texts = judged(world(2))
  check.equal(texts, { "Per-flow load balancing at hop 3: 16 flows meet 2 "
    .. "addresses (10.3.1.1, 10.3.2.1).", "Per-flow load balancing at hop 4: "
    .. "16 flows meet 2 addresses (10.4.1.1, 10.4.2.1)." })
  check.equal(judged(world(2), BALANCED), texts)
end)

check.case("loss_of_one_branch_names_it", function()
  local w = world(2)
  w.stages[3][1].loss = 0.2
  local texts, list = judged(w, FIGURES)
  check.equal(#texts, 1)
  check.contains(texts[1],
    "Round-trip loss only through 10.3.1.1 (hop 3; 11 of 16 flows): ")
  check.contains(texts[1], " from there on, 0 of 600 on other flows.")
  local v = list[1]
  check.equal({ v.kind, v.hop, v.address, v.flows, v.flow_count,
    v.lost_others, v.sent_others }, { "branch_loss", 3, "10.3.1.1", 11, 16,
    0, 600 })
end)

check.case("loss_behind_a_branch_names_its_last_hop", function()
  local w = world(2)
  w.stages[4][1].loss = 0.2
  check.contains(judged(w, FIGURES)[1],
    "Round-trip loss only through 10.4.1.1 (hop 4; 11 of 16 flows): ")
end)

check.case("loss_of_all_flows_is_reported_once", function()
  local w = world(2)
  w.stages[2][1].loss = 0.15
  local texts = judged(w, FIGURES)
  check.equal(#texts, 1)
  check.contains(texts[1], "Round-trip loss first visible at hop 2: ")
end)

check.case("loss_of_all_and_more_of_one_are_two", function()
  local w = world(5)
  w.stages[2][1].loss, w.stages[3][2].loss = 0.1, 0.3
  local texts = judged(w, FIGURES)
  check.equal(#texts, 2)
  check.contains(texts[1], "Round-trip loss first visible at hop 2: ")
  check.contains(texts[2], "More round-trip loss through 10.3.2.1 (hop 3; ")
end)

check.case("two_lossy_branches_of_four_are_both_named", function()
  local w = world(3, { flows = 24 })
  w.stages = flow_worlds.diamond(w.random, { before = 1, width = 4,
    length = 1, after = 2 })
  w.stages[2][1].loss, w.stages[2][3].loss = 0.25, 0.25
  local texts = judged(w, FIGURES)
  check.equal(#texts, 2)
  local all = table.concat(texts)
  check.contains(all, "only through 10.2.1.1 ")
  check.contains(all, "only through 10.2.3.1 ")
end)

check.case("branch_that_withholds_answers_does_not_lose", function()
  local w = world(2)
  w.stages[3][1].withholds = 0.4
  check.equal(judged(w, FIGURES), {})
end)

check.case("silent_branch_is_reported_and_does_not_lose", function()
  local w = world(2)
  w.stages[3][1].silent = true
  check.equal(judged(w, { silent_branch = true, silent = true, loss = true,
    branch_loss = true, cannot_tell = true }),
    { "Hop 3 does not reply to 11 of 16 flows, hops beyond do." })
end)

check.case("loss_through_a_silent_branch_names_what_answers_there",
  function()
    local w = world(2)
    w.stages[3][1].silent, w.stages[3][1].loss = true, 0.3
    local texts = judged(w, FIGURES)
    check.equal(#texts, 1)
    check.contains(texts[1], "Round-trip loss only through 10.4.1.1 "
      .. "(hop 4; 11 of 16 flows)")
  end)

check.case("few_probes_make_no_claim", function()
  local w = world(2, { packets = 1, flows = 4 })
  w.stages[3][1].loss = 0.5
  check.equal(judged(w, { branch_loss = true }), {})
end)

check.case("latency_of_one_branch_names_it", function()
  local w = world(2)
  w.stages[3][1].delay_ms = 32
  local texts, list = judged(w, FIGURES)
  check.equal(#texts, 1)
  check.contains(texts[1],
    "Latency is higher through 10.3.1.1 (hop 3; 11 of 16 flows): ")
  check.contains(texts[1], " on other flows, which fits a longer path.")
  check.equal(math.abs(list[1].rise - 30) < 1, true)
end)

check.case("latency_behind_a_branch_names_its_last_hop", function()
  local w = world(2)
  local entry = w.stages[5][1]
  w.stages[5] = { entry, { address = entry.address, delay_ms = 30,
    from = { "10.4.2.1" } } }
  entry.from = { "10.4.1.1" }
  local texts = judged(w, { branch_latency = true })
  check.equal(#texts, 1)
  check.contains(texts[1], "through 10.4.2.1 (hop 4; 5 of 16 flows)")
  check.contains(texts[1], " ms at hop 5, ")
end)

check.case("several_slow_branches_share_a_line", function()
  local w = world(3)
  w.stages = flow_worlds.diamond(w.random, { before = 1, width = 4,
    length = 1, after = 2 })
  for branch = 2, 4 do
    w.stages[2][branch].delay_ms = 40
  end
  local texts = judged(w, { branch_latency = true })
  check.equal(#texts, 1)
  for branch = 2, 4 do
    check.contains(texts[1], ("10.2.%d.1"):format(branch))
  end
end)

check.case("latency_of_all_flows_is_reported_once", function()
  local w = world(2)
  w.stages[2][1].delay_ms = 60
  local texts = judged(w, FIGURES)
  check.equal(#texts, 1)
  check.contains(texts[1], "Latency rises at hop 2 and persists")
end)

check.case("hop_of_a_branch_that_is_slow_to_answer_delays_nothing",
  function()
    local w = world(2)
    w.stages[3][1].slow_ms = 40
    check.equal(judged(w, { branch_latency = true }), {})
  end)

check.case("path_that_changes_is_reported_once_for_all_its_flows", function()
  local flows, merge = flow_worlds.trace(world(2, { flows = 4 }))
  for i, flow in ipairs(flows) do
    flow.hops[2].runs = i > 3 and {} or {
      { address = "10.2.0.1", flow = i - 1, reply_ttl = 64, count = 9,
        at_s = 0.0 }, { address = "10.2.0.9", flow = i - 1, reply_ttl = 64,
        count = 9, at_s = 1.5 } }
  end
  local texts = {}
  for _, v in ipairs(judge.many(flows, merge).verdicts) do
    texts[#texts + 1] = v.kind == "path_changed" and v.text or nil
  end
  check.equal(#texts, 1)
  check.contains(texts[1], "(3 of 4 flows)")
end)

check.case("quotes_of_flows_are_reported_once", function()
  local w = world(2, { flows = 5 })
  for ttl, nodes in ipairs(w.stages) do
    for _, node in ipairs(nodes) do
      node.answers = { { quoted = 28, quoted_tos = ttl > 2 and 0 or 0xb8,
        sent_tos = 0xb8 } }
    end
  end
  check.equal(judged(w, { dscp = true }), { "DSCP is cleared between hops 2 "
    .. "and 3: 0 (CS0) instead of 46 (EF)." })
end)

check.case("one_flow_is_judged_as_ever_and_by_its_quotes", function()
  local w = world(2, { flows = 1 })
  local flows, merge = flow_worlds.trace(w)
  check.equal(judge.one(flows[1]).verdicts, {})
  check.equal(judge.many(flows, merge).verdicts, {})
end)

check.case("flows_that_nobody_answers_raise_nothing", function()
  local w = world(2, { flows = 3 })
  for _, nodes in ipairs(w.stages) do
    for _, n in ipairs(nodes) do
      n.silent = true
    end
  end
  check.equal(judged(w, FIGURES), {})
  local empty = { flow = 0, hops = {}, first_hop = 1 }
  check.equal(judge.many({ empty }, function()
    return { hops = {}, first_hop = 1 }
  end).verdicts, {})
end)

-- Two forks in a row, and every flow passes a slow branch of one of them.
check.case("flows_that_are_all_slow_somewhere_raise_nothing", function()
  local w = world(2, { flows = 4 })
  w.stages = flow_worlds.diamond(w.random, { before = 1, width = 2,
    length = 1, after = 1 })
  local second = flow_worlds.diamond(w.random, { before = 0, width = 2,
    length = 1, after = 1 })
  for i, nodes in ipairs(second) do
    for branch, n in ipairs(nodes) do
      n.address = ("10.9.%d.%d"):format(i, branch)
    end
    w.stages[#w.stages + 1] = nodes
  end
  w.stages[2][1].delay_ms, w.stages[4][2].delay_ms = 80, 90
  check.equal(#judged(w, { branch_latency = true }) <= 2, true)
end)

check.case("every_key_of_a_verdict_has_its_field", function()
  local known = {}
  for _, field in ipairs(fields.of_verdicts()) do
    known[field.verdict] = true
  end
  local w = world(4)
  w.stages[3][2].loss, w.stages[4][1].delay_ms = 0.3, 40
  for _, v in ipairs(select(2, judged(w))) do
    for key in pairs(v) do
      check.equal(known[key], true, v.kind .. "." .. key)
    end
  end
end)

check.case("threshold_grows_with_the_claims_that_could_be_made", function()
  local one, many = branches.threshold(1), branches.threshold(30)
  check.equal({ one > 2.7 and one < 2.9, many > 3.7 and many < 4 },
    { true, true })
end)

-- ---- share of correct verdicts --------------------------------------------

local WORLDS, SEED = 50, 2026

local FALSE = {
  { name = "false_claims_with_10_packets", question = "clean", packets = 10 },
  { name = "false_claims_with_30_packets", question = "clean", packets = 30 },
  { name = "false_claims_under_bursts_that_hit_all", question = "bursts",
    packets = 20 },
}
check.rows(FALSE, function(row)
  local counts = questions.count(row.question, WORLDS, row.packets, 12, SEED)
  check.equal({ counts.loss <= WORLDS / 100, counts.latency <= WORLDS / 100 },
    { true, true }, ("%d and %d of %d"):format(counts.loss, counts.latency,
    WORLDS))
end)

local FOUND = {
  { name = "ten_percent_of_loss_is_found_at_its_branch",
    question = "ten_percent", packets = 40, least = 0.9 },
  { name = "twenty_milliseconds_are_found_at_their_branch",
    question = "delay", packets = 10, least = 0.9 },
}
check.rows(FOUND, function(row)
  local counts = questions.count(row.question, WORLDS, row.packets, 16, SEED)
  check.equal({ counts.found >= row.least * counts.total,
    counts.branch >= 0.97 * counts.found,
    counts.more <= 0.02 * counts.found }, { true, true, true },
    ("%d of %d, %d right, %d with more"):format(counts.found, counts.total,
      counts.branch, counts.more))
end)

check.case("one_seed_gives_one_answer", function()
  local function count()
    local c = questions.count("any_loss", 10, 10, 12, SEED)
    return { c.found, c.branch, c.total }
  end
  check.equal(count(), count())
end)

check.finish()
