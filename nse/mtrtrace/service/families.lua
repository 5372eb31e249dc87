-- SPDX-License-Identifier: BSD-2-Clause

--- The metrics of the service, one row per family, in the order of the page.
-- Help texts, the chapter nse/doc/service.md and the tests are made from this
-- table. Names are frozen: families may be added, but none is removed or
-- changes its meaning.
--
-- A row is { name, type, level, about } and may have `labels`, in addition to
-- those of its level, and `unit`. `name` is the name of the series without the
-- suffixes _total of a counter, _info of an info, and _bucket, _sum and _count
-- of a histogram. The level "hop" has a series for each TTL (labels target,
-- protocol, ttl), "target" one for each target (target, protocol), "process"
-- one. `key` is the key of the value in mtrtrace.service.counts.
-- @module mtrtrace.service.families
local M = {}

local HOP, TARGET, PROCESS = "hop", "target", "process"

local ROWS = {
  -- ---- counters of counted probes
  { name = "mtr_trace_probes", type = "counter", level = HOP, key = "probes",
    about = "Finished counted probes, without those of burst tests and of "
      .. "samples that were replaced because of a rate limit." },
  { name = "mtr_trace_replies", type = "counter", level = HOP,
    key = "replies", about = "Counted probes that were answered." },
  { name = "mtr_trace_lost", type = "counter", level = HOP, key = "lost",
    about = "Counted probes that were not answered; divide its rate by that "
      .. "of mtr_trace_probes_total for the loss." },
  { name = "mtr_trace_late_replies", type = "counter", level = HOP,
    key = "late", about = "Replies after the deadline of their probe." },
  { name = "mtr_trace_duplicate_replies", type = "counter", level = HOP,
    key = "duplicates", about = "Further replies to a probe." },
  { name = "mtr_trace_send_errors", type = "counter", level = HOP,
    key = "send_errors", about = "Probes that this host could not send." },

  -- ---- round trips
  { name = "mtr_trace_rtt_seconds", type = "histogram", unit = "seconds",
    level = HOP, key = "rtt",
    about = "Round-trip times of counted probes." },
  { name = "mtr_trace_rtt_min_seconds", type = "gauge", unit = "seconds",
    level = HOP, key = "rtt_min_s",
    about = "Shortest round trip of the last round; 0: no reply." },
  { name = "mtr_trace_jitter_seconds", type = "gauge", unit = "seconds",
    level = HOP, key = "jitter_s",
    about = "Mean difference of consecutive round trips of the last round." },

  -- ---- hops
  { name = "mtr_trace_hop", type = "info", level = HOP, key = "info",
    labels = { "address", "name", "asn", "organization" },
    about = "Which address replied most in the last round in which one did, "
      .. "with its name and network." },
  { name = "mtr_trace_hop_rate_limited", type = "gauge", level = HOP,
    key = "rate_limited",
    about = "1 if the router limits the rate of its ICMP replies, else 0." },
  { name = "mtr_trace_hop_responders", type = "gauge", level = HOP,
    key = "responders",
    about = "Addresses that replied in the last round." },

  -- ---- the target and its path
  { name = "mtr_trace_target_reached", type = "gauge", level = TARGET,
    key = "reached", about = "1 if the target replied in the last round, "
      .. "else 0; 0 before the first round has ended." },
  { name = "mtr_trace_path_hops", type = "gauge", level = TARGET,
    key = "path_hops", about = "TTL of the target; if it does not reply, of "
      .. "the last hop that does." },
  { name = "mtr_trace_path_id", type = "gauge", level = TARGET,
    key = "path_id", labels = { "flow" },
    about = "Identifier of the path, 48 bits: equal for equal paths, on "
      .. "every host; the label flow is there if several flows are traced." },
  { name = "mtr_trace_path_changes", type = "counter", level = TARGET,
    key = "path_changes", about = "Changes of the path, within a round or "
      .. "from one to the next." },
  { name = "mtr_trace_loss_begins_hop", type = "gauge", level = TARGET,
    key = "loss_begins", about = "TTL at which loss on the path begins, by "
      .. "all hops of the last rounds together; 0: no loss is found." },
  { name = "mtr_trace_loss_begins_hop_low", type = "gauge", level = TARGET,
    key = "loss_begins_low", about = "First TTL at which it may begin." },
  { name = "mtr_trace_loss_begins_hop_high", type = "gauge", level = TARGET,
    key = "loss_begins_high", about = "Last TTL at which it may begin." },
  { name = "mtr_trace_loss_bursts", type = "counter", level = TARGET,
    key = "loss_bursts", about = "Runs of two or more consecutive lost "
      .. "probes to the target (loss periods of RFC 3357)." },
  { name = "mtr_trace_path_mtu_bytes", type = "gauge", unit = "bytes",
    level = TARGET, key = "path_mtu", about = "Path MTU; 0: not measured." },
  { name = "mtr_trace_ttfb_seconds", type = "gauge", unit = "seconds",
    level = TARGET, key = "ttfb", labels = { "phase" },
    about = "Time to first byte of the target's web server in the last "
      .. "round: dns, tcp, tls, wait and their total; 0: not measured." },
  { name = "mtr_trace_failed_rounds", type = "counter", level = TARGET,
    key = "failed_rounds", about = "Rounds in which the target could not be "
      .. "traced: its name was not found, or there was no route." },
  { name = "mtr_trace_last_round_timestamp_seconds", type = "gauge",
    unit = "seconds", level = TARGET, key = "last_round_s",
    about = "When the last round ended, seconds since 1970; 0: none has." },

  -- ---- the measurement itself
  { name = "mtr_trace_targets", type = "gauge", level = PROCESS,
    key = "targets", about = "Targets that are traced." },
  { name = "mtr_trace_targets_file_errors", type = "gauge", level = PROCESS,
    key = "file_errors", about = "Lines of the targets file that could not "
      .. "be used when it was last read." },
  { name = "mtr_trace_rounds", type = "counter", level = PROCESS,
    key = "rounds", about = "Traces that ended." },
  { name = "mtr_trace_skipped_rounds", type = "counter", level = PROCESS,
    key = "skipped", about = "Traces that were due while the one before "
      .. "was not finished." },
  { name = "mtr_trace_discarded_samples", type = "counter", level = PROCESS,
    key = "discarded", about = "Samples of hops that no counter has: the "
      .. "capture dropped packets, or a rate limit was not ruled out." },
  { name = "mtr_trace_capture_drops", type = "counter", level = PROCESS,
    key = "capture_drops", about = "Packets that the capture dropped." },
  { name = "mtr_trace_clock_adjustments", type = "counter",
    level = PROCESS, key = "clock_adjustments",
    about = "Round trips that were dropped because the clock was adjusted." },
  { name = "mtr_trace_build", type = "info", level = PROCESS, key = "build",
    labels = { "version", "lua" }, about = "Version of this program." },
  { name = "process_cpu_seconds", type = "counter", unit = "seconds",
    level = PROCESS, key = "cpu_s",
    about = "User and system CPU time of the process." },
  { name = "process_resident_memory_bytes", type = "gauge", unit = "bytes",
    level = PROCESS, key = "memory", about = "Resident memory size." },
  { name = "process_start_time_seconds", type = "gauge", unit = "seconds",
    level = PROCESS, key = "start_s",
    about = "Start time of the process, seconds since 1970." },
}

-- The phases of the time to first byte, in order, with their keys in `ttfb` of
-- a result.
M.PHASES = {
  { "dns", "dns_ms" }, { "tcp", "tcp_ms" }, { "tls", "tls_ms" },
  { "wait", "wait_ms" }, { "total", "ttfb_ms" },
}

-- Bounds of the histogram, seconds.
M.BOUNDS = { 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0 }

--- The value of the label ttl in the series of the target, which continue when
-- the TTL of the target changes.
M.TARGET_TTL = "target"

-- Labels that a user may not give a target.
M.RESERVED = { target = true, protocol = true, ttl = true, le = true,
  flow = true, phase = true, address = true, name = true, asn = true,
  organization = true, job = true, instance = true, quantile = true }

--- All families.
-- @treturn {table,...} not to be changed
function M.all()
  return ROWS
end

local SUFFIX = { counter = "_total", info = "_info" }

--- The name of a family's series; of a histogram without suffix.
-- @tparam table row
-- @treturn string
function M.series(row)
  return row.name .. (SUFFIX[row.type] or "")
end

return M
