-- SPDX-License-Identifier: BSD-2-Clause

--- /probe?target=...&module=...: one trace per request, with the metrics of
-- this trace only, as in blackbox_exporter. In addition to our own metrics it
-- has those that dashboards for blackbox_exporter and Grafana's synthetic
-- monitoring query.
-- @module mtrtrace.service.probe
local counts = require "mtrtrace.service.counts"
local exposition = require "mtrtrace.service.exposition"
local pages = require "mtrtrace.service.pages"

local M = {}

-- Traces for requests at once; further ones are refused.
local MOST = 8

-- A trace ends MARGIN_S before Prometheus' scrape timeout (its header field
-- X-Prometheus-Scrape-Timeout-Seconds); without this field, after LONGEST_S.
local MARGIN_S, LONGEST_S = 0.5, 30

-- Modules by name, with the options in which they differ from the service's.
M.MODULES = {}

for _, protocol in ipairs { "icmp", "udp", "tcp" } do
  M.MODULES[protocol] = { protocol = protocol }
  for _, family in ipairs { "4", "6" } do
    M.MODULES[protocol .. family] = { protocol = protocol, family = family }
  end
end

-- Name, help text, and the value's key.
local ALIASES = {
  { "probe_success", "Whether the target replied.", "reached" },
  { "probe_duration_seconds", "How long the probe took.", "duration_s" },
  { "probe_dns_lookup_time_seconds", "How long the look-up of the name took.",
    "dns_s" },
  { "probe_ip_protocol", "Version of IP, 4 or 6; 0: no address.", "version" },
  { "probe_traceroute_total_hops", "Hops to the target, or to the last hop "
    .. "that replied.", "path_hops" },
  { "probe_traceroute_route_hash", "Identifier of the path, 48 bits.",
    "route_hash" },
  { "probe_traceroute_packet_loss_percent", "Probes to the target that were "
    .. "not answered, in percent; NaN where time ended before this was known.",
    "loss_percent" },
}

local function text(status, body)
  return { status = status, type = "text/plain; charset=utf-8",
    body = body .. "\n" }
end

local function aliases(values)
  local out = {}
  for _, row in ipairs(ALIASES) do
    out[#out + 1] = ("# HELP %s %s\n# TYPE %s gauge\n%s %s\n"):format(row[1],
      row[2], row[1], row[1], exposition.number(values[row[3]]))
  end
  return table.concat(out)
end

local function values_of(found, result, facts)
  local values = setmetatable({ duration_s = facts.duration_s,
    dns_s = facts.dns_s, version = 0, loss_percent = 100,
    route_hash = found.values.path_id[1][2] }, { __index = found.values })
  if result then
    values.version = result.target:find(":", 1, true) and 6 or 4
  end
  local target = found.target.values
  if target.probes > 0 then
    values.loss_percent = 100.0 * target.lost / target.probes
  elseif found.values.reached == 1 then
    values.loss_percent = 0 / 0 -- NaN: a reply, but no valid sample
  end
  return values
end

-- The page of one trace.
local function page_of(setup, spec, result, facts)
  local labels = exposition.label("target", spec.label) .. ","
    .. exposition.label("protocol", spec.options.protocol)
  local found = counts.new(labels, setup.bounds)
  if result then
    found:take(result, setup.now_s())
  else
    found:fail()
  end
  local head = aliases(values_of(found, result, facts))
  return function(openmetrics)
    local pieces = exposition.page({ exposition.chunks(found) }, nil,
      openmetrics)
    table.insert(pieces, 1, head)
    return pieces
  end
end

local function seconds(request)
  local given = tonumber(request.timeout)
  if not given or given <= 0 then
    return LONGEST_S
  end
  return math.max(MARGIN_S, math.min(given - MARGIN_S, LONGEST_S))
end

local function module_names()
  local names = {}
  for name in pairs(M.MODULES) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- The function that answers /probe.
-- @tparam table setup `bounds`; `now_s()`; `read(word, texts)`: returns the
--   spec (see mtrtrace.service.entry) of a target and options by name, or nil
--   and an error; `trace(spec, seconds)`: returns a result or nil, an error,
--   and facts
-- @treturn function see mtrtrace.service.pages
function M.new(setup)
  local running = 0
  return function(request, parameters)
    local name = parameters.module or "icmp"
    local texts = M.MODULES[name]
    if not texts then
      return text(400, ("module=%s: expected one of %s"):format(
        name:sub(1, 40), module_names()))
    elseif not parameters.target or parameters.target == "" then
      return text(400, "the parameter target is missing")
    end
    local spec, err = setup.read(parameters.target, texts)
    if not spec then
      return text(400, err)
    elseif running >= MOST then
      return text(503, ("%d traces for requests are running, the limit")
      :format(MOST))
    end
    running = running + 1
    local ok, result, _, facts = pcall(setup.trace, spec, seconds(request))
    running = running - 1
    if not ok then
      error(result, 0)
    end
    return pages.metrics(request, page_of(setup, spec, result, facts))
  end
end

return M
