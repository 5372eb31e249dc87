-- SPDX-License-Identifier: BSD-2-Clause

--- The keys of a difference in the order of structured output, each with the
-- kind of its value (see mtrtrace.base.format) and a description.
-- @module mtrtrace.diff.keys
local KEYS = {
  { key = "kind", kind = "name", about = "what differs" },
  { key = "hop_before", kind = "count", about = "TTL in the first file" },
  { key = "hop_after", kind = "count", about = "TTL in the second file" },
  { key = "ip_before", kind = "name", about = "address before" },
  { key = "ip_after", kind = "name", about = "address after" },
  { key = "asn_before", kind = "name",
    about = "autonomous system of the address before" },
  { key = "asn_after", kind = "name",
    about = "autonomous system of the address after" },
  { key = "shown_at", kind = "count",
    about = "TTL in the second file of the hop whose figures these are" },
  { key = "latency_before_ms", from = "latency_before", kind = "ms",
    about = "round trip before: the median; the mean with test welch" },
  { key = "latency_after_ms", from = "latency_after", kind = "ms",
    about = "the same after" },
  { key = "latency_shift_ms", from = "latency_shift", kind = "ms",
    about = "by how much it is longer" },
  { key = "latency_shift_low_ms", from = "shift_low", kind = "ms",
    about = "lower end of that at 95 %" },
  { key = "latency_shift_high_ms", from = "shift_high", kind = "ms",
    about = "upper end of that at 95 %" },
  { key = "loss_before_percent", from = "loss_before", kind = "share",
    about = "loss before (%)" },
  { key = "loss_after_percent", from = "loss_after", kind = "share",
    about = "loss after (%)" },
  { key = "loss_shift_percent", from = "loss_shift", kind = "share",
    about = "difference (%)" },
  { key = "sent_before", kind = "count", about = "counted probes before" },
  { key = "received_before", kind = "count",
    about = "answered counted probes before" },
  { key = "sent_after", kind = "count", about = "counted probes after" },
  { key = "received_after", kind = "count",
    about = "answered counted probes after" },
  { key = "test", kind = "name", about = "fisher (exact test of counts), "
    .. "ranks (Mann and Whitney, of single round trips) or welch (t test of "
    .. "means, where there are only summaries)" },
  { key = "p_value", kind = "probability",
    about = "chance of such a shift without a difference" },
  { key = "p_adjusted", kind = "probability", about = "the same, controlled "
    .. "for all tests (Benjamini and Hochberg)" },
  { key = "source_before", kind = "name",
    about = "source address of the probes before" },
  { key = "source_after", kind = "name", about = "the same after" },
  { key = "flow_count_before", kind = "count", about = "flows before" },
  { key = "flow_count_after", kind = "count", about = "flows after" },
  { key = "error_before", kind = "name",
    about = "why it was not traced before" },
  { key = "error_after", kind = "name",
    about = "why it was not traced after" },
  { key = "text", kind = "name", about = "all in a line" },
}

for _, row in ipairs(KEYS) do
  row.from = row.from or row.key
end

return KEYS
