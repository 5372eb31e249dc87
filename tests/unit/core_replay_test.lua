-- SPDX-License-Identifier: BSD-2-Clause
-- The interface of core.replay: invalid events are refused with an error, and
-- the figures follow from the events.
local check = require "check"
local core = require "mtrtrace.core"
local stream = require "mtrtrace.recording.stream"

local function with(base, changes)
  local out = {}
  for key, value in pairs(base) do
    out[key] = value
  end
  for key, value in pairs(changes or {}) do
    out[key] = value ~= "nil" and value or nil
  end
  return out
end

local SENT = { kind = "sent", at_ns = 0, ttl = 1, probe = 1, flow = 0,
  class = "counted" }
local REPLY = with(SENT, { kind = "reply", at_ns = 5, rtt_ns = 1500000,
  from = "192.0.2.1", reply = "time-exceeded", type = 11, code = 0,
  reply_ttl = 64, target = false })

check.case("an_answer_is_counted", function()
  local replay = core.replay(5)
  check.equal(replay:add(SENT), true)
  check.equal(replay:add(REPLY), true)
  local hop = replay:hops(1, 1)[1]
  check.equal({ hop.sent, hop.received, hop.loss }, { 1, 1, 0.0 })
  check.equal({ hop.responders[1].address, hop.responders[1].avg_ms },
    { "192.0.2.1", 1.5 })
  replay:close()
end)

-- The rule by which flows of a run, and those of a recording, are merged.
check.case("a_target_reached_is_the_best_end_then_the_farthest", function()
  local replay = core.replay(5)
  local function better(a, b)
    return replay:ends_better({ ending = a[1], end_ttl = a[2] },
      { ending = b[1], end_ttl = b[2] })
  end
  for _, row in ipairs {
    { { "reached", 3 }, { "unreachable", 9 }, true },
    { { "unreachable", 9 }, { "reached", 3 }, false },
    { { "reached", 9 }, { "reached", 3 }, true },
    { { "reached", 3 }, { "reached", 3 }, false },
    { { "unreachable", 3 }, { "silent" }, false },
    { { "unreachable", 3 }, { "unreachable" }, true },
    { { nil, 3 }, {}, true }, { { "no ending", 1 << 40 }, {}, false },
  } do
    check.equal(better(row[1], row[2]), row[3],
      (row[1][1] or "none") .. " and " .. (row[2][1] or "none"))
  end
  check.equal(pcall(replay.ends_better, replay, {}, "x"), false)
  replay:close()
end)

-- Each lost probe with its number and its time of sending, without late
-- replies.
check.case("lost_probes_are_known_by_number_and_time", function()
  local replay = core.replay(5)
  local at = { 0, 100, 200, 300, 400 }
  for i, ms in ipairs(at) do
    replay:add(with(SENT, { probe = i, at_ns = ms * 1000000 }))
  end
  for _, i in ipairs { 1, 4 } do
    replay:add(with(REPLY, { probe = i, at_ns = at[i] * 1000000 + 5 }))
  end
  for _, i in ipairs { 2, 3, 5 } do
    replay:add({ kind = "timeout", at_ns = 2000000000 + i, ttl = 1, probe = i,
      flow = 0, class = "counted" })
  end
  local hop = replay:hops(1, 1)[1]
  check.equal({ hop.lost, hop.lost_at }, { { 2, 3, 5 }, { 0.1, 0.2, 0.4 } })
  replay:add(with(REPLY, { kind = "late", probe = 3, at_ns = 3000000000 }))
  hop = replay:hops(1, 1)[1]
  check.equal({ hop.lost, hop.lost_at }, { { 2, 5 }, { 0.1, 0.4 } })
  replay:close()
end)

-- A recording has the engine's figures as events only; all other keys of hops
-- and responders come from enrichers.
check.case("what_follows_from_events_is_not_recorded_as_found", function()
  local replay = core.replay(5)
  local function add(changes)
    check.equal({ replay:add(changes) }, { true })
  end
  local LIMIT = { kind = "rate-limited", at_ns = 9, ttl = 1, probe = 2,
    flow = 0, burst_sent = 4, burst_received = 1,
    sample_interval_ns = 1000000000 }
  add(SENT)
  add(REPLY)
  add(LIMIT)
  for ttl = 1, 4 do
    for probe = 2, 3 do
      add(with(SENT, { ttl = ttl, probe = probe }))
    end
  end
  for ttl = 1, 2 do
    add({ kind = "timeout", at_ns = 2000000000, ttl = ttl, probe = 2, flow = 0,
      class = "counted", during_drops = ttl == 1 })
  end
  add({ kind = "shared-rate-limit", at_ns = 10, ttl = 1, probe = 1, flow = 0 })
  add(with(REPLY, { ttl = 4, kind = "unreachable", type = 3, code = 1,
    reply = "unreachable", probe = 2 }))
  add({ kind = "untested", at_ns = 10, ttl = 2, probe = 1, flow = 0 })
  add({ kind = "no-token", at_ns = 10, ttl = 3, probe = 1, flow = 0 })
  local hops = replay:hops(1, 4)
  check.equal({ hops[1].lost_during_drops, hops[1].shared_rate_limit,
    hops[1].rate_limit ~= nil, hops[2].untested, hops[3].no_token },
    { 1, true, true, true, true })
  for _, hop in ipairs(hops) do
    for _, responder in ipairs(hop.responders) do
      responder.answers = nil
    end
  end
  local lines = stream.finish({ index = 1 }, { hops = hops })
  check.equal(lines:match '"facts":[^\n]*', nil,
    "not in OWN of nse/mtrtrace/recording/stream.lua")
  replay:close()
end)

