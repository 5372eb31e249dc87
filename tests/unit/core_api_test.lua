-- SPDX-License-Identifier: BSD-2-Clause
-- The C module at its border, without a network: misuse raises and names the
-- option, what the world refuses is nil, a sentence and a name. No case here
-- gets as far as a packet.
local check = require "check"
local core = require "mtrtrace.core"
local csv = require "mtrtrace.report.csv"
local format = require "mtrtrace.base.format"
local sample = require "sample"

local ADDRESS = "192.0.2.1"

local function with(key, value)
  return { target = ADDRESS, [key] = value }
end

local MISUSE = {
  { name = "target_missing", options = {}, part = "option 'target'" },
  { name = "target_not_text", options = { target = 1 },
    part = "option 'target' is 1: a string expected" },
  { name = "unknown_option", options = with("packet", 1),
    part = "unknown option 'packet'" },
  { name = "option_without_a_name", options = { ADDRESS },
    part = "unknown option" },
  { name = "packets_zero", options = with("packets", 0),
    part = "option 'packets' is 0: a whole number from 1 to 100000" },
  { name = "packets_text", options = with("packets", "10"),
    part = "option 'packets' is 10" },
  { name = "packets_fraction", options = with("packets", 1.5),
    part = "option 'packets' is 1.5" },
  { name = "packets_huge", options = with("packets", 2 ^ 53),
    part = "option 'packets'" },
  { name = "timeout_zero", options = with("timeout", 0),
    part = "option 'timeout' is 0: seconds from 0.001 to 3600" },
  { name = "timeout_negative", options = with("timeout", -1),
    part = "option 'timeout' is -1" },
  { name = "timeout_not_a_number", options = with("timeout", 0 / 0),
    part = "option 'timeout'" },
  { name = "timeout_endless", options = with("timeout", math.huge),
    part = "option 'timeout' is inf" },
  { name = "interval_text", options = with("interval", "1s"),
    part = "option 'interval' is 1s" },
  { name = "protocol_unknown", options = with("protocol", "sctp"),
    part = "option 'protocol' is sctp: icmp, udp, tcp or tcp-session expected"
  },
  { name = "size_with_tcp_session", options = { target = "127.0.0.1",
    protocol = "tcp-session", size = 60 },
    part = "option 'size' does not go with protocol tcp-session" },
  { name = "source_port_of_tcp_session_that_the_capture_does_not_know",
    options = { target = "127.0.0.1", protocol = "tcp-session",
      source_port = 40000 },
    part = "option 'source_port' is 40000: from 28672 to 32767 expected" },
  { name = "protocol_boolean", options = with("protocol", true),
    part = "option 'protocol' is true" },
  { name = "port_with_icmp", options = with("port", 80),
    part = "do not go with protocol icmp" },
  { name = "source_port_with_icmp", options = with("source_port", 80),
    part = "do not go with protocol icmp" },
  { name = "ecn_with_icmp", options = with("ecn", "yes"),
    part = "option 'ecn' goes with protocol tcp alone" },
  { name = "udp_payload_with_icmp", options = with("udp_payload", "dns"),
    part = "option 'udp_payload' goes with protocol udp alone" },
  { name = "udp_payload_unknown", options = { target = ADDRESS,
    protocol = "udp", udp_payload = "tftp" }, part = "option 'udp_payload' "
      .. "is tftp: auto, plain, dns, quic, ntp, stun or snmp expected" },
  { name = "port_out_of_range", options = { target = ADDRESS,
    protocol = "udp", port = 65536 }, part = "option 'port' is 65536" },
  { name = "tos_out_of_range", options = with("tos", 256),
    part = "option 'tos' is 256" },
  { name = "mark_of_33_bits", options = with("mark", 1 << 32),
    part = "option 'mark' is 4294967296" },
  { name = "first_hop_above_max_hops", options = { target = ADDRESS,
    first_hop = 3, max_hops = 2 }, part = "option 'first_hop' is 3" },
  { name = "data_length_negative", options = with("data_length", -1),
    part = "option 'data_length' is -1: a whole number from 0 to 65471" },
  { name = "size_out_of_range", options = with("size", 65536),
    part = "option 'size' is 65536" },
  { name = "events_number", options = with("events", 1),
    part = "option 'events' is 1: true or false" },
}

