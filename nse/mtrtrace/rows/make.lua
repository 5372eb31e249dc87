-- SPDX-License-Identifier: BSD-2-Clause

--- Converts results and events to flat rows: values by the keys of
-- mtrtrace.rows.columns. Pure.
-- @module mtrtrace.rows.make
local bursts = require "mtrtrace.base.bursts"
local ident = require "mtrtrace.flows.ident"
local marks = require "mtrtrace.table.marks"
local os_words = require "mtrtrace.os.words"
local probe_key = require "mtrtrace.base.probe_key"
local sha256 = require "mtrtrace.base.sha256"

local M = {}

local NS = 1000000000

local function percent(share)
  return share and 100.0 * share or nil
end

-- ---- what all rows have ---------------------------------------------------

--- What the rows of a trace have in common.
-- @tparam string row run, hop or probe
-- @tparam table about `vantage`, `labels`
-- @tparam table trace `name`
-- @tparam table head a result of the trace, `started_ns` and its target
-- @treturn table
function M.common(row, about, trace, head)
  local id = table.concat({ about.vantage, head.started_ns or 0,
    trace.name or "", head.target or "", trace.index or 0 }, "\0")
  return { row = row, vantage = about.vantage, labels = trace.labels
    or about.labels or "",
    run_id = sha256.number(sha256.hex(id)),
    time_s = head.started_ns and head.started_ns // NS,
    started_ns = head.started_ns and ("%d"):format(head.started_ns),
    name = trace.name, target = head.target, protocol = head.protocol,
    port = head.port }
end

-- ---- runs -----------------------------------------------------------------

