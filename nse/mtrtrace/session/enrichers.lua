-- SPDX-License-Identifier: BSD-2-Clause

--- What runs beside a trace, on any host: from checked options to the
-- enrichers of mtrtrace.session.tracer, and to the options of the engine. A
-- further enricher is one more row of MAKERS.
-- @module mtrtrace.session.enrichers
local collect = require "mtrtrace.os.collect"
local database = require "mtrtrace.asn.database"
local direct = require "mtrtrace.direct.enricher"
local loader = require "mtrtrace.session.loader"
local lookup = require "mtrtrace.asn.lookup"
local pmtu = require "mtrtrace.pmtu.enricher"
local sources = require "mtrtrace.asn.sources"
local ports = require "mtrtrace.ports.enricher"
local ttfb = require "mtrtrace.web.ttfb"

local M = {}

-- The options that core.trace takes as they are.
local ENGINES = {
  "protocol", "port", "source_port", "packets", "interval", "timeout",
  "first_hop", "max_hops", "max_silent", "size", "tos", "mark", "flows",
  "paths", "udp_payload",
}

local ECT0 = 2 -- RFC 3168: this host's transport understands ECN

local function asks_dns(order)
  for _, name in ipairs(order) do
    if sources.over_dns(name) then
      return true
    end
  end
  return false
end

-- A database is opened once in a run; so is its error.
local function opened(store, path, open)
  store.files = store.files or {}
  local key = path and tostring(open) .. path
  if path and not store.files[key] then
    local db, err = open(path)
    store.files[key] = { db = db, err = err }
  end
  local file = store.files[key] or {}
  return file.db, file.err
end

-- Who runs each hop, what it is called, where it is.
local function lookups(host, options, run)
  local settings = {
    order = options.asn, names = options.names == "yes",
    version = run.core.version, servers = sources.servers(options),
  }
  if not host.txt and asks_dns(settings.order) then
    return nil, host.no_txt, "asn"
  end
  local asn, asn_err = opened(run.store, options.asn_db,
    database.open_asn)
  local geo, geo_err = opened(run.store, options.geo_db,
    database.open_places)
  if asn_err or geo_err then
    return nil, asn_err or geo_err, asn_err and "asn-db" or "geo-db"
  end
  settings.db = asn and database.origins(asn,
    options.asn_db:match("[^/]*$"))
  settings.geo = geo and database.places(geo)
  if #settings.order == 0 and not settings.names and not settings.geo then
    return false
  end
  return lookup.new(host, settings, run.store)
end

-- What system each hop runs.
local function guesses(host, options, run, subject)
  return (options.os or "off") ~= "off" and collect.new(host, run.core, {
    mode = options.os, snmp = options.snmp == "yes",
    source = subject.source, interface = subject.interface,
    mark = options.mark, tos = options.tos, target_mac = subject.mac,
    nmap_os = subject.nmap_os,
  }, run.store)
end

local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

-- What the target's web server takes.
local function web(_, options, run, subject)
  if options.http ~= "on" then
    return false
  end
  local http, why = loader.http()
  return ttfb.new(http, {
    address = subject.address, name = subject.name,
    interface = subject.interface, source = subject.source,
    url = options.url, count = options.http_count,
    timeout = options.http_timeout, method = options.http_method,
    agent = subject.agent or "mtr-trace/" .. run.core.version,
    closed = subject.closed,
    dns_ms = subject.dns_ms,
    -- As the command curl does; libcurl itself does not look at them.
    ca_file = variable "SSL_CERT_FILE", ca_dir = variable "SSL_CERT_DIR",
  }, why)
end

-- How large a packet may be.
local function sizes(_, options, run, subject)
  return options.pmtu == "yes" and pmtu.new(run.core, options, subject)
end

-- How each hop replies to pings.
local function pings(host, options, run, subject)
  return options.direct == "yes" and direct.new(host, run.core, {
    source = subject.source, interface = subject.interface,
    mark = options.mark, tos = options.tos }, run.store)
end

-- Who drops ports: those of the user, or those that Nmap found filtered.
local function ports_of(host, options, run, subject)
  local list = options.ports
  if not list then
    return false
  elseif list == "filtered" then
    list = subject.filtered and subject.filtered() or {}
  end
  return ports.new(host, run.core, options, { address = subject.address,
    source = subject.source, interface = subject.interface, ports = list,
    interval = subject.interval,
    scanned = options.ports == "filtered" })
end

-- Each is a function of the host, the checked options, the run and the
-- subject; it gives an enricher, false where the options want none, or nil, a
-- sentence and the name of the argument that it is about.
local MAKERS = { lookups, guesses, web, sizes, pings, ports_of }

--- The enrichers of one trace.
-- @tparam table host see mtrtrace.session.tracer and mtrtrace.asn.lookup
-- @tparam table options as mtrtrace.options.args gives them
-- @tparam table run `core`, the module mtrtrace.core; `store`, a table that
--   all traces of the run share
-- @tparam table subject what is traced: `target` as core.trace takes it;
--   `source` and `interface` where the user chose them; `interval`, its
--   seconds between two probes of a hop, where it is no option; `mac` of the
--   target and `nmap_os`, { name }, where they are known; for the time to
--   first byte `address` of the target, its `name` as the user typed it,
--   `dns_ms` that its look-up took, `agent` where the user named one, and
--   `closed`, a function of a TCP port, true where it is known to be;
--   `filtered`: gives the ports that a port scan found filtered, each {
--   protocol, port, state }
-- @treturn ?{table,...} for mtrtrace.session.tracer
-- @treturn ?string why not: one sentence
-- @treturn ?string name of the argument it is about
function M.new(host, options, run, subject)
  local list = {}
  for _, make in ipairs(MAKERS) do
    local enricher, err, argument = make(host, options, run, subject)
    if enricher == nil then
      return nil, err, argument
    end
    list[#list + 1] = enricher or nil
  end
  return list
end

--- The options of the engine among those of the run.
-- @tparam table options as mtrtrace.options.args gives them
-- @treturn table for core.trace, without a target
function M.engine_options(options)
  local out = {}
  for _, key in ipairs(ENGINES) do
    out[key] = options[key]
  end
  -- TCP offers ECN in its SYNs, the others bear it in the IP header.
  if options.ecn == "yes" and options.protocol ~= "tcp" then
    out.tos = options.tos & 3 == 0 and options.tos | ECT0 or options.tos
  elseif options.ecn and options.ecn ~= "no" then
    out.ecn = options.ecn
  end
  -- One that was not given is the most, not what is waited for.
  out.timeout = options.timeout_given and options.timeout or nil
  out.reset = options.reset == "yes" or nil
  return out
end

return M
