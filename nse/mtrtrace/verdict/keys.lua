-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of verdicts, once: in the order of structured output, with the
-- kind of value of each. A part of the field table, read through
-- mtrtrace.table.fields.
-- @module mtrtrace.verdict.keys
local KEYS = {
  { key = "kind", kind = "name",
    about = "one of mtrtrace.verdict.trace.KINDS" },
  { key = "hop", kind = "count",
    about = "TTL it speaks of; where there is a range, the likeliest" },
  { key = "from", kind = "count", about = "first TTL of a range" },
  { key = "to", kind = "count", about = "last TTL of a range" },
  { key = "at", kind = "seconds", about = "time since the trace began" },
  { key = "until_s", kind = "seconds", about = "the last time it was seen" },
  { key = "periods", kind = "count",
    about = "times it was seen, with replies in between" },
  { key = "tentative", kind = "flag",
    about = "true where there were too few probes to be sure" },
  { key = "loss", kind = "share", about = "loss from the hop on" },
  { key = "loss_low", kind = "share", about = "lower end at 95 %" },
  { key = "loss_high", kind = "share", about = "upper end at 95 %" },
  { key = "lost", kind = "count", about = "probes lost from the hop on" },
  { key = "sent", kind = "count", about = "counted probes" },
  { key = "received", kind = "count", about = "answered counted probes" },
  { key = "bursts", kind = "count", about = "bursts of two lost probes or "
    .. "more at the last hop that replies, where losses stand together" },
  { key = "burst_hop", kind = "count", about = "TTL of that hop" },
  { key = "burst_min_s", kind = "seconds",
    about = "time that the shortest burst took" },
  { key = "burst_max_s", kind = "seconds",
    about = "time that the longest burst took" },
  { key = "lost_before", kind = "count", about = "lost before the hop" },
  { key = "sent_before", kind = "count", about = "sent before the hop" },
  { key = "tests", kind = "count", about = "probes sent back to back" },
  { key = "burst_received", kind = "count", about = "answered of those" },
  { key = "initial_sent", kind = "count", about = "replaced sample: sent" },
  { key = "initial_received", kind = "count",
    about = "replaced sample: answered" },
  { key = "sample_interval_s", kind = "seconds",
    about = "time between probes of the sample that counts" },
  { key = "shared", kind = "count",
    about = "probes of the sample that are other traces'" },
  { key = "inferred", kind = "flag", about = "all of them are: the trace "
    .. "itself got no reply at the hop" },
  { key = "before", kind = "ms", about = "median round trip before" },
  { key = "after", kind = "ms", about = "median round trip after" },
  { key = "rise", kind = "ms", about = "rise of the median round trip" },
  { key = "best_rise", kind = "ms", about = "rise of the shortest one" },
  { key = "median", kind = "ms", about = "median round trip of the hop" },
  { key = "excess", kind = "ms", about = "how much of it is its own" },
  { key = "behind", kind = "count", about = "TTL that it is compared with" },
  { key = "ip_before", kind = "name", about = "address before" },
  { key = "ip_after", kind = "name", about = "address after" },
  { key = "reply_ttl_before", kind = "count",
    about = "TTL left in answers before" },
  { key = "reply_ttl_after", kind = "count",
    about = "TTL left in answers after" },
  { key = "flow", kind = "count", about = "number of the flow" },
  { key = "flows", kind = "count", about = "flows that were seen" },
  { key = "flow_count", kind = "count", about = "flows of the trace" },
  { key = "address", kind = "name",
    about = "address that the flows it speaks of pass" },
  { key = "lost_others", kind = "count",
    about = "probes lost on the flows it is compared with" },
  { key = "sent_others", kind = "count",
    about = "counted probes on those flows" },
  { key = "what", kind = "name",
    about = "what was rewritten, or how; what was reported" },
  { key = "mtu", kind = "count", about = "MTU that a router names, bytes" },
  { key = "hops", kind = "count", about = "hops a tunnel hides or has, or "
    .. "by which the way back is longer" },
  { key = "tos_before", kind = "count", about = "DSCP or ECN before" },
  { key = "tos_after", kind = "count", about = "DSCP or ECN after" },
  { key = "responders", kind = "count", about = "addresses that answered" },
  { key = "text", kind = "name", about = "the verdict in one line" },
}

for _, field in ipairs(KEYS) do
  field.verdict = field.key
end

return KEYS