local function target_of(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      if result.reached and responder.target
        and hop.ttl == (result.target_ttl or hop.ttl) then
        return hop, responder
      end
    end
  end
end

local TIMES = { "best_ms", "avg_ms", "median_ms", "p95_ms", "stdev_ms",
  "jitter_ms" }

local function add_target(row, result)
  local hop, responder = target_of(result)
  if not hop then
    return
  end
  row.target_sent, row.target_received = hop.sent, hop.received
  row.target_loss_percent = percent(hop.loss)
  for _, key in ipairs(TIMES) do
    row["target_" .. key] = responder[key]
  end
end

local function add_verdicts(row, result)
  local kinds, seen, changes = {}, {}, 0
  row.loss_begins_hop, row.loss_begins_low, row.loss_begins_high = 0, 0, 0
  for _, v in ipairs(result.verdicts or {}) do
    kinds[#kinds + 1] = not seen[v.kind] and v.kind or nil
    if v.kind == "loss" and not seen.loss then
      row.loss_begins_hop = v.hop
      row.loss_begins_low = v.from or v.hop
      row.loss_begins_high = v.to or v.hop
    end
    seen[v.kind] = true
    changes = changes + (v.kind == "path_changed" and 1 or 0)
  end
  row.path_changes, row.verdicts = changes, table.concat(kinds, ",")
end

local function add_web(row, ttfb)
  if ttfb then
    row.ttfb_ms, row.ttfb_tcp_ms = ttfb.ttfb_ms, ttfb.tcp_ms
    row.ttfb_tls_ms, row.ttfb_wait_ms = ttfb.tls_ms, ttfb.wait_ms
    row.http_status = math.tointeger(ttfb.status)
  end
end

--- The row of a run.
-- @tparam table about `vantage`, `labels`
-- @tparam table trace
-- @tparam ?table result judged
-- @tparam ?string err the error without a result
-- @treturn table
function M.run(about, trace, result, err)
  local row = M.common("run", about, trace, result or trace.head or {})
  if not result then
    row.error, row.reached = err, false
    return row
  end
  for _, key in ipairs { "source", "interface", "size", "packets", "ending",
    "target_ttl", "sent", "capture_drops" } do
    row[key] = result[key]
  end
  local ids = ident.numbers(result)
  row.reached, row.hop_count = result.reached or false, #result.hops
  row.flow_count = result.flows and #result.flows or 1
  row.elapsed_s, row.path_id = result.elapsed_s, ids[1]
  row.path_ids = ids[1] and table.concat(ids, ",")
  row.path_mtu = result.pmtu and result.pmtu.mtu
  add_target(row, result)
  add_verdicts(row, result)
  add_web(row, result.ttfb)
  return row
end

-- ---- hops -----------------------------------------------------------------

local function hop_row(common, hop)
  local row, found = setmetatable({}, { __index = common }), bursts.of(hop)
  for _, key in ipairs { "ttl", "sent", "received", "late", "duplicates",
    "send_errors", "unreachable", "total_sent", "total_received" } do
    row[key] = hop[key]
  end
  row.loss_percent = percent(hop.loss)
  row.loss_low_percent = percent(hop.loss_low)
  row.loss_high_percent = percent(hop.loss_high)
  row.loss_periods = found and found.periods
  row.loss_bursts = found and found.bursts
  row.loss_burst_max_s = found and found.max_s
  row.rate_limited = marks.is_resampled(hop)
  row.untested = hop.untested and true or false
  row.better_beyond = hop.better_beyond and true or false
  row.silent = hop.silent and true or false
  return row
end

local function add_responder(row, responder)
  for _, key in ipairs { "organization", "special", "country", "prefix",
    "last_ms", "best_ms", "avg_ms", "median_ms", "p95_ms", "worst_ms",
    "stdev_ms", "jitter_ms", "reply_ttl" } do
    row[key] = responder[key]
  end
  row.ip, row.host = responder.address, responder.name
  row.is_target, row.replies = responder.target or false, responder.received
  local digits = responder.asn and responder.asn:match "^AS(%d+)"
  row.asn = digits and math.tointeger(tonumber(digits))
  row.os = responder.os and os_words.label(responder.os)
  return row
end

--- The rows of the hops of a trace, one for each responder.
-- @tparam table about `vantage`, `labels`
-- @tparam table trace
-- @tparam table result judged
-- @treturn {table,...}
function M.hops(about, trace, result)
  local rows, common = {}, M.common("hop", about, trace, result)
  common.path_id = ident.numbers(result)[1]
  for _, hop in ipairs(result.hops) do
    for i, responder in ipairs(hop.responders) do
      local row = add_responder(hop_row(common, hop), responder)
      row.first = i == 1
      rows[#rows + 1] = row
    end
    if #hop.responders == 0 then
      local row = hop_row(common, hop)
      row.first, row.is_target = true, false
      rows[#rows + 1] = row
    end
  end
  return rows
end

-- ---- probes ---------------------------------------------------------------

local OUTCOMES = { reply = true, late = true, timeout = true,
  unreachable = true, ["send-error"] = true }

-- Largest number of probes in flight that are kept.
local MOST_OPEN = 1 << 20

local Probes = {}
Probes.__index = Probes

local function key_of(event)
  return probe_key.of(event) << 8 | event.ttl
end

--- The row of an event, where it ends a probe.
-- @tparam table event as trace:events() gives it
-- @treturn ?table
function Probes:take(event)
  if not event.probe or not event.ttl then
    return nil
  end
  local key = key_of(event)
  if event.kind == "sent" then
    if self.count < MOST_OPEN then
      self.count, self.open[key] = self.count + 1, event.at_ns
    end
    return nil
  elseif not OUTCOMES[event.kind] then
    return nil
  end
  local sent_ns = self.open[key]
  if sent_ns then
    self.open[key], self.count = nil, self.count - 1
  end
  local row = setmetatable({}, { __index = self.common })
  for _, name in ipairs { "ttl", "probe", "class", "rtt_ns", "type", "code",
    "reply_ttl" } do
    row[name] = event[name]
  end
  row.flow, row.outcome = event.flow or 0, event.kind
  row.sent_ns, row.ip = sent_ns, event.from
  row.is_target = event.target and true or false
  return row
end

--- Rows of the probes of a trace.
-- @tparam table about `vantage`, `labels`
-- @tparam table trace with `head`
-- @treturn table with take(event)
function M.probes(about, trace)
  return setmetatable({ open = {}, count = 0,
    common = M.common("probe", about, trace, trace.head) }, Probes)
end

return M
