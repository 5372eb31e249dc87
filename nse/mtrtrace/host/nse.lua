-- SPDX-License-Identifier: BSD-2-Clause

--- The Nmap side of a trace: Nmap's options turned into the engine's, its
-- sleep, its log, and what is said once per run. The only module that knows
-- NSE; nmap and stdnse are handed in, so it loads anywhere.
-- @module mtrtrace.host.nse
local alone = require "mtrtrace.host.nse_alone"
local args = require "mtrtrace.options.args"
local baseline = require "mtrtrace.host.nse_baseline"
local enrichers = require "mtrtrace.session.enrichers"
local geojson = require "mtrtrace.report.geojson"
local special = require "mtrtrace.base.special"
local nse_net = require "mtrtrace.host.nse_net"
local nse_os = require "mtrtrace.host.nse_os"
local nse_turn = require "mtrtrace.host.nse_turn"
local timeouts = require "mtrtrace.host.nse_timeouts"
local sockets = require "mtrtrace.session.sockets"
local limit = require "mtrtrace.session.deadline"
local unicode = require "mtrtrace.base.unicode"
local zone = require "mtrtrace.base.zone"

local M = {}

local SCRIPT = "mtr-trace"

-- Shorter sleeps escape Nmap's --script-timeout and --host-timeout.
local SHORTEST_SLEEP_S = 0.06

-- Seconds between two probes of one hop for -T0 to -T5; the engine's own
-- pace, 0.1 s, where nothing is given. From -T1 down, which is the engine's
-- interval of tokens, no router that allows one ICMP error a second is ever
-- pressed.
local PACE_S = { [0] = 5, [2] = 0.4, [5] = 0.05 }

local function pace_of(level, core)
  return level == 1 and core.token_interval_s or PACE_S[level]
end

-- With -S this is the address the user wants; otherwise the one Nmap chose
-- for this target, which is what the kernel would choose. A link-local
-- source that Nmap chose says nothing: the zone decides. Nor does one of IPv6
-- for an IPv4-mapped target.
local function source_of(target)
  if not target.bin_ip_src then
    return nil
  end
  local source = special.text(target.bin_ip_src)
  if target.interface and zone.missing(source)
    or special.family(source) ~= special.family(target.ip) then
    return nil
  end
  return source
end

local function address_of(nmap, target)
  if not zone.missing(target.ip) then
    return target.ip
  end
  local name = zone.pick(target.ip, nmap.get_interface(), target.interface,
    nmap.list_interfaces())
  if not name then
    return nil, ("%s is a link-local address: name its interface with -e")
      :format(target.ip)
  end
  return target.ip .. "%" .. name
end

-- What Nmap's port scan found out is not asked again.
local function known_closed(nmap, target)
  return function(port)
    local found = nmap.get_port_state(target,
      { number = port, protocol = "tcp" })
    return found ~= nil and found.state == "closed"
  end
end

-- The ports of a protocol that Nmap's scan found filtered.
local function add_filtered(list, nmap, target, protocol)
  local port = nmap.get_ports(target, nil, protocol, "filtered")
  while port do
    list[#list + 1] = { protocol = protocol, port = port.number,
      state = port.state }
    port = nmap.get_ports(target, port, protocol, "filtered")
  end
end

local function filtered(nmap, target)
  return function()
    local list = {}
    add_filtered(list, nmap, target, "tcp")
    add_filtered(list, nmap, target, "udp")
    return list
  end
end

-- What Nmap's --ttl is where it is not given; it cannot be told apart.
local TTL_DEFAULT = 64

-- Nmap's --ttl is the last TTL that is probed, unless max-hops is given.
local function max_hops(nmap, options, given)
  local ttl = nmap.get_ttl()
  if given["max-hops"] ~= nil or ttl == TTL_DEFAULT or ttl < 1 then
    return options.max_hops
  end
  return math.max(ttl, options.first_hop)
end

