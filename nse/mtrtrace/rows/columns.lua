-- SPDX-License-Identifier: BSD-2-Clause

--- The columns of flat rows: key, type and meaning of each, in the order of
-- output. The schema is made from them. Keys are frozen: columns may be added,
-- but neither removed nor changed in type.
-- @module mtrtrace.rows.columns
local args = require "mtrtrace.options.args"

local M = {}

-- Columns at the start of every row.
local COMMON = {
  { "row", "string", "run, hop or probe" },
  { "vantage", "string", "name of the host that measured" },
  { "labels", "string", "as given by --labels" },
  { "run_id", "integer", "the same in all rows of one trace; 48 bits" },
  { "time_s", "integer", "when the trace began, seconds since 1970" },
  { "started_ns", "string", "the same in ns; a text, as it is beyond 2^53" },
  { "name", "string", "target as the user named it" },
  { "target", "string", "address that was traced; null where it was not" },
  { "protocol", "string", args.accepted "protocol" },
  { "port", "integer", "destination port; null for icmp" },
}

local RUN = {
  { "error", "string", "why it was not traced; else null" },
  { "source", "string", "address the probes were sent from" },
  { "interface", "string", "interface they left by" },
  { "size", "integer", "length of a probe's IP packet, bytes" },
  { "packets", "integer", "counted probes per hop" },
  { "reached", "boolean", "whether the target replied" },
  { "ending", "string", "reached, unreachable or silent" },
  { "target_ttl", "integer", "distance of the target" },
  { "hop_count", "integer", "rows of the table" },
  { "flow_count", "integer", "flows that were traced" },
  { "elapsed_s", "number", "time that the trace took" },
  { "sent", "integer", "probes sent in all" },
  { "path_id", "integer", "identifier of the first flow's path; 48 bits" },
  { "path_ids", "string", "identifiers of all paths, parted by commas" },
  { "target_sent", "integer", "counted probes to the target" },
  { "target_received", "integer", "answered ones of those" },
  { "target_loss_percent", "number", "loss of the target (%)" },
  { "target_best_ms", "number", "shortest round trip to the target" },
  { "target_avg_ms", "number", "mean round trip to the target" },
  { "target_median_ms", "number", "median round trip to the target" },
  { "target_p95_ms", "number", "95th percentile to the target" },
  { "target_stdev_ms", "number", "sample deviation of these" },
  { "target_jitter_ms", "number", "mean difference of consecutive ones" },
  { "loss_begins_hop", "integer", "TTL at which loss begins; 0: none" },
  { "loss_begins_low", "integer", "first TTL that is possible; 0: none" },
  { "loss_begins_high", "integer", "last TTL that is possible; 0: none" },
  { "path_changes", "integer", "changes of the path during the trace" },
  { "verdicts", "string", "kinds of verdicts, parted by commas" },
  { "path_mtu", "integer", "bytes; null where not searched" },
  { "ttfb_ms", "number", "time to first byte; null where not measured" },
  { "ttfb_tcp_ms", "number", "of it: TCP" },
  { "ttfb_tls_ms", "number", "of it: TLS" },
  { "ttfb_wait_ms", "number", "of it: wait" },
  { "http_status", "integer", "status of the answer" },
  { "capture_drops", "integer", "packets the capture lost" },
}

local HOP = {
  { "path_id", "integer", "identifier of the first flow's path; 48 bits" },
  { "ttl", "integer", "distance" },
  { "first", "boolean", "true in the one row of a hop whose counts are to be "
    .. "summed" },
  { "ip", "string", "address that replied; null: silent" },
  { "is_target", "boolean", "whether it is the target" },
  { "host", "string", "its name by reverse DNS" },
  { "asn", "integer", "autonomous system that leads" },
  { "organization", "string", "its holder" },
  { "special", "string", "class of a special-purpose address" },
  { "country", "string", "of the registration" },
  { "prefix", "string", "announced prefix" },
  { "os", "string", "guess of its system, by evidence" },
  { "sent", "integer", "finished counted probes of the hop" },
  { "received", "integer", "answered ones of those" },
  { "loss_percent", "number", "of the hop (%); null where it is unknown" },
  { "loss_low_percent", "number", "lower end at 95 % (%)" },
  { "loss_high_percent", "number", "upper end at 95 % (%)" },
  { "loss_periods", "integer", "runs of consecutive lost probes" },
  { "loss_bursts", "integer", "those of two probes or more" },
  { "loss_burst_max_s", "number", "time that the longest took" },
  { "rate_limited", "boolean", "the loss is of probes sent more slowly" },
  { "untested", "boolean", "the loss may be rate limiting" },
  { "better_beyond", "boolean", "hops beyond show that its losses are not "
    .. "the path's" },
  { "silent", "boolean", "nothing ever replied" },
  { "late", "integer", "replies after their probe's deadline" },
  { "duplicates", "integer", "further replies" },
  { "send_errors", "integer", "probes this host could not send" },
  { "unreachable", "integer", "lost probes reported unreachable" },
  { "total_sent", "integer", "all probes, unsampled ones included" },
  { "total_received", "integer", "answered ones of those" },
  { "replies", "integer", "counted probes that this address answered" },
  { "last_ms", "number", "last round trip" },
  { "best_ms", "number", "shortest one" },
  { "avg_ms", "number", "mean" },
  { "median_ms", "number", "median" },
  { "p95_ms", "number", "95th percentile" },
  { "worst_ms", "number", "longest one" },
  { "stdev_ms", "number", "sample deviation" },
  { "jitter_ms", "number", "mean difference of consecutive ones" },
  { "reply_ttl", "integer", "TTL left in the reply" },
}

local PROBE = {
  { "ttl", "integer", "TTL it was sent with" },
  { "flow", "integer", "number of the flow" },
  { "probe", "integer", "number of the probe in its flow" },
  { "class", "string", "counted, or what else it was sent for" },
  { "outcome", "string", "reply, late, timeout, unreachable or send-error" },
  { "sent_ns", "integer", "when it was sent, ns since the trace began" },
  { "rtt_ns", "integer", "round trip; null without one" },
  { "ip", "string", "who replied" },
  { "is_target", "boolean", "whether that is the target" },
  { "type", "integer", "ICMP type of the reply" },
  { "code", "integer", "ICMP code of the reply" },
  { "reply_ttl", "integer", "TTL left in the reply" },
}

local KINDS = { runs = RUN, hops = HOP, probes = PROBE }

local function joined(list)
  local out = table.move(COMMON, 1, #COMMON, 1, {})
  return table.move(list, 1, #list, #out + 1, out)
end

for kind, list in pairs(KINDS) do
  KINDS[kind] = joined(list)
end

--- The columns of a kind of rows.
-- @tparam string kind runs, hops or probes
-- @treturn {table,...} { key, type, about }; not to be changed
function M.of(kind)
  return KINDS[kind]
end

return M
