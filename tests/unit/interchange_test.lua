-- SPDX-License-Identifier: BSD-2-Clause
-- Formats of other systems, probe by probe: what each outcome becomes in a
-- result of RIPE Atlas and in an object of sc_warts2json.
local check = require "check"
local formats = require "mtrtrace.report.formats"
local probes = require "mtrtrace.report.probes"
local sample = require "sample"

local has_dkjson, dkjson = pcall(require, "dkjson")
if not has_dkjson then
  print("skip interchange - dkjson is not installed for " .. _VERSION)
  return
end

local function sent(ttl, probe, more)
  local event = { kind = "sent", at_ns = probe * 1000000, ttl = ttl,
    probe = probe, class = "counted", flow = 0 }
  for key, value in pairs(more or {}) do
    event[key] = value
  end
  return event
end

local function reply(ttl, probe, more)
  local event = { kind = "reply", at_ns = probe * 1000000 + 500000,
    ttl = ttl, probe = probe, class = "counted", flow = 0,
    from = "10.0.0." .. ttl, reply = "time-exceeded", type = 11, code = 0,
    rtt_ns = 500000, reply_ttl = 60, reply_tos = 192, reply_size = 92,
    reply_ip_id = 7, quoted_ttl = 1, quoted_tos = 0, quoted_size = 64,
    target = false }
  for key, value in pairs(more or {}) do
    event[key] = value
  end
  return event
end