-- What Nmap's own library of HTTP calls itself, where the user says so.
local function agent_of(nmap)
  local agent = (nmap.registry.args or {})["http.useragent"]
  return type(agent) == "string" and unicode.clean(agent) or nil
end

-- The engine's options; those of others stay behind.
local function trace_options(nmap, options, target, core)
  local address, err = address_of(nmap, target)
  if not address then
    return nil, err
  end
  local out = enrichers.engine_options(options)
  out.target = address
  out.source = source_of(target)
  out.interface = nmap.get_interface()
  out.data_length = nmap.get_payload_length()
  out.interval = options.interval or pace_of(nmap.timing_level(), core)
  return out
end

-- Errors that depend on the target, and the argument they speak of.
local ARGUMENT_OF = { BADSIZE = "size", TOOBIG = "size" }

local Host = {}
Host.__index = Host

--- True the first time it is asked in this run of Nmap, for all targets.
-- @tparam string what
-- @treturn boolean
function Host:once(what)
  local registry = self.nmap.registry
  registry[SCRIPT] = registry[SCRIPT] or {}
  local first = not registry[SCRIPT][what]
  registry[SCRIPT][what] = true
  return first
end

--- Checked arguments of the run.
-- @treturn ?table as mtrtrace.options.args gives them
-- @treturn ?string one sentence
function Host:arguments()
  local options, err, found = args.read(self.nmap.registry.args,
    self.nmap.fetchfile)
  if not options then
    return nil, err
  end
  options.max_hops = max_hops(self.nmap, options, found.given)
  self.given = found.given
  for _, hint in ipairs(found.hints) do
    if self:once("hint " .. hint) then
      self.stdnse.debug1("%s", hint)
    end
  end
  return options
end

--- Settles by which sockets to send, as Nmap would: raw ones where it is
-- privileged.
-- @tparam table options checked arguments; the protocol may change
-- @tparam table core the module mtrtrace.core
-- @treturn ?boolean
-- @treturn ?string why not: one sentence
-- @treturn ?string name of the error
function Host:sockets(options, core)
  local ok, text, name = sockets.settle(core, options,
    not self.nmap.is_privileged(), self.given.protocol ~= nil)
  if ok and text and self:once("sockets") then
    self.stdnse.verbose1("%s", text)
  end
  return ok, text, name
end

--- What the engine needs to trace a target.
-- @tparam table options checked arguments
-- @tparam table target Nmap's host table
-- @tparam table core the module mtrtrace.core
-- @treturn ?table for core.trace
-- @treturn ?string one sentence
function Host:options(options, target, core)
  return trace_options(self.nmap, options, target, core)
end

-- How much of a host's time Nmap may count already: it began with the
-- process, or behind the hosts that were traced before it.
local function used(store, now)
  return math.min(timeouts.age(), now - (store.ended or -math.huge))
end

--- When a trace that begins now ends as it is: by max-time, or before Nmap's
-- timeouts end the script without a word.
-- @tparam table options checked arguments
-- @treturn ?table see mtrtrace.session.deadline
function Host:limit(options)
  local now = self.now()
  local own = options.max_time
    and { at = now + options.max_time, name = "max-time" }
  local left, name = timeouts.left(self.store.timeouts,
    self.nmap.timing_level(), used(self.store, now))
  return limit.first(own or nil, left and { at = now + left, name = name }
    or nil)
end

--- A trace has ended.
function Host:ended()
  self.store.ended = self.now()
end

--- What runs beside one trace.
-- @tparam table given checked arguments
-- @tparam table options of the trace, as Host:options gives them
-- @tparam table core the module mtrtrace.core
-- @tparam table target Nmap's host table
-- @treturn ?{table,...} enrichers for mtrtrace.session.tracer
-- @treturn ?string why not: one sentence
function Host:enrichers(given, options, core, target)
  local subject = nse_os.facts(target)
  subject.source, subject.interface = options.source, options.interface
  subject.interval = options.interval
  subject.address = special.unmapped(options.target) or options.target
  subject.name = target.targetname
  subject.closed = known_closed(self.nmap, target)
  subject.filtered = filtered(self.nmap, target)
  subject.agent = agent_of(self.nmap)
  local list, err, argument = enrichers.new(self, given,
    { core = core, store = self.store }, subject)
  if not list then
    return nil, ("%s.%s: %s"):format(SCRIPT, argument, err)
  end
  return list
