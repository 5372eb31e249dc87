-- SPDX-License-Identifier: BSD-2-Clause

--- The report for programs: ordered tables of raw values under the keys of
-- the field table (times in ms, shares in %), every responder and every
-- ICMP code included. Pure: a result in, tables out.
-- @module mtrtrace.report.structured
local extension = require "mtrtrace.flows.extension"
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local ident = require "mtrtrace.flows.ident"
local loose = require "mtrtrace.verdict.loose"
local notes = require "mtrtrace.table.notes"
local os_table = require "mtrtrace.report.os_table"
local ports = require "mtrtrace.ports.words"
local ttfb_line = require "mtrtrace.web.line"

local M = {}

-- Keys of a result that are shown as they are, in this order.
local HEAD = {
  "ipv4_mapped", "protocol", "port", "source_port", "udp_payload", "ecn",
  "source", "interface", "mtu", "size", "random_size", "packets", "reached",
    "ending",
  "ending_type", "ending_code",
  "target_ttl", "first_hop", "probed_hop", "elapsed_s", "sent", "send_error",
  "capture_drops", "clock_adjustments", "missing_tx_timestamp", "link_rate",
  "stopped", "sockets",
}

-- Default representation of numbers and of unknown values; a caller may
-- replace it by `shape`.
local AS_TEXT = { number = function(digits) return digits end }

local function plain(value, shape)
  shape = shape or AS_TEXT
  if value == nil then
    return shape.null
  elseif math.type(value) == "float" then
    return shape.number(format.decimal(value))
  elseif type(value) == "string" then
    return format.clean(value)
  elseif math.type(value) == "integer" then
    return format.whole(value)
  end
  return value
end

-- An ordered table looks through all its keys for one that is set to nil, so
-- what is absent is not written at all.
local function put(out, key, value)
  if value ~= nil then
    out[key] = value
  end
end

local function put_all(out, keys, from, shape)
  for _, key in ipairs(keys) do
    local value = from[key]
    if value ~= nil or shape.null ~= nil then
      put(out, key, plain(value, shape))
    end
  end
end

-- Where the values of a scope come from, field by field.
local function sources_of(list, scope)
  local out = {}
  for _, field in ipairs(list) do
    local key, value_of, to_raw = fields.source(field, scope)
    if to_raw then
      out[#out + 1] = { key = field.key, from = key, value_of = value_of,
        to_raw = to_raw, numeric = format.kinds[field.kind].numeric }
    end
  end
  return out
end

local function put_fields(out, sources, from, number, null)
  for _, field in ipairs(sources) do
    local value
    if field.from then
      value = from[field.from]
    else
      value = field.value_of(from)
    end
    if value ~= nil then
      value = field.to_raw(value)
    end
    if value == nil then
      put(out, field.key, null)
    else
      out[field.key] = field.numeric and number(value) or value
    end
  end
end