-- The objects that a format makes of events on a path of silent hops.
local function objects(name, events, changes, hops)
  local seen = probes.new(changes and changes.numbers)
  for _, event in ipairs(events) do
    seen:event(event)
  end
  local list = {}
  for ttl = 1, hops or 1 do
    list[ttl] = sample.hop(ttl, { sample.responder("10.0.0." .. ttl,
      changes and changes.responder) })
  end
  local result = sample.result(list, changes and changes.result)
  result.started_ns = 1795274108541135313
  local out = {}
  for text in formats.get(name).trace(result, { name = "x", probes = seen,
    options = { max_hops = 30 } }):gmatch "[^\n]+" do
    local object = dkjson.decode(text)
    out[#out + 1] = object.type ~= "cycle-start"
      and object.type ~= "cycle-stop" and object or nil
  end
  return out
end

local function atlas(events, changes, hops)
  return objects("atlas", events, changes, hops)[1].result
end

local function scamper(events, changes, hops)
  return objects("scamper-json", events, changes, hops)[1]
end

local V6 = { from = "2001:db8::1", reply = "unreachable", type = 1 }
local function of_error(type_, code, more)
  local event = { reply = "unreachable", kind = "unreachable", type = type_,
    code = code }
  for key, value in pairs(more or {}) do
    event[key] = value
  end
  return event
end

for name, row in pairs {
  network = { of_error(3, 0), "N" }, host = { of_error(3, 1), "H" },
  protocol = { of_error(3, 2), "P" }, port = { of_error(3, 3), "p" },
  prohibited = { of_error(3, 13), "A" }, other = { of_error(3, 9), 9 },
  v6_no_route = { of_error(1, 0, V6), "N" },
  v6_prohibited = { of_error(1, 1, V6), "A" },
  v6_address = { of_error(1, 3, V6), "H" },
  v6_port = { of_error(1, 4, V6), "p" },
  v6_other = { of_error(1, 6, V6), 6 },
} do
  check.case("atlas_error_" .. name, function()
    check.equal(atlas({ sent(1, 1), reply(1, 1, row[1]) })[1].result[1].err,
      row[2])
  end)
end

check.case("atlas_target_that_refuses_a_port_is_no_error", function()
  check.equal(atlas({ sent(1, 1), reply(1, 1, { reply = "unreachable",
    type = 3, code = 3, target = true }) })[1].result[1].err, nil)
end)

check.case("atlas_size_is_without_ip_and_icmp_header", function()
  local v4 = atlas({ sent(1, 1), reply(1, 1) })[1].result[1]
  local v6 = atlas({ sent(1, 1), reply(1, 1, { from = "2001:db8::1",
    reply_size = 132 }) })[1].result[1]
  local tcp = atlas({ sent(1, 1), reply(1, 1, { reply = "syn-ack",
    reply_size = 44, target = true }) })[1].result[1]
  check.equal({ v4.size, v6.size, tcp.size, tcp.flags }, { 64, 84, 4, "SA" })
end)

check.case("atlas_late_reply_stands_behind_its_timeout", function()
  local hop = atlas({ sent(1, 1), sent(1, 2), sent(2, 3),
    reply(1, 2), reply(1, 1, { kind = "late" }) })[1]
  check.equal(hop.result[1], { x = "*" })
  check.equal({ hop.result[2].late, hop.result[2].rtt,
    hop.result[3].rtt }, { 2, nil, 0.5 })
end)

check.case("atlas_probe_that_was_not_sent_is_no_loss", function()
  local hop = atlas({ sent(1, 1), sent(1, 2), reply(1, 2),
    { kind = "send-error", at_ns = 9, ttl = 1, probe = 1, class = "counted",
      error = "no buffer" } })[1]
  check.equal(#hop.result, 1)
  hop = atlas({ sent(1, 1), { kind = "send-error", at_ns = 9, ttl = 1,
    probe = 1, class = "counted", error = "no buffer" } })[1]
  check.equal({ hop.error, hop.result }, { "sendto failed: no buffer" })
end)

check.case("atlas_quote_says_what_arrived", function()
  local one = atlas({ sent(1, 1), reply(1, 1, { quoted_ttl = 3,
    quoted_tos = 8 }) })[1].result[1]
  local usual = atlas({ sent(1, 1), reply(1, 1) })[1].result[1]
  check.equal({ one.ittl, one.itos, usual.ittl, usual.itos }, { 3, 8 })
end)

check.case("atlas_mtu_of_too_big_is_no_error", function()
  local one = atlas({ sent(1, 1), reply(1, 1, { kind = "unreachable",
    reply = "too-big", type = 3, code = 4, mtu = 1400 }) })[1].result[1]
  check.equal({ one.mtu, one.err }, { 1400 })
end)

local RATE_LIMITED = { sent(1, 1), { kind = "timeout", at_ns = 5, ttl = 1,
  probe = 1, class = "counted" }, { kind = "rate-limited", at_ns = 6,
    ttl = 1, flow = 0 }, sent(1, 2), reply(1, 2) }

check.case("a_rate_limited_hop_shows_the_sample_that_counts", function()
  check.equal(#atlas(RATE_LIMITED)[1].result, 1)
  check.equal(#scamper(RATE_LIMITED).hops, 1)
end)

check.case("unsampled_probes_show_where_there_is_no_sample", function()
  local events = { sent(1, 1, { class = "test" }), reply(1, 1, {
    class = "test" }) }
  check.equal(atlas(events)[1].result[1].rtt, 0.5)
  check.equal(scamper(events).hops[1].tx, { sec = 1795274108,
    usec = 542135 })
end)

check.case("each_flow_is_a_result_of_its_own", function()
  local flows = {}
  for number = 0, 1 do
    flows[number + 1] = sample.result({ sample.hop(1, {}) },
      { flow = number, source_port = 28672 + number, protocol = "udp",
        port = 33434, started_ns = 1795274108000000000 })
  end
  local events = { sent(1, 1), sent(1, 1, { flow = 1 }),
    reply(1, 1, { flow = 1, from = "10.0.0.9" }) }
  local changes = { numbers = { 0, 1 }, result = { each_flow = flows } }
  local list = objects("atlas", events, changes)
  check.equal({ #list, list[1].paris_id, list[2].paris_id,
    list[1].result[1].result[1].x, list[2].result[1].result[1].from },
    { 2, 1, 2, "*", "10.0.0.9" })
  list = objects("scamper-json", events, changes)
  check.equal({ #list, list[1].sport, list[2].sport, list[1].hops,
    list[2].hops[1].addr }, { 2, 28672, 28673, nil, "10.0.0.9" })
end)

local STACK = { answers = { { extensions = { checksum = "ok",
  compliant = false,
  mpls = { { label = 24001, tc = 1, bottom = false, ttl = 1 },
    { label = 16, tc = 0, bottom = true, ttl = 255 } } } } } }

check.case("labels_stand_in_the_objects_of_both", function()
  local events = { sent(1, 1), reply(1, 1) }
  check.equal(atlas(events, { responder = STACK })[1].result[1].icmpext, {
    version = 2, rfc4884 = 0, obj = { { class = 1, type = 1, mpls = {
      { label = 24001, exp = 1, s = 0, ttl = 1 },
      { label = 16, exp = 0, s = 1, ttl = 255 } } } } })
  check.equal(scamper(events, { responder = STACK }).hops[1].icmpext, {
    { ie_cn = 1, ie_ct = 1, ie_dl = 8, mpls_labels = {
      { mpls_ttl = 1, mpls_s = 0, mpls_exp = 1, mpls_label = 24001 },
      { mpls_ttl = 255, mpls_s = 1, mpls_exp = 0, mpls_label = 16 } } } })
end)

for name, row in pairs {
  reached = { {}, "COMPLETED", 0 },
  unreachable = { { reached = false, ending = "unreachable",
    ending_code = 13 }, "UNREACH", 13 },
  silent = { { reached = false, ending = "silent" }, "GAPLIMIT", 0 },
  stopped = { { reached = false, ending = "silent", stopped = "max-time" },
    "HALTED", 0 },
} do
  check.case("scamper_stops_" .. name, function()
    local got = scamper({ sent(1, 1) }, { result = row[1] })
    check.equal({ got.stop_reason, got.stop_data }, { row[2], row[3] })
  end)
end

check.case("scamper_stops_at_the_last_ttl", function()
  check.equal(scamper({ sent(30, 1) }, { result = { reached = false,
    ending = "silent" } }, 30).stop_reason, "HOPLIMIT")
end)

check.case("scamper_of_ipv6_has_no_identification", function()
  local hop = scamper({ sent(1, 1), reply(1, 1, { from = "2001:db8::1",
    type = 3 }) }).hops[1]
  check.equal({ hop.reply_ipid, hop.icmp_q_tos, hop.icmp_q_ttl },
    { 0, nil, 1 })
end)

check.finish()
