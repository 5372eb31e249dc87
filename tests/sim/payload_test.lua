-- SPDX-License-Identifier: BSD-2-Clause
-- UDP probes that ask a service: whole runs from simulated bytes to the
-- printed table.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"

local PORTS = { dns = 53, quic = 443, ntp = 123, stun = 3478, snmp = 161 }
local NAMES = { dns = "DNS reply, NXDOMAIN", quic = "QUIC version negotiation",
  ntp = "NTP reply", stun = "STUN response", snmp = "SNMP report" }
local KINDS = { "dns", "quic", "ntp", "stun", "snmp" }

local function run(kind, world, options, settings)
  local own = { protocol = "udp", udp_payload = kind, packets = 5 }
  for key, value in pairs(options or {}) do
    own[key] = value
  end
  return core.run(world, own, settings)
end

local function served(kind, says, more)
  local host = { service = { kind = kind, says = says } }
  more = more or {}
  for key, value in pairs(more.host or {}) do
    host[key] = value
  end
  return build.line(5, { version = more.version, nodes = more.nodes,
    each = more.each, host = host })
end

local function reaches(result, name, what)
  check.equal(result.ending, "reached", what)
  check.equal(#result.hops, 6, what)
  for _, hop in ipairs(result.hops) do
    check.equal(hop.loss, 0.0, ("%s: loss of hop %d"):format(what, hop.ttl))
  end
  local last = result.hops[6].responders
  check.equal(#last, 1, what)
  check.equal(last[1].target, true, what)
  check.equal(#last[1].codes, 1, what)
  check.equal({ last[1].codes[1].name, last[1].codes[1].type },
    { name, nil }, what)
end

for _, kind in ipairs(KINDS) do
  check.case(kind .. "_reply_reaches_the_target", function()
    for _, version in ipairs { 4, 6 } do
      local result = run(kind, served(kind, nil, { version = version }))
      reaches(result, NAMES[kind], ("%s, IPv%d"):format(kind, version))
      check.equal({ result.udp_payload, result.port }, { kind, PORTS[kind] })
      check.equal(result.hops[6].responders[1].avg_ms, 12.0)
    end
  end)

  check.case(kind .. "_port_unreachable_still_counts", function()
    local result = run(kind, build.line(5))
    check.equal({ result.ending, #result.hops }, { "reached", 6 })
    check.equal(result.hops[6].responders[1].codes[1].name,
      "port unreachable")
  end)

  check.case(kind .. "_forged_reply_is_none", function()
    local result = run(kind, served(kind, "forged"))
    check.equal(result.ending, "silent")
    check.equal(#(result.hops[6] or { responders = {} }).responders, 0)
  end)

  check.case(kind .. "_behind_a_nat", function()
    for _, restore in ipairs { "all", "addresses", "none" } do
      local world = served(kind, nil, { nodes = { r3 = { nat = {
        source = "203.0.113.9", source_port = 6000, restore = restore } } } })
      local result = run(kind, world)
      check.equal(result.ending, "reached", restore)
      for ttl = 1, 6 do
        check.equal(result.hops[ttl].received, 5, restore .. ttl)
      end
    end
  end)

  -- Eight bytes, cut within each field, all.
  check.case(kind .. "_quotes_of_any_length", function()
    for _, version in ipairs { 4, 6 } do
      for quote = version == 4 and 8 or 72, 76, 1 do
        local result = run(kind, served(kind, nil, { version = version,
          each = { quote = quote } }), { packets = 1 })
        reaches(result, NAMES[kind], ("quote of %d"):format(quote))
      end
    end
  end)

  check.case(kind .. "_keeps_the_flow_on_one_branch", function()
    local world = build.line(3, { host = { service = { kind = kind } } })
    world.nodes.a = { address = "10.0.50.1", link = { delay_ms = 1 } }
    world.nodes.b = { address = "10.0.51.1", link = { delay_ms = 1 } }
    world.path = { "r1", { balance = "flow", { "a" }, { "b" } }, "r2",
      "host" }
    local result = run(kind, world, { packets = 20 })
    check.equal(#result.hops[2].responders, 1)
    check.equal(result.hops[2].received, 20)
  end)
end

local DNS = {
  refused = "DNS reply, REFUSED", servfail = "DNS reply, SERVFAIL",
  truncated = "DNS reply", upper = "DNS reply, NXDOMAIN",
  long = "DNS reply, NXDOMAIN",
}

check.case("dns_errors_and_truncated_replies_count", function()
  for says, name in pairs(DNS) do
    reaches(run("dns", served("dns", says)), name, says)
  end
end)

-- 16 bits alone: nothing that only the target can say.
check.case("dns_header_without_the_question_is_no_reply", function()
  check.equal(run("dns", served("dns", "bare")).ending, "silent")
end)

check.case("quic_server_that_wants_a_retry_negotiates_all_the_same", function()
  reaches(run("quic", served("quic", "retry")), NAMES.quic, "retry")
end)

check.case("ntp_kiss_and_stun_error_count", function()
  reaches(run("ntp", served("ntp", "kiss")), NAMES.ntp, "kiss")
  reaches(run("stun", served("stun", "error")), NAMES.stun, "error")
end)

check.case("dns_over_a_path_that_rate_limits", function()
  local world = served("dns", "refused", { each = {
    rate_limit = "linux4" } })
  local result, text = run("dns", world, { packets = 10 })
  reaches(result, DNS.refused, "rate-limited")
  check.equal(result.hops[3].rate_limited, true)
  check.equal(text:find("rate%-limit") ~= nil, true)
end)

check.case("payload_of_another_service_reaches_nothing", function()
  check.equal(run("ntp", served("dns")).ending, "silent")
  check.equal(run("plain", served("dns"), { port = 53 }).ending, "silent")
end)

check.case("server_that_answers_from_another_address", function()
  local world = served("dns", "refused", { host = { from = "10.9.0.3" } })
  local result = run("dns", world)
  check.equal({ result.ending, result.hops[6].responders[1].address },
    { "reached", "10.9.0.3" })
end)

check.case("all_paths_by_a_service", function()
  local world = build.line(3, { host = { service = { kind = "dns" } } })
  world.nodes.a = { address = "10.0.50.1", link = { delay_ms = 1 } }
  world.nodes.b = { address = "10.0.51.1", link = { delay_ms = 1 } }
  world.path = { "r1", { balance = "flow", { "a" }, { "b" } }, "r2", "host" }
  local result = run("dns", world, { paths = 95, flows = 2 },
    { seed = 2 })
  check.equal(result.ending, "reached")
  check.equal(#result.hops[2].responders, 2)
  check.equal(result.hops[4].responders[1].codes[1].name,
    "DNS reply, NXDOMAIN")
end)

check.finish()
