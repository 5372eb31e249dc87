-- SPDX-License-Identifier: BSD-2-Clause
-- What --doctor says of hosts that have and lack things.
local check = require "check"
local checks = require "mtrtrace.doctor.checks"
local report = require "mtrtrace.doctor.report"

local FILES = {
  ["/proc/self/status"] = "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000002000\n",
  ["/proc/self/limits"] = "Max open files            1024    4096   files\n",
  ["/proc/sys/net/ipv4/icmp_ratelimit"] = "1000\n",
  ["/proc/sys/net/ipv4/icmp_msgs_per_sec"] = "1000\n",
  ["/proc/sys/net/ipv4/icmp_msgs_burst"] = "50\n",
  ["/proc/sys/net/ipv6/icmp/ratelimit"] = "1000\n",
  ["/proc/net/route"] = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\t"
    .. "Metric\tMask\n" .. "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t"
    .. "00000000\t0\t0\t0\n",
  ["/proc/net/ipv6_route"] = ("0"):rep(32) .. " 00 " .. ("0"):rep(32)
    .. " 00 " .. "fe80" .. ("0"):rep(27) .. "1 00000400 00000003 00000000 "
    .. "00000003     eth0\n",
  ["/etc/resolv.conf"] = "# nameserver\nnameserver 192.0.2.53\n",
  ["/sys/devices/system/clocksource/clocksource0/current_clocksource"]
    = "tsc\n",
}

local function core_of(reply, kind, icmp)
  return { version = "1.0", sockets = function()
    return kind or "raw", icmp ~= false
  end, trace = function()
    return { wait = function() end, close = function() end,
      result = function()
        return { reached = reply ~= nil,
          hops = { { responders = { reply } } } }
      end }
  end }
end

local function run(changes, files)
  local env = { lua = "Lua 5.4", has = function() return true end,
    core = core_of { avg_ms = 0.02 }, read = function(path)
      if files and files[path] ~= nil then
        return files[path] or nil
      end
      return FILES[path]
    end, nmap = function()
      return "Nmap version 7.95 ( https://nmap.org )\nCompiled with: "
        .. "liblua-5.4.6 openssl-3.0\n"
    end, finds = function(_, lua) return "/x/" .. lua .. "/core.so" end,
    script = function() return "/x/mtr-trace.nse" end }
  for key, value in pairs(changes or {}) do
    env[key] = value
  end
  local rows, by_name = checks.run(env), {}
  for _, row in ipairs(rows) do
    by_name[row.name] = row.state .. ": " .. row.text
  end
  return by_name, rows
end

check.case("a_host_that_has_all_is_usable", function()
  local by_name, rows = run()
  check.equal(checks.is_broken(rows), false)
  check.equal(by_name["rights"], "ok: CAP_NET_RAW is there (user 0)")
  check.equal(by_name["route IPv4"],
    "ok: by default through 192.0.2.1 on eth0")
  check.equal(by_name["route IPv6"], "ok: by default on eth0")
  check.equal(by_name["DNS"], "ok: 192.0.2.53 (not queried)")
  check.equal(by_name["Nmap"], "ok: 7.95 with Lua 5.4")
  check.equal(by_name["Nmap's engine"], "ok: /x/5.4/core.so")
  check.contains(by_name["ICMP limits"], "one error in 1000 ms to one "
    .. "destination, 1000/s (burst 50) in all; IPv6 one in 1000 ms")
  check.contains(by_name["port 43"], "note: not tried")
end)

local function none()
  return nil
end

local ROWS = {
  { name = "no_rights", files = { ["/proc/self/status"] =
    "Uid:\t1000\t1000\nCapEff:\t0000000000000000\n" }, row = "rights",
    want = "note: user 1000 has no CAP_NET_RAW: unprivileged sockets show "
    .. "less than raw ones (sudo)", usable = true },
  { name = "raw_sockets", row = "sockets", want = "ok: raw", usable = true },
  { name = "unprivileged_sockets", env = { core = core_of({ avg_ms = 1 },
    "unprivileged") }, row = "sockets",
    want = "ok: unprivileged: ICMP, UDP and TCP", usable = true },
  { name = "no_ping_sockets", env = { core = core_of({ avg_ms = 1 },
    "unprivileged", false) }, row = "sockets",
    want = "note: unprivileged: UDP and TCP; for ICMP this user's group is "
    .. "missing in net.ipv4.ping_group_range", usable = true },
  { name = "no_sockets", env = { core = { sockets = function()
    return nil, "cannot open an epoll: Too many open files" end } },
    row = "sockets",
    want = "broken: cannot open an epoll: Too many open files" },
  { name = "few_files", files = { ["/proc/self/limits"] =
    "Max open files            32    32   files\n" }, row = "open files",
    want = "broken: 32 are allowed: at least 64 expected (ulimit -n)" },
  { name = "no_engine", env = { core = false, core_error = "x is missing" },
    row = "engine", want = "broken: x is missing" },
  { name = "a_module_is_missing", env = { has = function(name)
    return name ~= "luv" end }, row = "luv", want = "broken: is missing "
    .. "(lua-luv): no traces by the command, no live screen" },
  { name = "sockets_refused", env = { core = { sockets = function()
    return "raw", true end, trace = function()
    return nil, "cannot open a raw socket: Operation not permitted" end } },
    row = "sockets",
    want = "broken: cannot open a raw socket: Operation not permitted" },
  { name = "nothing_is_captured", env = { core = core_of(nil) },
    row = "capture", want = "broken: no reply of 127.0.0.1 was captured: is "
    .. "the loopback interface up, or filtered?" },
  { name = "no_route", files = { ["/proc/net/route"] = "" },
    row = "route IPv4", want = "note: no default route: only networks that "
    .. "have a route of their own can be traced", usable = true },
  { name = "no_resolver", files = { ["/etc/resolv.conf"] = "" }, row = "DNS",
    want = "lacking: no nameserver in /etc/resolv.conf: no names of hops, "
    .. "targets by address only", usable = true },
  { name = "no_nmap", env = { nmap = none }, row = "Nmap",
    want = "lacking: is not found: no nmap --script mtr-trace; the command "
    .. "works without", usable = true },
  { name = "whois_refused", env = { whois = "192.0.2.1:43",
    connect = function() return nil, "refused" end }, row = "port 43",
    want = "lacking: 192.0.2.1:43: refused", usable = true },
}
check.rows(ROWS, function(row)
  local by_name, rows = run(row.env, row.files)
  check.equal(by_name[row.row], row.want)
  check.equal(checks.is_broken(rows), not row.usable)
end)

check.case("nothing_can_be_read_and_nothing_raises", function()
  local _, rows = run { read = none, core = false, nmap = none, has = none }
  check.equal(checks.is_broken(rows), true)
  check.contains(report.text(rows), "broken   engine")
end)

check.finish()
