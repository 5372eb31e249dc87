-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local nse = require "mtrtrace.host.nse"

-- Nmap as far as the module asks it.
local function nmap_of(changes)
  local has = { timing = 3, family = "inet", payload = 0, verbosity = 1,
    interfaces = {}, args = {} }
  for key, value in pairs(changes or {}) do
    has[key] = value
  end
  return {
    registry = { args = has.args },
    timing_level = function() return has.timing end,
    address_family = function() return has.family end,
    get_payload_length = function() return has.payload end,
    get_interface = function() return has.interface end,
    list_interfaces = function() return has.interfaces end,
    verbosity = function() return has.verbosity end,
  }
end

local function stdnse_of(said)
  return {
    sleep = function(seconds) said[#said + 1] = seconds end,
    verbose = function(level, format, ...)
      said[#said + 1] = level .. " " .. format:format(...)
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
  { name = "interface_of_e", nmap = { interface = "eth7" },
    key = "interface", want = "eth7" },
  { name = "source_is_absent_where_nmap_has_none", key = "source" },
  { name = "source_of_S", key = "source", want = "10.99.0.77",
    target = { ip = "192.0.2.9", bin_ip_src = "\10\99\0\77" } },
  { name = "source_in_ipv6", key = "source", want = "2001:db8:0:0:0:0:0:1",
    target = { ip = "2001:db8::9", interface = "eth0",
      bin_ip_src = "\32\1\13\184" .. ("\0"):rep(11) .. "\1" } },
  { name = "link_local_source_chosen_by_nmap_is_left_out", key = "source",
    target = { ip = "2001:db8::9", interface = "eth0",
      bin_ip_src = "\254\128" .. ("\0"):rep(13) .. "\1" } },
  { name = "size_is_the_engines_default", key = "size" },
  { name = "data_length_enlarges_icmp", nmap = { payload = 100 },
    key = "size", want = 164 },
  { name = "data_length_enlarges_udp", key = "size", want = 50,
    nmap = { payload = 10, args = { ["mtr-trace.protocol"] = "udp" } } },
  { name = "data_length_enlarges_tcp_in_ipv6", key = "size", want = 74,
    nmap = { payload = 10, family = "inet6",
      args = { ["mtr-trace.protocol"] = "tcp" } } },
  { name = "size_wins_over_data_length", key = "size", want = 200,
    nmap = { payload = 10, args = { ["mtr-trace.size"] = "200" } } },
  { name = "zone_of_e", nmap = { interface = "eth7" }, key = "target",
    target = { ip = LINK }, want = "fe80::9%eth7" },
  { name = "zone_where_nmap_found_the_target", key = "target",
    target = { ip = LINK, interface = "eth3" }, want = "fe80::9%eth3" },
}
check.rows(OPTIONS, function(row)
  local host = host_of(row.nmap)
  local options, err = host:options(host:arguments(), row.target or V4)
  check.equal(err, nil)
  check.equal(options[row.key], row.want)
end)

check.case("link_local_target_on_no_known_interface_is_an_error", function()
  local host = host_of()
  local options, err = host:options(host:arguments(), { ip = LINK })
  check.equal(options, nil)
  check.equal(err, "fe80::9 is a link-local address: name its interface "
    .. "with -e")
end)

check.case("arguments_stay_as_they_are", function()
  local host = host_of { timing = 0 }
  local arguments = host:arguments()
  host:options(arguments, V4)
  check.equal({ arguments.interval, #arguments.columns }, { nil, 11 })
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

check.finish()
