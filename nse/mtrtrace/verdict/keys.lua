-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of verdicts, in the order of structured output, with their kinds
-- of value. Read through mtrtrace.table.fields.
-- @module mtrtrace.verdict.keys
local format = require "mtrtrace.base.format"

-- `from` is the key in a verdict table if it differs from `name`.
local KEYS = {
  { name = "kind", kind = "name",
    about = "one of mtrtrace.verdict.trace.KINDS" },
  { name = "hop", kind = "count",
    about = "TTL of the hop; with a range, the likeliest hop" },
  { name = "from", kind = "count", about = "first TTL of a range" },
  { name = "to", kind = "count", about = "last TTL of a range" },
  { name = "at", kind = "seconds", about = "time since the trace began" },
  { name = "until", from = "until_s", kind = "seconds",
    about = "time of the last report" },
  { name = "periods", kind = "count",
    about = "periods with reports, separated by replies" },
  { name = "tentative", kind = "flag",
    about = "true if there were too few probes for certainty" },
  { name = "loss", kind = "share", about = "loss from the hop on" },
  { name = "loss_low", kind = "share", about = "lower end at 95 %" },
  { name = "loss_high", kind = "share", about = "upper end at 95 %" },
  { name = "lost", kind = "count", about = "probes lost from the hop on" },
  { name = "sent", kind = "count", about = "counted probes" },
  { name = "received", kind = "count", about = "answered counted probes" },
  { name = "bursts", kind = "count", about = "bursts of two or more lost "
    .. "probes at the last hop that replies, if losses come in bursts" },
  { name = "burst_hop", kind = "count", about = "TTL of that hop" },
  { name = "burst_min", from = "burst_min_s", kind = "seconds",
    about = "duration of the shortest burst" },
  { name = "burst_max", from = "burst_max_s", kind = "seconds",
    about = "duration of the longest burst" },
  { name = "lost_before", kind = "count", about = "lost before the hop" },
  { name = "sent_before", kind = "count", about = "sent before the hop" },
  { name = "burst_sent", kind = "count", about = "probes sent back to back" },
  { name = "burst_received", kind = "count", about = "answered of those" },
  { name = "initial_sent", kind = "count", about = "replaced sample: sent" },
  { name = "initial_received", kind = "count",
    about = "replaced sample: answered" },
  { name = "sample_interval", from = "sample_interval_s", kind = "seconds",
    about = "time between probes of the counted sample" },
  { name = "shared", kind = "count",
    about = "probes of the sample that other traces sent" },
  { name = "inferred", kind = "flag", about = "true if other traces sent "
    .. "all of the sample: this trace got no reply at the hop" },
  { name = "rtt_before", from = "before", kind = "ms",
    about = "median round trip before" },
  { name = "rtt_after", from = "after", kind = "ms",
    about = "median round trip after" },
  { name = "rtt_rise", from = "rise", kind = "ms",
    about = "rise of the median round trip" },
  { name = "best_rtt_rise", from = "best_rise", kind = "ms",
    about = "rise of the shortest one" },
  { name = "rtt_median", from = "median", kind = "ms",
    about = "median round trip of the hop" },
  { name = "rtt_excess", from = "excess", kind = "ms",
    about = "how far the median is above that of the compared hop" },
  { name = "compared_hop", kind = "count",
    about = "TTL of the hop used for comparison" },
  { name = "ip_before", kind = "name", about = "address before" },
  { name = "ip_after", kind = "name", about = "address after" },
  { name = "reply_ttl_before", kind = "count",
    about = "TTL of received replies before" },
  { name = "reply_ttl_after", kind = "count",
    about = "TTL of received replies after" },
  { name = "flow", kind = "count", about = "number of the flow" },
  { name = "flows", kind = "count", about = "flows with this finding" },
  { name = "flow_count", kind = "count", about = "flows of the trace" },
  { name = "address", kind = "name",
    about = "address that these flows pass; sender of a report" },
  { name = "lost_others", kind = "count",
    about = "probes lost on the other flows" },
  { name = "sent_others", kind = "count",
    about = "counted probes on the other flows" },
  { name = "subject", from = "what", kind = "name",
    about = "what was rewritten or reported, or the method" },
  { name = "mtu", kind = "count", about = "MTU that a router names, bytes" },
  { name = "hops", kind = "count", about = "hops a tunnel hides or has, or "
    .. "by which the return path is longer" },
  { name = "tos_before", kind = "count", about = "DSCP or ECN before" },
  { name = "tos_after", kind = "count", about = "DSCP or ECN after" },
  { name = "syn_acks", kind = "count", about = "SYN-ACKs received" },
  { name = "accepted", kind = "count",
    about = "SYN-ACKs with the outcome named by the subject" },
  { name = "responders", kind = "count", about = "addresses that replied" },
  { name = "text", kind = "name", about = "the verdict in one line" },
}

for _, field in ipairs(KEYS) do
  field.key = format.key(field.name, field.kind)
  field.verdict = field.from or field.name
end

return KEYS
