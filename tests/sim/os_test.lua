-- SPDX-License-Identifier: BSD-2-Clause
-- The OS guess from end to end in simulation: the engine traces and
-- fingerprints the responders, the enricher collects, the judge judges; for
-- the personas and for paths that mix them. No address gets more than nine
-- fingerprinting probes, and these change no counted probe.
local build = require "sim.build"
local check = require "check"
local collect = require "mtrtrace.os.collect"
local driver = require "sim.driver"
local words = require "mtrtrace.os.words"

local MODES = { "passive", "echo", "active" }
local PROTOCOLS = { "icmp", "udp", "tcp" }

local function with(base, changes)
  local out = {}
  for _, t in ipairs { base or {}, changes or {} } do
    for key, value in pairs(t) do
      out[key] = value
    end
  end
  return out
end

-- The enricher over what the simulation has answered.
local function guess(result, replies, mode)
  local core = {}
  function core.neighbour() end
  function core.fingerprint(options)
    local found = replies[options.address]
      or { probes_sent = {}, answers = {} }
    return { done = function() return true end, close = function() end,
      result = function() return found end }
  end
  local host = { now = function() return 0 end,
    mac_prefixes = function() end }
  local enricher = collect.new(host, core, { mode = mode }, {})
  enricher:see(result)
  check.equal(enricher:poll(), 0)
  enricher:leave()
  enricher:annotate(result)
  return result
end

local function traced(world, mode, more, seed)
  local fingerprint = mode ~= "passive" and mode or nil
  local traces, answers = driver.run(world,
    { driver.options(world, seed or 1, more) }, { fingerprint = fingerprint,
      seed = seed or 1 })
  return guess(traces[1].result, answers or {}, mode), answers or {},
    traces[1]
end

local function label(result, ttl)
  local responder = result.hops[ttl].responders[1]
  return responder and words.label(responder.os)
end

local function at_most_nine(answers)
  for address, answer in pairs(answers) do
    check.equal(answer.probes <= 9, true, address)
    local sent = answer.probes_sent
    check.equal(sent.echo + sent.udp + sent.tcp,
      answer.probes, address)
  end
end

-- ---- personas ------------------------------------------------------------

