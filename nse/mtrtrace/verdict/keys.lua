-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of verdicts, once: in the order of structured output, with the
-- kind of value of each. A part of the field table, read through
-- mtrtrace.table.fields.
-- @module mtrtrace.verdict.keys
local format = require "mtrtrace.base.format"

-- `from` is a key's name in a verdict, where that is not `name`.
local KEYS = {
  { name = "kind", kind = "name",
    about = "one of mtrtrace.verdict.trace.KINDS" },
  { name = "hop", kind = "count",
    about = "TTL it speaks of; where there is a range, the likeliest" },
  { name = "from", kind = "count", about = "first TTL of a range" },
  { name = "to", kind = "count", about = "last TTL of a range" },
  { name = "at", kind = "seconds", about = "time since the trace began" },
  { name = "until", from = "until_s", kind = "seconds",
    about = "the last time it was seen" },
  { name = "periods", kind = "count",
    about = "times it was seen, with replies in between" },
  { name = "tentative", kind = "flag",
    about = "true where there were too few probes to be sure" },
  { name = "loss", kind = "share", about = "loss from the hop on" },
  { name = "loss_low", kind = "share", about = "lower end at 95 %" },
  { name = "loss_high", kind = "share", about = "upper end at 95 %" },
  { name = "lost", kind = "count", about = "probes lost from the hop on" },
  { name = "sent", kind = "count", about = "counted probes" },
  { name = "received", kind = "count", about = "answered counted probes" },
  { name = "bursts", kind = "count", about = "bursts of two lost probes or "
    .. "more at the last hop that replies, where losses stand together" },
  { name = "burst_hop", kind = "count", about = "TTL of that hop" },
  { name = "burst_min", from = "burst_min_s", kind = "seconds",
    about = "time that the shortest burst took" },
  { name = "burst_max", from = "burst_max_s", kind = "seconds",
    about = "time that the longest burst took" },
  { name = "lost_before", kind = "count", about = "lost before the hop" },
  { name = "sent_before", kind = "count", about = "sent before the hop" },
  { name = "burst_sent", kind = "count", about = "probes sent back to back" },
  { name = "burst_received", kind = "count", about = "answered of those" },
  { name = "initial_sent", kind = "count", about = "replaced sample: sent" },
  { name = "initial_received", kind = "count",
    about = "replaced sample: answered" },
  { name = "sample_interval", from = "sample_interval_s", kind = "seconds",
    about = "time between probes of the sample that counts" },
  { name = "shared", kind = "count",
    about = "probes of the sample that are other traces'" },
  { name = "inferred", kind = "flag", about = "all of them are: the trace "
    .. "itself got no reply at the hop" },
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
    about = "how much of it is its own" },
  { name = "compared_hop", from = "behind", kind = "count",
    about = "TTL that it is compared with" },
  { name = "ip_before", kind = "name", about = "address before" },
  { name = "ip_after", kind = "name", about = "address after" },
  { name = "reply_ttl_before", kind = "count",
    about = "TTL left in answers before" },
  { name = "reply_ttl_after", kind = "count",
    about = "TTL left in answers after" },
  { name = "flow", kind = "count", about = "number of the flow" },
  { name = "flows", kind = "count", about = "flows that were seen" },
  { name = "flow_count", kind = "count", about = "flows of the trace" },
  { name = "address", kind = "name",
    about = "address that the flows it speaks of pass" },
  { name = "lost_others", kind = "count",
    about = "probes lost on the flows it is compared with" },
  { name = "sent_others", kind = "count",
    about = "counted probes on those flows" },
  { name = "subject", from = "what", kind = "name",
    about = "what was rewritten, or how; what was reported" },
  { name = "mtu", kind = "count", about = "MTU that a router names, bytes" },
  { name = "hops", kind = "count", about = "hops a tunnel hides or has, or "
    .. "by which the return path is longer" },
  { name = "tos_before", kind = "count", about = "DSCP or ECN before" },
  { name = "tos_after", kind = "count", about = "DSCP or ECN after" },
  { name = "syn_acks", kind = "count", about = "SYN-ACKs that came" },
  { name = "accepted", kind = "count",
    about = "SYN-ACKs of the kind that the verdict speaks of" },
  { name = "responders", kind = "count", about = "addresses that answered" },
  { name = "text", kind = "name", about = "the verdict in one line" },
}

for _, field in ipairs(KEYS) do
  field.key = format.key(field.name, field.kind)
  field.verdict = field.from or field.name
end

return KEYS
