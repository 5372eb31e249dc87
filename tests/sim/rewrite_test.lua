-- SPDX-License-Identifier: BSD-2-Clause
-- Changes to packets on the path, in complete runs from simulated bytes to the
-- printed line: translation, traffic class, ICMP extensions, path MTU.
local build = require "sim.build"
local check = require "check"
local core = require "sim.core"

local NAT = "203.0.113.9"
local V6_NAT = "2001:db8:99::9"

local function run(world, options)
  options.packets = options.packets or 3
  return core.run(world, options)
end

-- The lines of a report that begin with one of these words.
local function lines(text, ...)
  local out = {}
  for line in text:gmatch "[^\n]+" do
    for _, word in ipairs { ... } do
      out[#out + 1] = line:find("^" .. word) and line or nil
    end
  end
  return out
end

local function whole(result, hops)
  check.equal(#result.hops, hops, "hops")
  for _, hop in ipairs(result.hops) do
    check.equal(hop.loss, 0.0, "loss of hop " .. hop.ttl)
  end
end

-- ---- translation ---------------------------------------------------------

local PORT = "target port 5001 instead of 33434"
local FROM = "source port 5002 instead of 28672"

-- `says` is the text after "NAT between hops 3 and 4: ".
local NATS = {
  { name = "target_port", protocols = { "udp" },
    nat = { target_port = 5001 }, says = PORT },
  { name = "target_port_of_tcp", protocols = { "tcp" },
    nat = { target_port = 5001 },
    says = "target port 5001 instead of 80" },
  { name = "source_port", protocols = { "udp", "tcp" },
    nat = { source_port = 5002 }, says = FROM },
  { name = "both_ports", protocols = { "udp" },
    nat = { source_port = 5002, target_port = 5001 },
    says = FROM .. ", " .. PORT },
  { name = "identifier", protocols = { "icmp" },
    nat = { source_port = 4242 },
    says = "ICMP identifier 4242 instead of %d+" },
  { name = "source_address", protocols = { "icmp", "udp", "tcp" },
    nat = { source = NAT }, only = 4,
    says = "source address 203.0.113.9 instead of 10.0.0.1" },
  { name = "source_address_v6", protocols = { "icmp", "udp", "tcp" },
    nat = { source = V6_NAT }, only = 6,
    says = "source address 2001:db8:99::9 instead of 2001:db8::1" },
  { name = "target_address", protocols = { "icmp", "udp", "tcp" },
    nat = { target = "10.9.0.77" }, only = 4, host = "10.9.0.77",
    says = "target address 10.9.0.77 instead of 10.9.0.2" },
  { name = "target_address_v6", protocols = { "icmp", "udp", "tcp" },
    nat = { target = "2001:db8:ffff::77" }, only = 6,
    host = "2001:db8:ffff::77", says = "target address 2001:db8:ffff::77 "
      .. "instead of 2001:db8:ffff::2" },
  { name = "checksum_alone", protocols = { "udp" }, restore = "addresses",
    nat = { source_port = 5002 },
    says = "the checksum was rewritten, and all other fields restored in the "
      .. "replies" },
}

-- A NAT at hop 3 of 5; the quotes of the hops beyond it show its rewriting.
local function translated(row, version)
  local nat = { restore = row.restore or "none" }
  for key, value in pairs(row.nat) do
    nat[key] = value
  end
  local w = build.line(5, { version = version,
    nodes = { r3 = { nat = nat } } })
  if row.host then
    w.nodes.host.address, w.nodes.host.from = row.host, w.target
  end
  return w
end

for _, row in ipairs(NATS) do
  check.case("nat_rewrites_" .. row.name, function()
    for _, protocol in ipairs(row.protocols) do
      for _, version in ipairs { row.only or 4, not row.only and 6 or nil } do
        local result, text = run(translated(row, version),
          { protocol = protocol })
        whole(result, 6)
        local found = lines(text, "NAT")
        local what = ("%s, IPv%d"):format(protocol, version)
        check.equal(#found, 1, what)
        local got = found[1]:match "^NAT between hops 3 and 4: (.*)%.$"
        if not row.says:find "%%" then
          check.equal(got, row.says, what)
        elseif not got or not got:find("^" .. row.says .. "$") then
          error(("%s: %s"):format(what, found[1]), 0)
        end
      end
    end
  end)
end

-- Many routers quote eight bytes, without the cookie; the NATs of clouds and
-- carriers rewrite addresses and ports in quotes without restoring them.
local SHORT = {
  { name = "source_address", nat = { source = NAT } },
  { name = "source_address_and_port", nat = { source = NAT,
    source_port = 61234 } },
  { name = "source_port_or_identifier", nat = { source_port = 61234 } },
}

for _, row in ipairs(SHORT) do
  for _, protocol in ipairs { "icmp", "udp", "tcp" } do
    check.case(("short_quotes_of_nat_with_%s_are_known_%s"):format(row.name,
      protocol), function()
      local w = translated({ nat = row.nat }, 4)
      for _, name in ipairs { "r4", "r5", "host" } do
        w.nodes[name].quote = 8
      end
      for _, flows in ipairs { 1, 3 } do
        local result, text = run(w, { protocol = protocol, flows = flows })
        whole(result, 6)
        check.equal(#lines(text, "A NAT rewrote the quotes of hops 4"),
          protocol == "tcp" and 0 or 1, text)
      end
    end)
  end
end

-- Linux's masquerade and others that keep state.
check.case("nat_that_puts_all_back_is_not_told", function()
  for _, protocol in ipairs { "icmp", "udp", "tcp" } do
    for version, source in pairs { [4] = NAT, [6] = V6_NAT } do
      local result, text = run(build.line(5, { version = version, nodes = {
        r3 = { nat = { source = source, source_port = 6000 } } } }),
        { protocol = protocol })
      whole(result, 6)
      check.equal(lines(text, "NAT"), {}, protocol)
    end
  end
end)

check.case("nat_between_several_flows_is_told_once", function()
  local row = { nat = { target_port = 5001 } }
  local _, text = run(translated(row, 4), { protocol = "udp", flows = 4 })
  check.equal(lines(text, "NAT"), { "NAT between hops 3 and 4: " .. PORT
    .. "." })
end)

-- ---- type of service -----------------------------------------------------

local MANY = { packets = 20 }

local TOS = {
  { name = "dscp_remarked", tos = 184, node = { set_tos = 32 },
    says = { "DSCP is remarked between hops 3 and 4: 8 (CS1) instead of "
      .. "46 (EF)." } },
  { name = "dscp_bleached_and_ecn_left", tos = 186, node = { set_tos = 2 },
    says = { "DSCP is cleared between hops 3 and 4: 0 (CS0) instead of "
      .. "46 (EF).", "ECN ECT(0) is kept as far as hop 6." } },
  { name = "precedence_cleared", tos = 184, node = { set_tos = 24 },
    says = { "DSCP is precedence cleared between hops 3 and 4: 6 instead of "
      .. "46 (EF)." } },
  { name = "ecn_bleached", tos = 2, node = { set_tos = 0 },
    says = { "ECN is cleared between hops 3 and 4: Not-ECT instead of "
      .. "ECT(0)." } },
  { name = "both_bleached", tos = 186, node = { set_tos = 0 },
    says = { "DSCP is cleared between hops 3 and 4: 0 (CS0) instead of "
      .. "46 (EF).", "ECN is cleared between hops 3 and 4: Not-ECT instead "
      .. "of ECT(0)." } },
  { name = "congestion_marks_are_no_bleaching", tos = 2,
    node = { congested = 0.5 }, more = MANY,
    says = { "Congestion was marked before hop 4: probes sent with ECT(0) "
      .. "arrived with CE (hops 4-6)." } },
  { name = "ce_of_packets_that_bear_none_is_none", tos = 184,
    node = { congested = 1 },
    says = { "DSCP 46 (EF) is kept as far as hop 6." } },
  { name = "as_sent", tos = 186, node = {}, says = {
    "DSCP 46 (EF) is kept as far as hop 6.",
    "ECN ECT(0) is kept as far as hop 6." } },
  { name = "nothing_asked_nothing_said", tos = 0, node = {}, says = {} },
}

for _, row in ipairs(TOS) do
  check.case("tos_" .. row.name, function()
    for _, version in ipairs { 4, 6 } do
      local options = { tos = row.tos, protocol = "udp" }
      options.packets = row.more and row.more.packets
      local result, text = run(build.line(5, { version = version,
        nodes = { r3 = row.node } }), options)
      whole(result, 6)
      check.equal(lines(text, "DSCP", "ECN", "Congestion"), row.says,
        "IPv" .. version)
    end
  end)
end

-- ---- ICMP extensions -----------------------------------------------------

local fields = require "mtrtrace.table.fields"

local function cells(result, ttl, ...)
  local hop = result.hops[ttl]
  local row, out = { hop = hop, responder = hop.responders[1] }, {}
  for i, key in ipairs { ... } do
    out[i] = fields.cell(fields.get(key), row)
  end
  return out
end

local STACK = { { label = 24001, tc = 1, ttl = 1 }, { label = 16, ttl = 255 } }

check.case("label_stacks_compliant_and_old_style", function()
  for _, version in ipairs { 4, 6 } do
    for _, protocol in ipairs { "icmp", "udp", "tcp" } do
      local result = run(build.line(5, { version = version, nodes = {
        r2 = { extension = { labels = STACK } },
        r3 = { extension = { labels = STACK, malformed = "legacy" } },
        r4 = { extension = { labels = STACK, malformed = "checksum" } },
      } }), { protocol = protocol })
      local words = "24001 tc1 ttl1 / 16 tc0 ttl255"
      whole(result, 6)
      check.equal(cells(result, 1, "mpls", "extension"), { "-", "-" })
      check.equal(cells(result, 2, "mpls", "extension"), { words, "ok" })
      check.equal(cells(result, 3, "mpls", "extension"),
        { words, "old-style" })
      check.equal(cells(result, 4, "extension"), { "checksum wrong" })
    end
  end
end)

check.case("interfaces_and_unknown_objects", function()
  for version, address in pairs { [4] = "10.1.2.3", [6] = "2001:db8:7::3" } do
    local result = run(build.line(3, { version = version, nodes = {
      r1 = { extension = { interfaces = {
        { role = 0, index = 7, address = address, name = "xe-0/0/1",
          mtu = 9000 }, { role = 2, name = "ae1" } } } },
      r2 = { extension = { labels = STACK,
        unknown = { { class = 9, type = 1, bytes = "\10\11\12\254" } } } },
    } }), { protocol = "udp" })
    whole(result, 4)
    check.equal(cells(result, 1, "interfaces", "objects"), { "incoming "
      .. "xe-0/0/1 " .. address .. " index 7 mtu 9000, outgoing ae1", "-" })
    check.equal(cells(result, 2, "mpls", "objects", "extension"),
      { "24001 tc1 ttl1 / 16 tc0 ttl255", "9/1 0a0b0cfe", "ok" })
  end
end)

-- ---- the path MTU --------------------------------------------------------

local function mtu_line(world, options)
  options.pmtu = true
  local result, text, more = run(world, options)
  return lines(text, "Path MTU")[1], result, more
end

local function narrow(version, more)
  local nodes = { r4 = { link = { delay_ms = 1, mtu = 1400 } } }
  for key, value in pairs(more or {}) do
    nodes[key] = value
  end
  return build.line(5, { version = version, nodes = nodes })
end

check.case("mtu_drop_with_packet_too_big", function()
  for _, protocol in ipairs { "icmp", "udp", "tcp" } do
    for _, version in ipairs { 4, 6 } do
      local line, result = mtu_line(narrow(version), { protocol = protocol })
      check.equal(line, ("Path MTU 1400: reduced beyond hop 3 (%s sent "
        .. "Packet Too Big)."):format(build.router(3, version)), protocol)
      whole(result, 6)
    end
  end
end)

check.case("mtu_drop_without_packet_too_big", function()
  for _, protocol in ipairs { "icmp", "udp", "tcp" } do
    for _, version in ipairs { 4, 6 } do
      local line, result = mtu_line(narrow(version,
        { r3 = { black_hole = true } }), { protocol = protocol })
      check.equal(line, "Path MTU 1400: reduced beyond hop 3 (PMTU black "
        .. "hole: no router reports it, packets of 1401 bytes get no "
          .. "reply).", protocol)
      whole(result, 6)
    end
  end
end)

-- Port unreachables are rate-limited: that search takes longer than all else.
check.case("mtu_search_by_rate_limited_answers_is_waited_for", function()
  local w = narrow(4, { r3 = { black_hole = true } })
  w.nodes.host.rate_limit = "linux4"
  local line, _, more = mtu_line(w, { protocol = "udp" })
  check.equal(line, "Path MTU 1400: reduced beyond hop 3 (PMTU black hole: "
    .. "no router reports it, packets of 1401 bytes get no reply).")
  check.equal(more.logged[#more.logged], "path MTU: no router names it, so "
    .. "sizes are searched: up to 57 s more")
end)

check.finish()
