-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local fake_http = require "fake_http"
local nse = require "mtrtrace.host.nse"

package.loaded["mtrtrace.http"] = fake_http.new {}

-- Nmap as far as the module asks it.
local function nmap_of(changes)
  local has = { timing = 3, family = "inet", payload = 0, verbosity = 1,
    interfaces = {}, args = {} }
  for key, value in pairs(changes or {}) do
    has[key] = value
  end
  return {
    registry = { args = has.args },
    clock = function() return 0 end,
    timing_level = function() return has.timing end,
    address_family = function() return has.family end,
    get_payload_length = function() return has.payload end,
    get_interface = function() return has.interface end,
    get_ttl = function() return has.ttl or 64 end,
    list_interfaces = function() return has.interfaces end,
    verbosity = function() return has.verbosity end,
    is_privileged = function() return has.privileged ~= false end,
    get_ports = function(_, last, protocol, state)
      local found = last == nil
      for _, port in ipairs(has.scanned or {}) do
        if found and port.protocol == protocol and port.state == state then
          return port
        end
        found = found or port == last
      end
    end,
    get_port_state = function(_, port)
      return has.ports and { state = has.ports[port.number] }
    end,
  }
end

local function stdnse_of(said)
  return {
    sleep = function(seconds) said[#said + 1] = seconds end,
    verbose = function(level, format, ...)
      said[#said + 1] = level .. " " .. format:format(...)
    end,
    debug1 = function(format, ...)
      said[#said + 1] = "debug " .. format:format(...)
    end,
    verbose1 = function(format, ...)
      said[#said + 1] = "1 " .. format:format(...)
    end,
  }
end

local function host_of(changes, said)
  return nse.new(nmap_of(changes), stdnse_of(said or {}))
end

local V4 = { ip = "192.0.2.9" }
local LINK = [[fe80::9]]

local CORE = { token_interval_s = 1.05 }

local OPTIONS = {
  { name = "target_is_the_address", key = "target", want = "192.0.2.9" },
  { name = "columns_stay_behind", key = "columns" },
  { name = "packets_are_handed_on", key = "packets", want = 10 },
  { name = "T3_is_the_engines_own_pace", key = "interval" },
  { name = "T4_is_the_engines_own_pace", nmap = { timing = 4 },
    key = "interval" },
  { name = "T0", nmap = { timing = 0 }, key = "interval", want = 5 },
  { name = "T1", nmap = { timing = 1 }, key = "interval", want = 1.05 },
  { name = "T2", nmap = { timing = 2 }, key = "interval", want = 0.4 },
  { name = "T5", nmap = { timing = 5 }, key = "interval", want = 0.05 },
  { name = "interval_wins_over_T", key = "interval", want = 2,
    nmap = { timing = 0, args = { ["mtr-trace.interval"] = "2s" } } },
  { name = "max_hops_by_default", key = "max_hops", want = 30 },
  { name = "ttl_bounds_the_hops", nmap = { ttl = 12 }, key = "max_hops",
    want = 12 },
  { name = "max_hops_wins_over_ttl", key = "max_hops", want = 30,
    nmap = { ttl = 12, args = { ["max-hops"] = "30" } } },
  { name = "ttl_before_the_first_hop", key = "max_hops", want = 5,
    nmap = { ttl = 3, args = { ["mtr-trace.first-hop"] = "5" } } },
  { name = "interface_of_e", nmap = { interface = "eth7" },
    key = "interface", want = "eth7" },
  { name = "source_is_absent_where_nmap_has_none", key = "source" },
  { name = "source_of_S", key = "source", want = "10.99.0.77",
    target = { ip = "192.0.2.9", bin_ip_src = "\10\99\0\77" } },
  { name = "source_in_ipv6", key = "source", want = "2001:db8::1",
    target = { ip = "2001:db8::9", interface = "eth0",
      bin_ip_src = "\32\1\13\184" .. ("\0"):rep(11) .. "\1" } },
  { name = "link_local_source_chosen_by_nmap_is_left_out", key = "source",
    target = { ip = "2001:db8::9", interface = "eth0",
      bin_ip_src = "\254\128" .. ("\0"):rep(13) .. "\1" } },
  { name = "size_is_the_engines_default", key = "size" },
  { name = "data_length_of_nmap", nmap = { payload = 100 },
    key = "data_length", want = 100 },
  { name = "size_beside_data_length", key = "size", want = 200,
    nmap = { payload = 10, args = { ["mtr-trace.size"] = "200" } } },
  { name = "zone_of_e", nmap = { interface = "eth7" }, key = "target",
    target = { ip = LINK }, want = "fe80::9%eth7" },
  { name = "zone_where_nmap_found_the_target", key = "target",
    target = { ip = LINK, interface = "eth3" }, want = "fe80::9%eth3" },
}
check.rows(OPTIONS, function(row)
  local host = host_of(row.nmap)
  local options, err = host:options(host:arguments(), row.target or V4,
    CORE)
  check.equal(err, nil)
  check.equal(options[row.key], row.want)
end)

check.case("link_local_target_on_no_known_interface_is_an_error", function()
  local host = host_of()
  local options, err = host:options(host:arguments(), { ip = LINK }, CORE)
  check.equal(options, nil)
  check.equal(err, "fe80::9 is a link-local address: name its interface "
    .. "with -e")
end)

check.case("arguments_stay_as_they_are", function()
  local host = host_of { timing = 0 }
  local arguments = host:arguments()
  host:options(arguments, V4, CORE)
  check.equal({ arguments.interval, #arguments.columns }, { nil, 11 })
end)

check.case("short_key_that_others_have_is_said_once", function()
  local said = {}
  local host = host_of({ args = { port = "443", packets = "3" } }, said)
  for _ = 1, 2 do
    local options = assert(host:arguments())
    check.equal({ options.port, options.packets }, { nil, 3 })
  end
  check.equal(said, { "debug port is not read, because other scripts have an "
    .. "argument of that name: use mtr-trace.port" })
end)

check.case("bad_argument_is_answered_once_per_run", function()
  local host = host_of()
  check.equal({ select(2, host:refuse "x") }, { "ERROR: x" })
  check.equal({ host:refuse "x" }, {})
end)

check.case("run_is_shared_by_all_targets", function()
  local nmap = nmap_of()
  nse.new(nmap, stdnse_of {}):refuse "x"
  check.equal({ nse.new(nmap, stdnse_of {}):refuse "x" }, {})
end)

check.case("lack_of_privilege_is_said_once_and_in_the_log", function()
  local said = {}
  local host = host_of(nil, said)
  check.equal({ host:fail("no rights", "PERMISSION") }, {})
  check.equal({ host:fail("no rights", "PERMISSION") }, {})
  check.equal(said, { "1 not running for lack of privileges: no rights" })
end)

check.case("other_errors_are_answered_for_each_target", function()
  local host = host_of()
  for _ = 1, 2 do
    check.equal({ select(2, host:fail("no route", "NOROUTE")) },
      { "ERROR: no route" })
  end
end)

check.case("error_about_the_size_names_its_argument", function()
  check.equal({ select(2, host_of():fail("size 28 is too small",
    "BADSIZE")) }, { "ERROR: mtr-trace.size: size 28 is too small" })
end)

check.case("no_sleep_is_under_60_ms", function()
  local said = {}
  local host = host_of(nil, said)
  host.sleep(0.01)
  host.sleep(0.1)
  check.equal(said, { 0.06, 0.1 })
end)

check.case("hops_are_logged_at_v_and_not_below", function()
  local said = {}
  check.equal(host_of({ verbosity = 1 }).verbose(), false)
  check.equal(host_of({ verbosity = 2 }).verbose(), true)
  host_of(nil, said).log("100 %")
  check.equal(said, { "2 100 %" })
end)

-- ---- what runs beside a trace --------------------------------------------

local function enrichers_of(args, target)
  local host = host_of { args = args }
  local given = host:arguments()
  local core = { version = "0.0.0" }
  return host:enrichers(given, host:options(given, target or V4, core), core,
    target or V4)
end

local function settings_of(args, target)
  return enrichers_of(args, target)[2].settings
end

check.case("os_guess_runs_beside_the_look_ups", function()
  check.equal(#enrichers_of { ["mtr-trace.http"] = "off" }, 2)
  local settings = settings_of {}
  check.equal({ settings.mode, settings.snmp, settings.target_mac,
    settings.nmap_os }, { "echo", false })
end)

check.case("os_off_leaves_the_look_ups_alone", function()
  check.equal(#enrichers_of { ["mtr-trace.os"] = "off",
    ["mtr-trace.http"] = "off" }, 1)
end)

check.case("web_server_is_asked_as_nmap_was_told", function()
  local list = enrichers_of({}, { ip = "192.0.2.9",
    targetname = "www.example.com" })
  local settings = list[3].settings
  check.equal({ #list, settings.address, settings.name, settings.count,
    settings.timeout, settings.method, settings.agent }, { 3, "192.0.2.9",
    "www.example.com", 1, 10, "GET", "mtr-trace/0.0.0" })
end)

check.case("user_agent_of_nmaps_http_counts", function()
  local settings = enrichers_of({ ["http.useragent"] = "Ours/1\27[1m" },
    { ip = "192.0.2.9" })[3].settings
  check.equal(settings.agent, "Ours/1[1m")
end)

check.case("ports_that_nmap_knows_are_handed_on", function()
  local host = host_of { ports = { [443] = "closed", [80] = "open" } }
  local given = host:arguments()
  local closed = host:enrichers(given, host:options(given, V4, CORE),
    { version = "0" }, V4)[3].settings.closed
  check.equal({ closed(443), closed(80), closed(81) }, { true, false, false })
end)

check.case("snmp_is_asked_for_with_yes", function()
  check.equal(settings_of { ["mtr-trace.snmp"] = "yes" }.snmp, true)
end)

check.case("what_nmap_knows_of_the_target_is_handed_on", function()
  local settings = settings_of({}, { ip = "192.0.2.9", mac_addr = "\0\0\12abc",
    os = { { name = "Linux 5.4", classes = {} }, { name = "Linux 6.1" } } })
  check.equal({ settings.target_mac, settings.nmap_os },
    { "00:00:0c:61:62:63", { name = "Linux 5.4" } })
end)

check.case("database_that_cannot_be_read_is_said", function()
  local none, err = enrichers_of { ["mtr-trace.asn-db"] = "/nonexistent" }
  check.equal(none, nil)
  check.contains(err, "mtr-trace.asn-db: ")
end)

check.case("filtered_ports_are_those_of_nmap_s_scan", function()
  local host = host_of { args = { ["mtr-trace.ports"] = "filtered",
      ["mtr-trace.max-ports"] = "2" },
    scanned = { { protocol = "tcp", number = 22, state = "open" },
      { protocol = "udp", number = 53, state = "filtered" },
      { protocol = "tcp", number = 25, state = "filtered" },
      { protocol = "tcp", number = 26, state = "filtered" } } }
  local given = assert(host:arguments())
  local list = host:enrichers(given, host:options(given, V4),
    { version = "0" }, V4)
  local ports = list[#list]
  local names = {}
  for i, port in ipairs(ports.list) do
    names[i] = ("%s/%d %s"):format(port.protocol, port.port, port.state)
  end
  check.equal({ names, ports.left_out }, { { "tcp/25 filtered",
    "tcp/26 filtered" }, 1 })
end)

local function with_file(path)
  local nmap = nmap_of()
  local asked = 0
  function nmap.fetchfile(name)
    asked = asked + 1
    return name == "nmap-mac-prefixes" and path or nil
  end
  local host = nse.new(nmap, stdnse_of {})
  return host, function() return asked end
end

check.case("mac_prefixes_are_read_once_in_a_run", function()
  local path = os.tmpname()
  local file = io.open(path, "w")
  file:write("00000C Cisco Systems\n")
  file:close()
  local host, asked = with_file(path)
  local texts = { host.mac_prefixes(), host.mac_prefixes() }
  os.remove(path)
  check.equal({ texts, asked() },
    { { "00000C Cisco Systems\n", "00000C Cisco Systems\n" }, 1 })
end)

check.case("missing_mac_prefixes_are_no_error", function()
  local host = with_file("/nonexistent/file")
  check.equal({ host.mac_prefixes(), (with_file()).mac_prefixes() }, {})
end)

local function exchanged(answers)
  local nmap, calls = nmap_of(), {}
  function nmap.new_socket()
    return setmetatable({}, { __index = function(_, name)
      return function(_, ...)
        calls[#calls + 1] = name .. " " .. table.concat({ ... }, " ")
        return table.unpack(answers[name] or {})
      end
    end })
  end
  local host = nse.new(nmap, stdnse_of {})
  return host.exchange("192.0.2.1", 161, "ping", 1), calls
end

check.case("exchange_is_one_datagram_and_its_answer", function()
  local answer, calls = exchanged { connect = { true }, send = { true },
    receive = { true, "pong" } }
  check.equal({ answer, calls }, { "pong", { "set_timeout 1000",
    "connect 192.0.2.1 161 udp", "send ping", "receive ", "close " } })
end)

check.case("exchange_without_an_answer_is_nil_and_closes", function()
  for _, answers in ipairs { { connect = { false, "no route" } },
    { connect = { true }, send = { true }, receive = { false, "TIMEOUT" } } }
  do
    local answer, calls = exchanged(answers)
    check.equal({ answer, calls[#calls] }, { nil, "close " })
  end
end)


-- ---- sockets ---------------------------------------------------------------

for _, row in ipairs {
  { name = "privileged_means_raw_sockets_where_possible", want = "auto" },
  { name = "unprivileged_means_no_raw_sockets", privileged = false,
    want = "unprivileged" },
} do
  check.case(row.name, function()
    local wanted
    local host = host_of { privileged = row.privileged }
    host:arguments()
    host:sockets({ protocol = "icmp" }, { sockets = function(kind)
      wanted = kind
      return "raw", true
    end })
    check.equal(wanted, row.want)
  end)
end

check.case("a_change_of_protocol_is_said_once", function()
  local said = {}
  local host = host_of({ privileged = false }, said)
  local options = host:arguments()
  local core = { sockets = function() return "unprivileged", false end }
  check.equal({ host:sockets(options, core) ~= nil, options.protocol },
    { true, "udp" })
  host:sockets(host:arguments(), core)
  check.equal(#said, 1)
  check.contains(said[1], "probes are UDP")
end)

check.finish()
