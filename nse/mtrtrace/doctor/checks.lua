-- SPDX-License-Identifier: BSD-2-Clause

--- Checks whether this host has what traces need. Reads files of /proc, /sys
-- and /etc and loads modules; no packet leaves this host. All access to the
-- system is passed in.
--
-- A check gives rows { name, state, text }. States are "ok"; "note": works
-- with a restriction; "lacking": something optional is missing; "broken":
-- traces are impossible.
-- @module mtrtrace.doctor.checks
local M = {}

local CAP_NET_RAW = 13

local function row(name, state, text, ...)
  return { name = name, state = state, text = text:format(...) }
end

-- Returns a file's first line without the line feed.
local function line_of(env, path)
  local text = env.read(path)
  return text and text:match "^[^\n]*"
end

local function number_of(env, path)
  return math.tointeger(tonumber(line_of(env, path)))
end

-- ---- the process ----------------------------------------------------------

local function rights(env)
  local status = env.read "/proc/self/status" or ""
  local caps = tonumber(status:match "CapEff:%s*(%x+)" or "0", 16)
  local uid = status:match "Uid:%s*%d+%s+(%d+)"
  if caps >> CAP_NET_RAW & 1 == 1 then
    return { row("rights", "ok", "CAP_NET_RAW is there (user %s)",
      uid or "?") }
  end
  return { row("rights", "note", "user %s has no CAP_NET_RAW: unprivileged "
    .. "sockets show less than raw ones (sudo)", uid or "?") }
end

local LEAST_FILES = 64

local function files(env)
  local soft = (env.read "/proc/self/limits" or "")
    :match "Max open files%s+(%d+)"
  if not soft then
    return {}
  elseif tonumber(soft) < LEAST_FILES then
    return { row("open files", "broken", "%s are allowed: at least %d "
      .. "expected (ulimit -n)", soft, LEAST_FILES) }
  end
  return { row("open files", "ok", "%s are allowed", soft) }
end

-- ---- modules --------------------------------------------------------------

-- Lua modules, with the features that are missing without each.
local MODULES = {
  { "argparse", "lua-argparse", "broken", "the command does not start" },
  { "luv", "lua-luv", "broken", "no traces by the command, no live screen" },
  { "dkjson", "lua-dkjson", "broken", "no JSON, no recordings" },
  { "lpeg", "lua-lpeg", "note", "recordings are read more slowly" },
  { "lunbound", "lua-unbound", "lacking", "no --asn cymru-dns, and no "
    .. "ASNs where port 43 is blocked" },
  { "mtrtrace.mmdb", "libmaxminddb", "lacking", "no --asn-db, no --geo-db" },
  { "mtrtrace.http", "libcurl", "lacking", "no time to first byte" },
  { "mtrtrace.httpd", "libmicrohttpd, zlib", "lacking", "no --serve" },
}

local function modules(env)
  local rows = { row("Lua", "ok", "%s", env.lua) }
  for _, module in ipairs(MODULES) do
    local ok = env.has(module[1])
    rows[#rows + 1] = row(module[1], ok and "ok" or module[3],
      ok and "is there" or "is missing (%s): %s", module[2], module[4])
  end
  return rows
end

local function engine(env)
  if not env.core then
    return { row("engine", "broken", "%s", env.core_error or "is missing") }
  end
  return { row("engine", "ok", "mtrtrace.core %s", env.core.version or "?") }
end

-- ---- sockets and capture --------------------------------------------------

-- Returns the kind of sockets that traces would use, and a protocol to test.
local function sockets(env)
  local kind, icmp = env.core.sockets(env.unprivileged and "unprivileged"
    or "auto")
  if not kind then
    return row("sockets", "broken", "%s", tostring(icmp))
  elseif kind == "raw" then
    return row("sockets", "ok", "raw"), "icmp"
  elseif icmp then
    return row("sockets", "ok", "unprivileged: ICMP, UDP and TCP"), "icmp"
  end
  return row("sockets", "note", "unprivileged: UDP and TCP; for ICMP this "
    .. "user's group is missing in net.ipv4.ping_group_range"), "udp"
end

-- Traces the loopback address to test sockets, capture and timestamps; no
-- packet leaves the host.
local function loopback(env)
  if not env.core then
    return {}
  end
  local opened, protocol = sockets(env)
  if not protocol then
    return { opened }
  end
  local ok, trace, err = pcall(env.core.trace, { target = "127.0.0.1",
    protocol = protocol, packets = 1, max_hops = 1, timeout = 1 })
  if not ok or not trace then
    return { row("sockets", "broken", "%s", tostring(ok and err or trace)) }
  end
  trace:wait(3)
  local result = trace:result()
  trace:close()
  local hop = result.hops[1]
  local reply = hop and hop.responders[1]
  if not result.reached or not reply then
    return { opened, row("capture", "broken",
      "no reply of 127.0.0.1 was captured: is the loopback interface up, or "
      .. "filtered?") }
  elseif not reply.avg_ms then
    return { opened, row("capture", "broken",
      "a reply of 127.0.0.1 has no transmit timestamp") }
  end
  return { opened, row("capture", "ok",
    "127.0.0.1 replied after %.3f ms by kernel timestamps", reply.avg_ms) }
end

-- ---- the kernel -----------------------------------------------------------

local SYSCTL = "/proc/sys/net/"