check.rows(MISUSE, function(row)
  local ok, err = pcall(core.trace, row.options)
  check.equal(ok, false)
  check.contains(err, row.part)
end)

for _, value in ipairs { false, ADDRESS, 1 } do
  check.case("options_are_a_table_not_" .. tostring(value), function()
    check.equal(pcall(core.trace, value), false)
  end)
end

local WORLD = {
  { name = "target_no_address", options = { target = "example.com" },
    err = "BADADDRESS", part = "target 'example.com'" },
  { name = "target_empty", options = { target = "" }, err = "BADADDRESS",
    part = "target ''" },
  { name = "target_very_long", options = { target = ("1"):rep(5000) },
    err = "BADADDRESS", part = "target '111" },
  { name = "source_no_address", options = with("source", "here"),
    err = "BADADDRESS", part = "source 'here'" },
  { name = "source_of_another_family", options = with("source", "::1"),
    err = "BADADDRESS", part = "different families" },
  { name = "interface_unknown", options = with("interface", "nosuch0"),
    err = "NODEVICE", part = "no such interface: nosuch0" },
  { name = "interface_very_long", options = with("interface",
    ("x"):rep(300)), err = "NODEVICE", part = "no such interface: xxx" },
  { name = "zone_unknown", options = { target = "fe80::1%nosuch0" },
    err = "NODEVICE", part = "no such interface: nosuch0" },
  { name = "size_below_the_minimum", options = with("size", 28),
    err = "BADSIZE", part = "size 28 is too small" },
  { name = "size_below_the_minimum_v6", options = { target = "2001:db8::1",
    protocol = "tcp", size = 50 }, err = "BADSIZE", part = "size 50" },
  { name = "size_of_a_service", options = { target = ADDRESS,
    protocol = "udp", udp_payload = "dns", size = 100 }, err = "BADSIZE",
    part = "size 100 does not go with udp_payload dns: 62 expected" },
  { name = "size_below_a_service's", options = { target = "2001:db8::1",
    protocol = "udp", udp_payload = "quic", size = 1247 }, err = "BADSIZE",
    part = "size 1247 is too small: at least 1248 expected" },
  { name = "random_size_below_the_minimum", options = with("size", -28),
    err = "BADSIZE", part = "size 28 is too small" },
  { name = "random_size_of_tcp_beyond_its_step", options = { target = "::1",
    protocol = "tcp", size = -320 }, err = "BADSIZE",
    part = "size -320 is too large for tcp: at most -319 expected" },
}

check.rows(WORLD, function(row)
  local trace, text, name = core.trace(row.options)
  check.equal({ trace, name }, { nil, row.err })
  check.contains(text, row.part)
end)

local PATHS_MISUSE = {
  { name = "paths_without_a_target", options = {},
    part = "option 'target'" },
  { name = "paths_takes_no_packets", options = with("packets", 3),
    part = "unknown option 'packets'" },
  { name = "paths_confidence_too_low", options = with("confidence", 0.4),
    part = "option 'confidence': a number from 0.5 to 0.999" },
  { name = "paths_confidence_of_1", options = with("confidence", 1),
    part = "option 'confidence'" },
  { name = "paths_confidence_text", options = with("confidence", "0.95"),
    part = "option 'confidence'" },
  { name = "paths_confidence_not_a_number", part = "option 'confidence'",
    options = with("confidence", 0 / 0) },
  { name = "paths_of_one_flow", options = with("max_flows", 1),
    part = "option 'max_flows' is 1" },
  { name = "paths_of_too_many_probes", options = with("max_probes", 30001),
    part = "option 'max_probes' is 30001" },
}