check.case("the_manual_has_each_key_of_hops_and_responders", function()
  local replay = core.replay(5)
  replay:add(SENT)
  replay:add(REPLY)
  local hop = replay:hops(1, 1)[1]
  replay:close()
  local text = check.read "nse/doc/library.md"
  for _, of in ipairs { hop, hop.responders[1] } do
    for key in pairs(of) do
      check.equal(text:find("[`| ]" .. key .. "[`|, ]") ~= nil, true,
        key .. " in nse/doc/library.md")
    end
  end
end)

local BAD = {
  { name = "no_kind", event = with(REPLY, { kind = "nil" }), part = "'kind'" },
  { name = "unknown_kind", event = with(REPLY, { kind = "sind" }),
    part = "'kind'" },
  { name = "no_time", event = with(REPLY, { at_ns = "nil" }),
    part = "'at_ns'" },
  { name = "negative_time", event = with(REPLY, { at_ns = -1 }),
    part = "'at_ns'" },
  { name = "ttl_0", event = with(REPLY, { ttl = 0 }), part = "'ttl'" },
  { name = "ttl_beyond_max_hops", event = with(REPLY, { ttl = 6 }),
    part = "'ttl'" },
  { name = "ttl_that_is_text", event = with(REPLY, { ttl = "1" }),
    part = "'ttl'" },
  { name = "ttl_with_a_fraction", event = with(REPLY, { ttl = 1.5 }),
    part = "'ttl'" },
  { name = "flow_too_large", event = with(REPLY, { flow = 65535 }),
    part = "'flow'" },
  { name = "no_class", event = with(REPLY, { class = "nil" }),
    part = "'class'" },
  { name = "no_address", event = with(REPLY, { from = "nil" }),
    part = "'from'" },
  { name = "address_that_is_none", event = with(REPLY, { from = "x" }),
    part = "'from'" },
  { name = "unknown_answer", event = with(REPLY, { reply = "x" }),
    part = "'reply'" },
  { name = "flag_that_is_text", event = with(REPLY, { target = "yes" }),
    part = "'target'" },
  { name = "rate_limited_without_a_spacing",
    event = { kind = "rate-limited", at_ns = 1, ttl = 1, probe = 1,
      burst_sent = 1,
      burst_received = 1 }, part = "'sample_interval_ns'" },
  { name = "an_outcome_too_many", event = with(REPLY, { probe = 9 }),
    part = "a probe that was not sent", twice = true },
  { name = "a_timeout_too_many", event = with(SENT, { kind = "timeout" }),
    part = "a probe that was not sent", twice = true },
  { name = "a_late_answer_to_nothing", event = with(REPLY, { kind = "late" }),
    part = "a probe that was not sent" },
}

check.rows(BAD, function(row)
  local replay = core.replay(5)
  replay:add(SENT)
  if row.twice then
    check.equal(replay:add(row.event), true)
  end
  local ok, err = replay:add(row.event)
  check.equal(ok, nil)
  check.contains(err, row.part)
end)

-- Three flows: two meet one address, the third meets another one.
check.case("flows_are_put_together_as_by_the_engine", function()
  local replays = {}
  for flow = 0, 2 do
    replays[flow] = core.replay(5)
    for probe = 1, 2 do
      local changes = { flow = flow, probe = probe }
      replays[flow]:add(with(SENT, changes))
      changes.from = flow == 2 and "192.0.2.2" or "192.0.2.1"
      changes.rtt_ns = (flow + 1) * 1000000
      replays[flow]:add(with(REPLY, changes))
    end
  end
  local hop = replays[0]:hops(1, 1, { replays[1], replays[2] })[1]
  local one, two = hop.responders[1], hop.responders[2]
  check.equal({ hop.sent, hop.received, #hop.responders }, { 6, 6, 2 })
  check.equal({ one.address, one.received, one.avg_ms, two.address,
    two.received, two.avg_ms }, { "192.0.2.1", 4, 1.5, "192.0.2.2", 2, 3.0 })
  check.equal(one.jitter_ms, 0.0, "no pair of two flows")
  check.equal(replays[0]:hops(1, 1)[1].sent, 2, "they are as before")
  replays[2]:close()
  check.equal(pcall(replays[0].hops, replays[0], 1, 1, { replays[2] }),
    false)
  check.equal(pcall(replays[0].hops, replays[0], 1, 1, { {} }), false)
  check.equal(pcall(replays[0].hops, replays[0], 1, 1, "x"), false)
end)

check.case("misuse_raises", function()
  check.equal(pcall(core.replay, 0), false)
  check.equal(pcall(core.replay, 256), false)
  local replay = core.replay(5)
  check.equal(pcall(replay.hops, replay, 1, 6), false)
  check.equal(pcall(replay.add, replay, 1), false)
  replay:close()
  check.equal(pcall(replay.add, replay, SENT), false)
end)

check.finish()