-- Reports the kernel's rate limits of ICMP errors, which affect traces to or
-- through this host.
local function icmp_limits(env)
  local rate = number_of(env, SYSCTL .. "ipv4/icmp_ratelimit")
  local all = number_of(env, SYSCTL .. "ipv4/icmp_msgs_per_sec")
  local burst = number_of(env, SYSCTL .. "ipv4/icmp_msgs_burst")
  local rate6 = number_of(env, SYSCTL .. "ipv6/icmp/ratelimit")
  if not rate then
    return { row("ICMP limits", "note", "cannot be read") }
  end
  local each = rate == 0 and "no limit for one destination"
    or ("one error in %d ms to one destination"):format(rate)
  return { row("ICMP limits", rate == 0 and "ok" or "note", "of this host's "
    .. "own errors, which others see who trace to or through it: %s, %s/s "
    .. "(burst %s) in all; IPv6 one in %s ms", each, all or "?",
    burst or "?", rate6 or "?") }
end

local function hex_address(hex)
  local a, b, c, d = hex:match "(%x%x)(%x%x)(%x%x)(%x%x)"
  return ("%d.%d.%d.%d"):format(tonumber(d, 16), tonumber(c, 16),
    tonumber(b, 16), tonumber(a, 16))
end

local function default_of(env)
  for line in (env.read "/proc/net/route" or ""):gmatch "[^\n]+" do
    local name, to, via, mask = line:match
      "^(%S+)%s+(%x+)%s+(%x+)%s+%S+%s+%S+%s+%S+%s+%S+%s+(%x+)"
    if to == "00000000" and mask == "00000000" then
      return name, hex_address(via)
    end
  end
end

local NO_ADDRESS = ("0"):rep(32)

local function default6_of(env)
  for line in (env.read "/proc/net/ipv6_route" or ""):gmatch "[^\n]+" do
    local to, length, via, name = line:match
      "^(%x+) (%x+) %x+ %x+ (%x+) %x+ %x+ %x+ %x+%s+(%S+)"
    if to == NO_ADDRESS and length == "00" and name ~= "lo" then
      return name, via ~= NO_ADDRESS
    end
  end
end

local function routes(env)
  local name, via = default_of(env)
  local name6 = default6_of(env)
  return {
    name and row("route IPv4", "ok", "by default through %s on %s", via, name)
      or row("route IPv4", "note", "no default route: only networks that "
        .. "have a route of their own can be traced"),
    name6 and row("route IPv6", "ok", "by default on %s", name6)
      or row("route IPv6", "note", "no default route"),
  }
end

local function clock(env)
  local source = line_of(env,
    "/sys/devices/system/clocksource/clocksource0/current_clocksource")
  if not source then
    return { row("clock", "note", "the kernel's clock source cannot be read") }
  elseif source == "tsc" or source == "arch_sys_counter"
    or source == "kvm-clock" then
    return { row("clock", "ok", "clock source %s", source) }
  end
  return { row("clock", "note", "clock source %s: reading it may take a "
    .. "microsecond", source) }
end

-- ---- names and look-ups ---------------------------------------------------

local function resolvers(env)
  local list = {}
  for line in (env.read "/etc/resolv.conf" or ""):gmatch "[^\n]+" do
    list[#list + 1] = line:match "^%s*nameserver%s+(%S+)"
  end
  if #list == 0 then
    return { row("DNS", "lacking", "no nameserver in /etc/resolv.conf: no "
      .. "names of hops, targets by address only") }
  end
  return { row("DNS", "ok", "%s (not queried)", table.concat(list, ", ")) }
end

-- Connects to a whois server only if the user named one.
local function whois(env)
  if not env.whois then
    return { row("port 43", "note", "not tried, as that would contact a "
      .. "server: --whois-server SERVER does") }
  end
  local ok, err = env.connect(env.whois)
  return { ok and row("port 43", "ok", "%s accepts connections", env.whois)
    or row("port 43", "lacking", "%s: %s", env.whois, err or "no answer") }
end

-- ---- Nmap -----------------------------------------------------------------

local function nmap(env)
  local said = env.nmap()
  local version = (said or ""):match "Nmap version (%S+)"
  if not version then
    return { row("Nmap", "lacking", "is not found: no nmap --script "
      .. "mtr-trace; the command works without") }
  end
  local lua = said:match "liblua%-(%d+%.%d+)" or said:match "lua%-(%d+%.%d+)"
  local rows = { row("Nmap", "ok", "%s with Lua %s", version, lua or "?") }
  local has = lua and env.finds("mtrtrace/core.so", lua)
  rows[2] = has and row("Nmap's engine", "ok", "%s", has)
    or row("Nmap's engine", "lacking", "no mtrtrace/core.so for Lua %s where "
      .. "Nmap looks: run 'make install'", lua or "?")
  local script = env.script()
  rows[3] = script and row("Nmap's script", "ok", "%s", script)
    or row("Nmap's script", "lacking", "mtr-trace.nse is not installed: run "
      .. "'make install', or name its path")
  return rows
end

local CHECKS = { rights, files, engine, modules, loopback, icmp_limits,
  routes, clock, resolvers, whois, nmap }

--- Runs all checks.
-- @tparam table env `read(path)`: a file's text or nil; `has(module)`: whether
--   it loads; `lua`: this Lua; `core` or `core_error`; `whois`: a server, or
--   nil; `connect(server)`: true, or nil and an error; `nmap()`: output of its
--   --version; `finds(file, lua)`: path at which that Lua version finds the
--   module; `script()`: path of the installed script
-- @treturn {table,...} rows
function M.run(env)
  local rows = {}
  for _, check in ipairs(CHECKS) do
    local found = check(env)
    table.move(found, 1, #found, #rows + 1, rows)
  end
  return rows
end

--- Whether traces are impossible.
-- @tparam {table,...} rows
-- @treturn boolean
function M.is_broken(rows)
  for _, r in ipairs(rows) do
    if r.state == "broken" then
      return true
    end
  end
  return false
end

return M