local function of_columns(scope)
  local list = {}
  for _, field in ipairs(fields.all()) do
    list[#list + 1] = not field.derived and field or nil
  end
  return sources_of(list, scope)
end

local COLUMNS = { hop = of_columns "hop", responder = of_columns "responder" }

local function add_fields(out, scope, from, shape)
  put_fields(out, COLUMNS[scope], from, shape.number, shape.null)
end

local function each(list, new, convert, shape)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = convert(item, new, shape)
  end
  return out
end

-- With a value for unknown, an empty list is written, too.
local function some(list, shape)
  return (#list > 0 or shape.null ~= nil) and list or nil
end

local function code_table(code, new, shape)
  local out = new()
  out.type = plain(code.type, shape)
  out.code = plain(code.code, shape)
  out.name = format.clean(code.name)
  out.count = code.count
  return out
end

-- Keys of an origin, in this order.
local ORIGIN = {
  "asn", "prefix", "source", "server", "irr_source", "rpki", "organization",
  "country", "registry", "allocated",
}

local function origin_table(origin, new, shape)
  local out = new()
  put_all(out, ORIGIN, origin, shape)
  return out
end

local LABEL = { "label", "tc", "bottom", "ttl" }

local function label_table(entry, new, shape)
  local out = new()
  put_all(out, LABEL, entry, shape)
  return out
end

local function responder_table(responder, new, shape)
  local out = new()
  add_fields(out, "responder", responder, shape)
  out.target = responder.target or false
  put(out, "loose_quote", loose.of(responder) or nil)
  put(out, "origins", some(each(responder.origins, new, origin_table, shape),
    shape))
  put(out, "codes", some(each(responder.codes, new, code_table, shape),
    shape))
  put(out, "os_guess", responder.os and os_table.build(responder.os, new,
    (shape or AS_TEXT).number))
  local stack = extension.stack(responder)
  put(out, "labels", stack and each(stack, new, label_table, shape))
  return out
end

-- Returns an ICMP error from another host; times in seconds since the
-- start of the trace.
local function report_table(report, new, shape)
  local periods, out = report.periods, code_table(report, new, shape)
  out.ip = report.address
  out.mtu = plain(report.mtu, shape)
  out.first_s = plain(periods[1].first, shape)
  out.last_s = plain(periods[#periods].last, shape)
  return out
end

local function hop_table(hop, new, shape)
  local out = new()
  add_fields(out, "hop", hop, shape)
  out.silent = hop.silent or false
  put(out, "untested", hop.untested or nil)
  put(out, "shared_rate_limit", hop.shared_rate_limit or nil)
  put(out, "lost_during_drops", hop.lost_during_drops)
  put(out, "reports", some(each(hop.reports, new, report_table, shape), shape))
  out.responders = each(hop.responders, new, responder_table, shape)
  return out
end

local VERDICT = sources_of(fields.of_verdicts(), "verdict")
local TTFB = sources_of(fields.of_ttfb(), "ttfb")

local function verdict_table(verdict, new, shape)
  local out = new()
  put_fields(out, VERDICT, verdict, shape.number)
  return out
end

local function ttfb_table(ttfb, new, shape)
  local out = new()
  put_fields(out, TTFB, ttfb, shape.number)
  out.text = ttfb_line.render(ttfb)
  return out
end

-- Keys of a flow, in this order; shares are in percent.
local FLOW = {
  "flow", "source_port", "checksum", "flow_label", "group", "reached",
  "target_ttl", "first_hop", "sent", "received", "loss", "loss_low",
  "loss_high", "avg_ms",
}
local SHARES = { loss = true, loss_low = true, loss_high = true,
  confidence = true, confidence_per_node = true, miss_probability = true }

local function pick(from, keys, new, shape)
  local out = new()
  for _, key in ipairs(keys) do
    local value = from[key]
    if SHARES[key] then
      put(out, format.key(key, "share"), plain(value and value * 100.0, shape))
    else
      put(out, key, plain(value, shape))
    end
  end
  return out
end

local function addresses(path)
  local list = {}
  for i, address in ipairs(path) do
    list[i] = address and format.clean(address) or "*"
  end
  return list
end

local function flow_table(flow, new, shape)
  local out = pick(flow, FLOW, new, shape)
  out.crc32, out.sha256 = flow.path_id.crc32, flow.path_id.sha256
  out.path_id = plain(ident.number_of_flow(flow), shape)
  out.path = addresses(flow.path)
  return out
end

local GRAPH = { "confidence", "confidence_per_node", "limited", "flow_count" }
local NODE = { "id", "ttl", "address", "target", "stop", "per_packet",
  "next_hops", "answered_flows", "miss_probability" }
local LINK = { "from", "to", "ttl", "per_packet", "measured_flows", "sent",
  "received", "loss", "loss_low", "loss_high", "avg_ms", "stdev_ms" }

local function part_of(keys)
  return function(part, new, shape)
    local out = pick(part, keys, new, shape)
    out.flows = part.flows
    return out
  end
end

local function graph_table(graph, new, shape)
  local out = pick(graph, GRAPH, new, shape)
  out.nodes = each(graph.nodes, new, part_of(NODE), shape)
  out.links = each(graph.links, new, part_of(LINK), shape)
  out.assumptions = each(graph.assumptions, new, format.clean)
  return out
end

local PMTU = { "mtu", "exact", "upper_bound", "link_mtu", "probed" }
local PMTU_HOP = { "ttl", "address" }
local REDUCTION = { "ttl", "address", "mtu", "method", "from", "to" }
local PMTU_END = { "done", "limited", "invalid_messages", "invalid_from",
  "sent", "elapsed_s", "error" }

local function reduction_table(reduction, new, shape)
  return pick(reduction, REDUCTION, new, shape)
end

local SESSION = {
  "connections", "connections_lost", "fallback", "match", "syn_ack_ttl",
  "ack_ttl", "reset_ttl", "cause", "error",
}

local function pmtu_table(pmtu, new, shape)
  local out = pick(pmtu, PMTU, new, shape)
  out.hop = pmtu.hop and pick(pmtu.hop, PMTU_HOP, new, shape)
  out.reductions = each(pmtu.reductions, new, reduction_table, shape)
  put_all(out, PMTU_END, pmtu, shape)
  return out
end

local PORT = { "protocol", "port", "state", "outcome", "flows",
  "flows_reached", "hop", "ip", "next_hop", "target_ttl", "reply",
  "reply_ttl", "icmp_type", "icmp_code", "probes_beyond", "text" }

local function port_table(port, new, shape)
  return pick(port, PORT, new, shape)
end

--- Builds the structured output.
-- @tparam table result as given by trace:result(), judged; `flows` as by
--   mtrtrace.flows.group, `graph` as by mtrtrace.flows.graph and `pmtu` as
--   by mtrtrace.pmtu.enricher, `ports` as by mtrtrace.ports.enricher are shown
-- @tparam table view `name`: the target as the user typed it, may be nil
-- @tparam function new makes an empty table that keeps the order of its
--   keys, such as stdnse.output_table
-- @tparam ?table shape how values are wanted: `number`, a function of the
--   digits of a number, and `null`, what is put where a value is unknown;
--   digits as text, and nothing, where this is absent
-- @treturn table
function M.build(result, view, new, shape)
  shape = shape or AS_TEXT
  local out = new()
  out.target = result.target
  put(out, "name", plain(view.name, shape))
  put_all(out, HEAD, result, shape)
  put(out, "path_id", plain(ident.numbers(result)[1], shape))
  put(out, "ttfb", result.ttfb and ttfb_table(result.ttfb, new, shape))
  out.hops = each(result.hops, new, hop_table, shape)
  put(out, "flows", result.flows and each(result.flows, new, flow_table,
    shape))
  put(out, "graph", result.graph and graph_table(result.graph, new, shape))
  put(out, "pmtu", result.pmtu and pmtu_table(result.pmtu, new, shape))
  put(out, "ports", result.ports and each(ports.findings(result), new,
    port_table, shape))
  put(out, "session", result.session and pick(result.session, SESSION, new,
    shape))
  put(out, "verdicts", some(each(result.verdicts, new, verdict_table, shape),
    shape))
  put(out, "notes", some(each(notes.list(result), new, format.clean), shape))
  return out
end

return M