check.rows(PATHS_MISUSE, function(row)
  local ok, err = pcall(core.paths, row.options)
  check.equal(ok, false)
  check.contains(err, row.part)
end)

check.case("paths_to_no_address_is_an_answer", function()
  local search, text, name = core.paths { target = "example.com" }
  check.equal({ search, name }, { nil, "BADADDRESS" })
  check.contains(text, "target 'example.com'")
end)

for name, value in pairs { nothing = {}, text = { "trace" },
  a_file = { io.stdout } } do
  check.case("merge_takes_traces_not_" .. name, function()
    check.equal(pcall(core.merge, value), false)
  end)
end

check.case("merge_takes_a_list", function()
  check.equal(pcall(core.merge), false)
  check.equal(pcall(core.merge, 1), false)
end)

local ASK_MISUSE = {
  { name = "ask_without_an_address", options = {},
    part = "option 'address' is missing" },
  { name = "ask_unknown_option", options = { address = ADDRESS, port = 1 },
    part = "unknown option 'port'" },
  { name = "ask_unknown_mode", part = "option 'mode' is loud: echo or active",
    options = { address = ADDRESS, mode = "loud" } },
  { name = "ask_mark_of_33_bits", part = "option 'mark' is 4294967296",
    options = { address = ADDRESS, mark = 1 << 32 } },
  { name = "ask_timeout_zero", part = "option 'timeout' is 0",
    options = { address = ADDRESS, timeout = 0 } },
  { name = "ask_address_not_text", options = { address = {} },
    part = "option 'address' is table" },
}

check.rows(ASK_MISUSE, function(row)
  local ok, err = pcall(core.fingerprint, row.options)
  check.equal(ok, false)
  check.contains(err, row.part)
end)

local ASK_WORLD = {
  { name = "ask_of_no_address", options = { address = "nowhere" },
    err = "BADADDRESS", part = "address 'nowhere'" },
  { name = "ask_from_another_family", err = "BADADDRESS",
    options = { address = ADDRESS, source = "::1" },
    part = "different families" },
  { name = "ask_through_no_interface", err = "NODEVICE",
    options = { address = ADDRESS, interface = "nosuch0" },
    part = "no such interface: nosuch0" },
}

check.rows(ASK_WORLD, function(row)
  local ask, text, name = core.fingerprint(row.options)
  check.equal({ ask, name }, { nil, row.err })
  check.contains(text, row.part)
end)

local PMTU_MISUSE = {
  { name = "pmtu_without_a_target", options = {},
    part = "option 'target' is missing" },
  { name = "pmtu_unknown_option", options = with("size", 900),
    part = "unknown option 'size'" },
  { name = "pmtu_without_probes", options = with("max_probes", 0),
    part = "option 'max_probes' is 0" },
  { name = "pmtu_hold_text", options = with("hold", "yes"),
    part = "option 'hold' is yes" },
}

check.rows(PMTU_MISUSE, function(row)
  local ok, err = pcall(core.pmtu, row.options)
  check.equal(ok, false)
  check.contains(err, row.part)
end)

check.case("exit_flushes_and_waits_for_nobody", function()
  local program = ([[
package.cpath = %q
io.stdout:setvbuf("full")
io.write("the end")
local open = setmetatable({}, { __gc = function() io.write(", closed") end })
require "mtrtrace.core".exit(7, open)]]):format(package.cpath)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(program)
  file:close()
  local out = io.popen(("'%s' '%s'"):format(arg[-1], path))
  local text = out:read "a"
  local _, how, status = out:close()
  os.remove(path)
  check.equal({ text, how, status }, { "the end", "exit", 7 })
  for _, bad in ipairs { -1, 256, "no" } do
    check.equal(pcall(core.exit, bad), false)
  end
end)