end

--- Reads the file of baseline, if any, once.
-- @tparam table options checked arguments
-- @tparam table core the module mtrtrace.core
-- @treturn ?boolean
-- @treturn ?string one sentence
function Host:baseline(options, core)
  return baseline.read(self.store, options, core)
end

--- Adds to a result what differs from that file.
-- @tparam table options checked arguments
-- @tparam table result judged
-- @tparam table target Nmap's host table
function Host:compare(options, result, target)
  baseline.compare(self.store, options, result, target.targetname)
end

--- Writes the paths traced so far into the file of geo-out, if any.
-- @tparam table options checked arguments
-- @tparam table result of this target
function Host:map(options, result)
  if not options.geo_out then
    return
  end
  local paths = self.store.paths or {}
  self.store.paths = paths
  paths[#paths + 1] = result
  local file, err = io.open(options.geo_out, "w")
  if file then
    file:write(geojson.render(paths))
    file:close()
  elseif self:once("geo-out") then
    self.stdnse.verbose1("%s.geo-out: %s", SCRIPT, tostring(err))
  end
end

--- An answer that concerns the whole run: an ERROR line at the first
-- target, silence at the others.
-- @tparam string text one sentence
-- @treturn nil
-- @treturn ?string
function Host:refuse(text)
  return nil, self:once("refused")
    and "ERROR: " .. unicode.ascii(text) or nil
end

--- An answer to a trace that could not start. Lack of privilege is said
-- once per run and in the log only.
-- @tparam string text one sentence
-- @tparam string name of the error
-- @treturn nil
-- @treturn ?string
function Host:fail(text, name)
  if name ~= "PERMISSION" then
    local argument = ARGUMENT_OF[name]
    return nil, ("ERROR: %s%s"):format(
      argument and ("%s.%s: "):format(SCRIPT, argument) or "",
      unicode.ascii(text))
  end
  if self:once("permission") then
    self.stdnse.verbose1("not running for lack of privileges: %s", text)
  end
  return nil
end

-- Once in a run: it may name thousands of targets.
local function read_command_line(store)
  if not store.timeouts then
    local words = timeouts.words()
    store.timeouts, store.alone = timeouts.read(words), alone.read(words)
  end
end

--- A host for mtrtrace.session.tracer inside Nmap.
-- @tparam table nmap NSE's module nmap
-- @tparam table stdnse NSE's module stdnse
-- @treturn table
function M.new(nmap, stdnse)
  local registry = nmap.registry
  registry[SCRIPT] = registry[SCRIPT] or {}
  registry[SCRIPT].lookups = registry[SCRIPT].lookups or {}
  local host = setmetatable({
    nmap = nmap, stdnse = stdnse, store = registry[SCRIPT].lookups,
  }, Host)
  read_command_line(host.store)
  nse_net.add(host, nmap, stdnse, host.store)
  nse_os.add(host, nmap, host.store)
  -- Nmap adds 1 for a script chosen by name: 2 is a user's -v.
  function host.verbose()
    return nmap.verbosity() >= 2
  end
  function host.log(text)
    stdnse.verbose(2, "%s", unicode.ascii(text))
  end
  registry[SCRIPT].turn = registry[SCRIPT].turn or {}
  local turn = nse_turn.new(registry[SCRIPT].turn, host.now, stdnse.sleep,
    SHORTEST_SLEEP_S, host.store.alone)
  function host.sleep(seconds, keep) turn:wait(seconds, keep) end
  function host.breathe(begins) turn:breathe(begins) end
  function host.leave() turn:leave() end
  return host
end

return M