local function files()
  local pipe, list = assert(io.popen("ls tests/sim/personas/*.lua")), {}
  for file in pipe:lines() do
    list[#list + 1] = file
  end
  pipe:close()
  return list
end

-- What the persona's router says without the evidence its file adds.
local function test_persona(case)
  for _, mode in ipairs(MODES) do
    for _, protocol in ipairs(case.want[mode] and case.protocols
      or PROTOCOLS) do
      if case.want[mode] then
        local world = build.line(3, { version = case.family,
          nodes = { r2 = case.router } })
        local result, answers = traced(world, mode,
          { protocol = protocol, packets = 3 })
        local hop = result.hops[2].responders[1]
        check.equal(hop and words.label(hop.os), hop and case.want[mode],
          ("%s %s: %s"):format(mode, protocol, hop and hop.os.line))
        if not hop then -- it never answered the trace
          check.equal(answers["10.0.2.1"], nil)
        end
        at_most_nine(answers)
      end
    end
  end
end

for _, file in ipairs(files()) do
  local name = file:match("([%w_]+)%.lua$")
  local persona = assert(loadfile(file, "t", {}))()
  if not persona.subject and not persona.kind then
    check.case("persona_" .. name, function() test_persona(persona) end)
    for _, miss in ipairs(persona.misses or {}) do
      if not miss.subject then
        check.case(("persona_%s_%s"):format(name, miss.name), function()
          test_persona { want = miss.want, family = persona.family,
            router = with(persona.router, miss.router),
            protocols = miss.protocols }
        end)
      end
    end
  end
end

-- ---- whole paths ---------------------------------------------------------

local LINUX = { direct = true, tcp = "closed", tos = "linux",
  replies = { tcp = { df = true, ip_id = "zero" } } }
local JUNOS = { direct = true, ttl = 255, tos = 0, quote = 8,
  tcp = "closed", replies = { echo = { ttl = 64, df = "reflect" },
    tcp = { ttl = 64 } } }

local function mixed(more)
  return build.line(6, with({ nodes = {
    r1 = LINUX, r2 = JUNOS, r3 = { answers = 0 },
    r4 = with(JUNOS, { direct = false }), r5 = with(LINUX,
      { rate_limit = "linux4" }), r6 = JUNOS, host = LINUX,
  } }, more))
end

local function labels(result)
  local out = {}
  for ttl in ipairs(result.hops) do
    out[ttl] = label(result, ttl) or "*"
  end
  return table.concat(out, ", ")
end

check.case("mixed_path_is_told_hop_by_hop", function()
  local result = traced(mixed(), "echo", { packets = 3 })
  check.equal(labels(result), "Linux-based, Junos, *, unknown, Linux-based, "
    .. "Junos, Linux-based?")
end)

check.case("mixed_path_is_told_by_udp_and_active", function()
  local result, answers = traced(mixed(), "active",
    { packets = 3, protocol = "udp" })
  check.equal(labels(result), "Linux-based, Junos, *, unknown, Linux-based, "
    .. "Junos, Linux-based")
  at_most_nine(answers)
end)

check.case("who_rate_limits_gets_one_udp_probe", function()
  local _, answers = traced(mixed(), "active", { packets = 3 })
  check.equal(answers["10.0.5.1"].probes_sent, { echo = 3, tcp = 3, udp = 1 })
  check.equal(answers["10.0.1.1"].probes_sent, { echo = 3, tcp = 3, udp = 3 })
end)

local function figures(result)
  local out = {}
  for i, hop in ipairs(result.hops) do
    out[i] = ("%d/%d%s"):format(hop.received, hop.sent,
      hop.rate_limit and "r" or "")
  end
  return table.concat(out, " ")
end

check.case("fingerprinting_costs_no_counted_probe", function()
  for _, rate_limit in ipairs { "linux4", "ios", "iosxr" } do
    for _, protocol in ipairs { "icmp", "udp" } do
      local world = build.line(4, { each = with(LINUX,
        { rate_limit = rate_limit }), host = LINUX })
      local result = traced(world, "active",
        { packets = 10, protocol = protocol })
      for _, hop in ipairs(result.hops) do
        check.equal(hop.received, hop.sent,
          rate_limit .. " " .. protocol .. ": "
          .. figures(result))
      end
    end
  end
end)

check.case("several_traces_share_the_nine", function()
  local world = mixed()
  local options = {}
  for i = 1, 5 do
    options[i] = driver.options(world, i, { packets = 5,
      at_s = 0.3 * i, protocol = i % 2 == 0 and "udp" or "icmp" })
  end
  local traces, answers = driver.run(world, options,
    { fingerprint = "active" })
  at_most_nine(answers)
  for i, t in ipairs(traces) do
    local result = guess(t.result, answers, "active")
    check.equal(label(result, 2), "Junos", i)
    check.equal(label(result, 5), "Linux-based", i)
    for _, hop in ipairs(result.hops) do
      check.equal(hop.received == hop.sent or hop.silent, true,
        ("trace %d: %s"):format(i, figures(result)))
    end
  end
end)

check.case("trace_ends_as_soon_as_without_fingerprinting", function()
  for _, mode in ipairs { "echo", "active" } do
    local _, _, t = traced(build.line(5, { each = LINUX }), mode)
    local _, _, plain = traced(build.line(5, { each = LINUX }), "passive")
    -- Fingerprinting probes draw on the send budget that all share.
    check.equal(t.elapsed_s - plain.elapsed_s < 0.1, true, ("%s: %s, %s s")
      :format(mode, t.elapsed_s, plain.elapsed_s))
    check.equal(math.abs(t.probes - plain.probes) <= 8, true, ("%s: %d, %d")
      :format(mode, t.probes, plain.probes))
  end
end)

check.case("labels_of_a_hop_are_in_its_answers", function()
  for _, malformed in ipairs { "none", "legacy" } do
    local world = build.line(3, { nodes = { r2 = { extension = {
      labels = { { label = 24005, tc = 3, ttl = 1 } },
      malformed = malformed ~= "none" and malformed or nil } } } })
    local result = traced(world, "passive", { protocol = "udp" })
    local answer = result.hops[2].responders[1].answers[1]
    check.equal(answer.extensions, { checksum = "ok",
      compliant = malformed == "none", interfaces = {}, unknown = {},
      mpls = { { label = 24005, tc = 3, bottom = true, ttl = 1 } } })
    check.equal({ answer.quoted, answer.quoted_size }, { 40, 40 })
    check.equal(result.hops[1].responders[1].answers[1].extensions, nil)
  end
end)

check.case("rewritten_fields_are_in_the_answers", function()
  local world = build.line(4, { nodes = { r2 = { set_tos = 0 } } })
  local result = traced(world, "passive", { tos = 0xb8, protocol = "udp" })
  local function quoted(ttl)
    local answer = result.hops[ttl].responders[1].answers[1]
    return { answer.sent_tos, answer.quoted_tos }
  end
  check.equal({ quoted(2), quoted(3) }, { { 0xb8, 0xb8 }, { 0xb8, 0 } })
end)

check.finish()