check.case("neighbour_that_is_none_is_nil", function()
  check.equal({ core.neighbour("198.51.100.77"), core.neighbour("::1"),
    core.neighbour("no address") }, {})
end)

check.case("interfaces_know_the_loopback", function()
  local loopback
  for _, interface in ipairs(core.interfaces()) do
    check.equal(type(interface.name), "string")
    check.equal(type(interface.up), "boolean")
    if interface.loopback then
      loopback = interface
    end
  end
  check.equal(loopback.name, "lo")
  check.equal(loopback.mtu, 65536)
end)

check.case("tokens_of_known_routers_come_once_a_second", function()
  check.equal(core.token_interval_s, 1.05)
end)

check.case("defaults_are_those_of_the_documentation", function()
  check.equal({ core.interval_s, core.packets }, { 0.1, 10 })
end)

check.case("version_is_text", function()
  check.contains(core.version, ".")
end)

check.case("its_own_kind_of_value_only", function()
  for _, kind in ipairs { "mtrtrace.trace", "mtrtrace.fingerprint",
    "mtrtrace.pmtu", "mtrtrace.paths" } do
    local methods = debug.getregistry()[kind].__index
    for name, method in pairs(methods) do
      local ok, err = pcall(method, io.stdout)
      check.equal(ok, false, name)
      check.contains(err, kind)
    end
  end
end)

-- ---- lines of cells --------------------------------------------------------

-- Where both must agree: ties of the last place, magnitudes, random values.
local function numbers()
  local list = { 0, -0.0, 5, -3, 0.1, 1 / 3, -1 / 3, 1e-7, -1e-7, 4.9999995e-7,
    5e-7, 0.9999995, 0.9999994999, 999999.9999995, 1e6, 1e15, 1e22, 1e300,
    -1e300, 2 ^ -7, 3 * 2 ^ -7, 2 ^ -20, 1 << 53, math.maxinteger, 1 / 0,
    -1 / 0, 0 / 0 }
  for i = 1, 20000 do
    local units = (i * 7919 % 1000003) * (i % 7 == 0 and 1e3 or 1)
    list[#list + 1] = units / 1e6 -- as round trips are
    list[#list + 1] = (units + 0.5) / 1e6
    list[#list + 1] = -(units + 0.5) / 2 ^ (i % 40)
    list[#list + 1] = units / 3 * 10.0 ^ (i % 30 - 15)
  end
  return list
end

check.case("line_writes_a_number_as_format_decimal_does", function()
  local wrong
  for _, value in ipairs(numbers()) do
    local text, want = core.line({ value }, 1), format.decimal(value) or ""
    wrong = wrong or text ~= want and ("%.17g: %s, not %s"):format(value, text,
      want) or nil
  end
  check.equal(wrong, nil)
end)

check.case("line_has_a_comma_between_two_cells_and_nothing_for_nil",
function()
  check.equal({ core.line({ "a", nil, 1.5, "" }, 4), core.line({}, 3),
    core.line({ "a" }, 1), core.line({ ("x"):rep(5000), "y" }, 2) },
    { "a,,1.5,", ",,", "a", ("x"):rep(5000) .. ",y" })
  for _, bad in ipairs { 0, 1001, "no" } do
    check.equal(pcall(core.line, {}, bad), false)
  end
  check.equal(pcall(core.line, "a", 1), false)
end)

check.case("csv_is_the_same_with_the_lines_of_the_engine", function()
  local hop = sample.hop(1, { sample.responder("192.0.2.1", { name = "a,b",
    special = "documentation", avg_ms = 1 / 3 }) }, { loss = 1 / 3 })
  local result = sample.result { hop, sample.silent(2) }
  local view = { name = "=x" }
  check.equal(csv.open({ line = core.line }).trace(result, view),
    csv.open({}).trace(result, view))
end)

check.finish()
