-- SPDX-License-Identifier: BSD-2-Clause

--- The JSON Schema (draft 2020-12) of mtrtrace.report.json, made from the
-- field table. Pure.
-- @module mtrtrace.report.schema
local args = require "mtrtrace.options.args"
local fields = require "mtrtrace.table.fields"
local json = require "mtrtrace.report.json"
local judge = require "mtrtrace.ports.judge"
local jsonschema = require "mtrtrace.report.jsonschema"
local sources = require "mtrtrace.asn.sources"

local M = {}

local object, value = jsonschema.object, jsonschema.value
local all_required, list = jsonschema.record, jsonschema.list

local TYPES = {
  count = "integer", ms = "number", share = "number", seconds = "number",
  degrees = "number", flag = "boolean", name = "string",
}

local function whole(about)
  return value("integer", about)
end

local function of_field(field)
  local about = field.about .. (field.unit and (" (%s)"):format(field.unit)
    or "")
  if field.key == "asn" then
    return value("integer", "number of the autonomous system that leads "
      .. "in origins", true)
  elseif field.key == "organization" then
    about = "holder of the autonomous system; null for special ranges"
  end
  return value(TYPES[field.kind], about, true)
end

-- The properties of a scope, and the names of all of them.
local function of_scope(scope, more)
  local rows = {}
  for _, field in ipairs(fields.all()) do
    if field[scope] and not field.text_only and not field.derived then
      rows[#rows + 1] = { field.key, of_field(field) }
    end
  end
  for _, row in ipairs(more) do
    rows[#rows + 1] = row
  end
  return all_required(rows)
end

local function text(about, nullable)
  return value("string", about, nullable)
end

local CODE = all_required {
  { "type", value("integer", "ICMP type; null for TCP", true) },
  { "code", value("integer", "ICMP code; null for TCP", true) },
  { "name", text "the answer in words" },
  { "count", whole "how often it came" },
}

local ORIGIN = all_required {
  { "asn", value("integer", "number of the autonomous system", true) },
  { "prefix", text("prefix of the route", true) },
  { "source", text("one of " .. table.concat(sources.names(), ", "), true) },
  { "server", text("host that answered", true) },
  { "irr_source", text("registry that the IRR server has it from", true) },
  { "rpki", text("route origin validation by the IRR server", true) },
  { "organization", text("holder of the autonomous system", true) },
  { "country", text("country of the registration", true) },
  { "registry", text("registry that allocated the prefix", true) },
  { "allocated", text("date of the allocation", true) },
}

local LABEL = all_required {
  { "label", value("integer", "0 to 1048575", true) },
  { "tc", value("integer", "traffic class", true) },
  { "bottom", value("boolean", "whether it is the last", true) },
  { "ttl", value("integer", "that was left in it", true) },
}

local TEXTS = object { { "type", "string" } }

-- New rules of the OS guess add kinds of evidence, so any kind is valid.
local OS_GUESS = object { { "description", "operating system, by evidence; "
  .. "absent where no guess was wanted" }, { "type", "object" },
  { "required", { "label", "evidence" } }, { "properties", object {
    { "label", text "unknown where the evidence fits nothing or too much" },
    { "confidence", text "high, medium or low; absent without a guess" },
    { "candidates", list("all that fit", all_required {
      { "name", text "of the system, or of a class" },
      { "confidence", value("number", "0 to 1") },
    }) },
    { "evidence", object { { "description", "what it rests on" },
      { "type", "object" }, { "additionalProperties", true } } },
    { "conflicts", list("evidence that contradicts itself", TEXTS) },
  } } }

local function responder()
  local out = of_scope("responder", {
    { "target", value("boolean", "whether it is the target") },
    { "origins", list("all that was found of its network", ORIGIN) },
    { "codes", list("its replies", CODE) },
  })
  out.properties.loose_quote = value("boolean", "true where a NAT rewrote "
    .. "quotes that are too short for the probe's cookie: replies are known "
    .. "by "
    .. "checksum, identification or sequence number alone; else absent")
  out.properties.os_guess = OS_GUESS
  out.properties.labels = list("MPLS label stack it received, the outermost "
    .. "first; absent without one", LABEL)
  return out
end

local REPORT = all_required {
  { "type", value("integer", "ICMP type", true) },
  { "code", value("integer", "ICMP code", true) },
  { "name", text "in words" },
  { "count", whole "probes it was said of" },
  { "ip", text "who said it" },
  { "mtu", value("integer", "MTU that it names, bytes; 0: none; null where "
    .. "it is another error", true) },
  { "first_s", value("number", "when it came first, seconds since the trace "
    .. "began", true) },
  { "last_s", value("number", "when it came last", true) },
}

local function hop()
  local out = of_scope("hop", {
    { "silent", value("boolean", "whether nothing ever answered") },
    { "reports", list("errors from elsewhere: what was said of probes that "
      .. "did not arrive", REPORT) },
    { "responders", list("who answered; the one that answered most first",
      responder()) },
  })
  out.properties.untested = value("boolean", "true where probes went "
    .. "unanswered that no test has cleared of a rate limit: loss is null; "
    .. "else absent")
  out.properties.shared_rate_limit = value("boolean", "true where probes went "
    .. "unanswered as other targets traced at once may have used up the rate "
    .. "limit of the host here; else absent")
  out.properties.lost_during_drops = value("integer",
    "how many of the lost probes were "
    .. "under way while the capture on this host dropped packets, which may "
    .. "have been their replies; absent where none was")
  return out
end

local function keyed(keys, required, more)
  local rows = {}
  for i, field in ipairs(keys) do
    rows[i] = { field.key, value(TYPES[field.kind], field.about) }
  end
  rows[#rows + 1] = more
  return object { { "type", "object" },
    { "required", required }, { "properties", object(rows) } }
end

local function verdict()
  return keyed(fields.of_verdicts(), { "kind", "text" })
end

-- Keys without a value are absent.
local function ttfb()
  return keyed(fields.of_ttfb(), { "outcome", "text" },
    { "text", text "all in a line" })
end

local PER_FLOW = {
  { "flow", whole "number of the flow" },
  { "source_port", value("integer", "of udp and tcp", true) },
  { "checksum", value("integer", "of icmp, in place of ports", true) },
  { "flow_label", value("integer", "of IPv6", true) },
  { "group", whole "number of its path; equal paths have one number" },
  { "reached", value("boolean", "whether the target answered it") },
  { "target_ttl", value("integer", "distance of the target", true) },
  { "first_hop", whole "TTL of the first entry of path" },
  { "sent", value("integer", "counted probes to the target", true) },
  { "received", value("integer", "answered ones of those", true) },
  { "loss_percent", value("number", "of the target (%)", true) },
  { "loss_low_percent", value("number", "lower end at 95 % (%)", true) },
  { "loss_high_percent", value("number", "upper end at 95 % (%)", true) },
  { "avg_ms", value("number", "mean round trip to the target", true) },
  { "crc32", text "identifier of the path" },
  { "sha256", text "identifier of the path" },
  { "path_id", value("integer", "the first 48 bits of sha256; null where "
    .. "nothing replied", true) },
  { "path", list("addresses from first_hop on, * for silent ones",
    object { { "type", "string" } }) },
}

local FLOW_LIST = list("flows that show it", object { { "type", "integer" } })

local NODE = {
  { "id", text "of the node, unique in the graph" },
  { "ttl", whole "distance" },
  { "address", text("null where no address replied", true) },
  { "target", value("boolean", "whether it is the target") },
  { "stop", value("boolean", "whether it ends the path otherwise") },
  { "per_packet", value("boolean", "whether its hop is balanced so") },
  { "next_hops", value("integer", "next hops found", true) },
  { "answered_flows", value("integer", "flows that were answered there",
    true) },
  { "miss_probability_percent", value("number",
    "chance that one more was missed, at most (%)",
    true) },
  { "flows", FLOW_LIST },
}

local LINK = {
  { "from", text "id of a node" },
  { "to", text "id of a node" },
  { "ttl", whole "distance of the first" },
  { "per_packet", value("boolean", "whether no single flow shows it",
    true) },
  { "measured_flows", value("integer", "flows that the figures are of",
    true) },
  { "sent", value("integer", "counted probes of these to the far end", true) },
  { "received", value("integer", "answered ones of those", true) },
  { "loss_percent", value("number", "of the far end, by this link (%)",
    true) },
  { "loss_low_percent", value("number", "lower end at 95 % (%)", true) },
  { "loss_high_percent", value("number", "upper end at 95 % (%)", true) },
  { "avg_ms", value("number", "mean round trip to the far end", true) },
  { "stdev_ms", value("number", "its sample deviation", true) },
  { "flows", FLOW_LIST },
}

local GRAPH = {
  { "confidence_percent", value("number",
    "that nothing is missing, if what is "
    .. "assumed holds (%)", true) },
  { "confidence_per_node_percent", value("number",
    "the same for each node (%)", true) },
  { "limited", value("boolean", "whether it was ended early", true) },
  { "flow_count", value("integer", "flows in all", true) },
  { "nodes", list("interfaces, by distance", all_required(NODE)) },
  { "links", list("between neighbours", all_required(LINK)) },
  { "assumptions", list("what confidence rests on",
    object { { "type", "string" } }) },
}

local REDUCTION = {
  { "ttl", value("integer",
    "hop beyond which the MTU is smaller; null where that "
    .. "is a range", true) },
  { "address", text("of that hop, or of the first of the range", true) },
  { "mtu", value("integer", "of what is behind, bytes", true) },
  { "method", text "packet too big (it was said) or search" },
  { "from", value("integer", "last hop in front of it; 0 is this host",
    true) },
  { "to", value("integer", "first hop known to be behind it", true) },
}

local PMTU = {
  { "mtu", value("integer", "largest packet that passed, bytes", true) },
  { "exact", value("boolean", "whether larger ones are known not to pass",
    true) },
  { "upper_bound", value("integer",
    "what is larger was refused, or not answered, "
    .. "bytes", true) },
  { "link_mtu", value("integer", "of the interface, bytes", true) },
  { "probed", text("target, or hop where the target does not reply", true) },
  { "reductions", list("MTU reductions on the forward path",
    all_required(REDUCTION)) },
  { "done", value("boolean", "whether the search ended", true) },
  { "limited", value("boolean", "whether bounds or contradicting replies "
    .. "ended it", true) },
  { "invalid_messages", value("integer",
    "messages ignored, as their MTU cannot be",
    true) },
  { "invalid_from", text("who sent the first of them", true) },
  { "sent", value("integer", "probes", true) },
  { "elapsed_s", value("number", "seconds it took", true) },
  { "error", text("why nothing was searched", true) },
}

local SESSION = {
  { "connections", whole "in which probes were sent" },
  { "connections_lost", whole "that ended before the trace did" },
  { "fallback", value("boolean", "whether probes are SYNs in the end") },
  { "match", text("how the target's replies name their probe: dsack, or "
    .. "order where they do not", true) },
  { "syn_ack_ttl", value("integer", "TTL of the target's SYN-ACK", true) },
  { "ack_ttl", value("integer", "TTL of its answer in session", true) },
  { "reset_ttl", value("integer", "TTL of a reset", true) },
  { "cause", text("why a connection was not made, or ended", true) },
  { "error", text("the same, as the system has it", true) },
}

local function pmtu()
  local out = all_required(PMTU)
  out.properties.hop = all_required { { "ttl", whole "of the probed hop" },
    { "address", text "of it" } }
  return out
end

local PORT = {
  { "protocol", text "tcp or udp" },
  { "port", whole "number of the port" },
  { "state", text("by Nmap's port scan", true) },
  { "outcome", text("one of " .. table.concat(judge.OUTCOMES, ", ")) },
  { "flows", whole "flows that were traced" },
  { "flows_reached", whole "flows that the target replied to" },
  { "hop", value("integer", "TTL of the last hop that replied to probes of "
    .. "the port, or of the hop that rejected or answered them", true) },
  { "ip", text("address of that hop; of a port that is reached that of the "
    .. "reply", true) },
  { "next_hop", value("integer", "first TTL beyond it at which routers reply "
    .. "to other traces", true) },
  { "target_ttl", value("integer", "distance of the target", true) },
  { "reply", text("what the target, or whatever answers in its name, "
    .. "replied", true) },
  { "reply_ttl", value("integer", "TTL that was left in that reply", true) },
  { "icmp_type", value("integer", "ICMP type of a rejection", true) },
  { "icmp_code", value("integer", "ICMP code of a rejection", true) },
  { "probes_beyond", value("integer", "probes sent beyond hop, none of them "
    .. "answered", true) },
  { "text", text "the finding in one line" },
}

-- What only traces of several flows have, or what an option adds.
local function with_extras(trace)
  trace.properties.flows = list("one by one, where there are several",
    all_required(PER_FLOW))
  trace.properties.graph = all_required(GRAPH)
  trace.properties.pmtu = pmtu()
  trace.properties.ports = list("where the ports of the option are dropped; "
    .. "absent without the option", all_required(PORT))
  trace.properties.session = all_required(SESSION)
  return trace
end

local function trace_rows()
  return {
    { "target", text "address that was traced" },
    { "name", text("target as the user named it", true) },
    { "ipv4_mapped", value("boolean", "true: the target was given as an "
      .. "IPv4-mapped IPv6 address, ::ffff: and target; else null", true) },
    { "protocol", text(args.accepted "protocol") },
    { "port", value("integer", "destination port; null for icmp", true) },
    { "source_port", value("integer", "source port; null for icmp", true) },
    { "udp_payload", text("the request in UDP probes: dns, quic, ntp, stun or "
      .. "snmp, or file for the bytes of a file; else null", true) },
    { "ecn", text("what SYNs offer: yes (ECN) or accecn; else null", true) },
    { "source", text "address the probes were sent from" },
    { "interface", text("interface they left by", true) },
    { "mtu", value("integer", "of that interface, bytes", true) },
    { "size", whole "length of a probe's IP packet, bytes" },
    { "random_size", value("boolean", "true: each probe has a random size, "
      .. "and size is the largest; else null", true) },
    { "packets", whole "counted probes per hop" },
    { "reached", value("boolean", "whether the target answered") },
    { "ending", text("reached, unreachable or silent; null where the trace "
      .. "was stopped", true) },
    { "ending_type", value("integer", "ICMP type of an unreachable", true) },
    { "ending_code", value("integer", "ICMP code of an unreachable", true) },
    { "target_ttl", value("integer", "distance of the target", true) },
    { "first_hop", whole "first TTL probed" },
    { "probed_hop", whole "last TTL probed" },
    { "elapsed_s", value("number", "seconds the trace took") },
    { "sent", whole "probes sent in all" },
    { "send_error", text("last error of this host's sending", true) },
    { "capture_drops", whole "packets the capture lost" },
    { "sockets", text("raw, or unprivileged: sent without raw sockets", true)
    },
    { "stopped", text("what ended the trace before it was done: max-time, "
      .. "script-timeout, host-timeout or interrupt (a signal)", true) },
    { "link_rate", value("integer", "what a link too narrow for bursts "
      .. "bears, by round trips (bit/s)", true) },
    { "clock_adjustments", whole "round trips left out as the clock was set" },
    { "missing_tx_timestamp", whole "replies without a transmit timestamp" },
    { "path_id", value("integer", "identifier of the path, of several flows "
      .. "of the first one's, 48 bits: equal wherever the same addresses "
      .. "replied; null where nothing did", true) },
    { "hops", list("from the first TTL to the last that matters", hop()) },
    { "verdicts", list("what the trace shows, the most important first",
      verdict()) },
    { "notes", list("what a reader of the figures has to know",
      object { { "type", "string" } }) },
    { "started", text("when the trace began, ISO 8601 in UTC", true) },
    { "started_ns", text("the same, nanoseconds since 1970; a string, "
      .. "because readers may round numbers beyond 2^53", true) },
  }
end

local function failure()
  return all_required {
    { "name", text "target as the user named it" },
    { "error", text "why it was not traced" },
  }
end

--- The schema.
-- @treturn table for dkjson, in order
function M.build()
  local trace = with_extras(all_required(trace_rows()))
  trace.properties.ttfb = ttfb()
  return jsonschema.document("mtr-trace --json", "Times are in ms, losses in "
    .. "percent, unless said otherwise. Unknown values are null. Later "
    .. "versions may add keys.", {
      { "format", object { { "const", "mtr-trace" } } },
      { "format_version", object { { "const", json.FORMAT } } },
      { "version", text "of the program" },
      { "traces", list("in the order of the targets", object {
        { "anyOf", { trace, failure() } } }) },
    })
end

return M
