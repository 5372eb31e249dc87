-- SPDX-License-Identifier: BSD-2-Clause

--- The event stream as lines of JSON, one object each: the output of --ndjson
-- and the file of --record, which mtrtrace.recording.replay reads. Pure.
--
-- A stream has a header, and for each trace `start`, the engine's events,
-- `facts` from enrichers, and `end`; or `error` for a target that could not be
-- traced. All objects of a trace have its number, `trace`. With several flows,
-- `start` has `flows` with the flow identifiers, `search` has the result of
-- the search for paths that preceded the trace, and each flow has `answers`
-- (facts of its own) and a `flow` before the `end`.
-- @module mtrtrace.recording.stream
local format = require "mtrtrace.base.format"

local M = {}

local math_type = math.type

--- The format number, raised with each incompatible change. Format 5 renamed
-- keys, so recordings of earlier formats are refused.
M.FORMAT = 5

-- ---- values ---------------------------------------------------------------

local quoted = format.json_string

local write

local function whole(value)
  local number = format.whole(value)
  return number == value and tostring(value) or '"' .. number .. '"'
end

local function list(items)
  local parts = {}
  for i, item in ipairs(items) do
    parts[i] = write(item)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object(members)
  local keys, parts = {}, {}
  for key in pairs(members) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    parts[i] = quoted(key) .. ":" .. write(members[key], key)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Keys whose empty tables are objects; all other empty tables are lists.
local OBJECTS = { facts = true, result = true, evidence = true, place = true }

-- Tables with a first element are lists; objects have sorted keys.
function write(value, key)
  local kind = type(value)
  if kind == "string" then
    return quoted(value)
  elseif kind == "number" then
    return math.type(value) == "integer" and whole(value)
      or format.exact(value) or "null"
  elseif kind == "table" then
    local is_list = value[1] ~= nil or next(value) == nil and not OBJECTS[key]
    return is_list and list(value) or object(value)
  end
  return tostring(value)
end

-- ---- lines ----------------------------------------------------------------

-- Keys of events in the order in which they are written; other keys of events
-- have the same value in another unit.
local EVENT = {
  "ttl", "probe", "index", "flow", "class", "shared", "during_drops", "from",
  "target", "reply", "answer", "type", "code", "reply_ttl", "reply_tos",
  "reply_size", "reply_ip_id", "quote_length", "quoted_ttl", "quoted_tos",
  "quoted_size", "mtu", "rtt_ns", "clock_adjustment", "was_error",
  "was_unreachable", "late", "elsewhere", "ending", "error",
  "sample_interval_ns",
  "burst_sent", "burst_received",
}

-- The encoded keys, made once, as there are many events.
local EVENT_KEY = {}
for i, key in ipairs(EVENT) do
  EVENT_KEY[i] = (',"%s":'):format(key)
end

local function line_of(parts)
  return "{" .. table.concat(parts, ",") .. "}\n"
end

local function member(parts, key, value)
  if value ~= nil then
    parts[#parts + 1] = ('"%s":%s'):format(key, write(value, key))
  end
end

local function begin(kind, index)
  local parts = {}
  member(parts, "kind", kind)
  member(parts, "trace", index)
  return parts
end

--- The first line.
-- @tparam string version of this program
-- @treturn string
function M.header(version)
  local parts = begin "mtr-trace"
  member(parts, "format", M.FORMAT)
  member(parts, "version", version)
  return line_of(parts)
end

-- The fields that load balancers hash, and the time of the flow's first probe.
local FLOW = { "flow", "started_ns", "source_port", "checksum",
  "flow_label" }

local function flows_of(trace)
  local flows = {}
  for i, flow in ipairs(trace.flows or {}) do
    flows[i] = {}
    for _, key in ipairs(FLOW) do
      flows[i][key] = flow[key]
    end
  end
  return #flows > 0 and flows or nil
end

--- The line with the result of a search for paths.
-- @tparam table trace with `search`
-- @treturn string
function M.search(trace)
  local parts = begin("search", trace.index)
  member(parts, "search", trace.search)
  return line_of(parts)
end

--- The line of the start of a trace.
-- @tparam table trace `index`, `name` as the user gave it, `head`: its result
--   at the start, `options`: those of its start, `flows`: the result of each
--   one of several flows
-- @treturn string
function M.start(trace)
  local parts, head = begin("start", trace.index), trace.head
  member(parts, "name", trace.name)
  member(parts, "target", head.target)
  member(parts, "started", format.moment(head.started_ns))
  for _, key in ipairs { "started_ns", "source", "interface", "mtu",
    "protocol", "port", "source_port", "size", "random_size",
    "udp_payload", "ecn", "packets", "first_hop", "split", "ipv4_mapped",
    "sockets" } do
    member(parts, key, head[key])
  end
  for _, key in ipairs { "max_hops", "max_silent", "interval", "timeout",
    "tos", "paths" } do
    member(parts, key, trace.options[key])
  end
  member(parts, "flows", flows_of(trace))
  return line_of(parts)
end

-- The start of an event's flow; `at_ns` of events counts from there.
local function began_ns(trace, event)
  if not trace.flows then
    return trace.head.started_ns
  elseif not trace.began then
    trace.began = {}
    for _, flow in ipairs(trace.flows) do
      trace.began[flow.flow] = flow.started_ns
    end
  end
  return trace.began[event.flow]
end

local NS = 1000000000

-- Size of the cache of encoded texts; events have few different ones.
local MOST_TEXTS = 1024

local function moment(trace, ns)
  if ns // NS ~= trace.second then
    trace.second, trace.second_text = ns // NS, format.moment(ns):sub(1, 20)
  end
  return ("%s%09dZ"):format(trace.second_text, ns % NS)
end

local function text_of(trace, value)
  local texts = trace.texts
  if not texts or texts.count >= MOST_TEXTS then
    texts = { count = 0, of = {} }
    trace.texts = texts
  end
  local text = texts.of[value]
  if not text then
    text = write(value)
    texts.of[value], texts.count = text, texts.count + 1
  end
  return text
end

-- The fields of an event in their order; integers are written by concat.
local function fields_of(trace, event, parts, n)
  for i = 1, #EVENT do
    local value = event[EVENT[i]]
    if value ~= nil then
      parts[n + 1] = EVENT_KEY[i]
      parts[n + 2] = math_type(value) == "integer" and value
        or text_of(trace, value)
      n = n + 2
    end
  end
  return n
end

--- The line of an event.
-- @tparam table trace as above
-- @tparam table event as trace:events() returns it
-- @treturn string
function M.event(trace, event)
  local parts = { '{"kind":"', event.kind, '","trace":', trace.index,
    ',"time":"', moment(trace, began_ns(trace, event) + event.at_ns),
    '","at_ns":', event.at_ns }
  local n = fields_of(trace, event, parts, #parts)
  parts[n + 1] = "}\n"
  return table.concat(parts)
end

--- The line for events that were dropped because they were not read in time.
-- @tparam table trace
-- @tparam integer count
-- @treturn string
function M.dropped(trace, count)
  local parts = begin("dropped", trace.index)
  member(parts, "count", count)
  return line_of(parts)
end

-- Keys of responders and hops that follow from events, by the engine or by
-- later computation. All other keys are facts from enrichers. With several
-- flows, `answers` are written flow by flow.
local OWN = {}
for words, scope in pairs {
  [ [[address flow target received late duplicates reply_ttl last_ms avg_ms
    gmean_ms best_ms worst_ms stdev_ms jitter_ms jitter_last_ms
    jitter_worst_ms jitter_rfc3550_ms median_ms p25_ms p75_ms p95_ms codes
    special flows flow_count share paths sent loss loss_low loss_high]]
  ] = "responder",
  [ [[ttl sent received in_flight send_errors late duplicates total_sent
    total_received silent untested no_token shared_rate_limit
    lost_during_drops rate_limit loss loss_low loss_high responders runs
    run_total lost lost_at rate_limited better_beyond silent_flows
    unreachable reports unlisted]] ] = "hop",
} do
  OWN[scope] = {}
  for key in words:gmatch "%S+" do
    OWN[scope][key] = true
  end
end

local function found(from, scope, left_out)
  local facts
  for key, value in pairs(from) do
    if not OWN[scope][key] and key ~= left_out then
      facts = facts or {}
      facts[key] = value
    end
  end
  return facts
end

local function facts_line(kind, trace, facts, ttl, responder)
  if not facts then
    return ""
  end
  local parts = begin(kind, trace.index)
  member(parts, "ttl", ttl)
  member(parts, "address", responder and responder.address)
  member(parts, "flow", responder and responder.flow)
  member(parts, "facts", facts)
  return line_of(parts)
end

-- Keys of a result that follow from events or have lines of their own.
local FOLLOWS = { hops = true, verdicts = true, flows = true, groups = true,
  graph = true, each_flow = true }

-- The line with the figures of a result.
local function result_line(kind, trace, result)
  local parts, rest = begin(kind, trace.index), {}
  for key, value in pairs(result) do
    if not FOLLOWS[key] then
      rest[key] = value
    end
  end
  local last = result.hops[#result.hops]
  member(parts, "last_hop", last and last.ttl or 0)
  member(parts, "result", rest)
  return line_of(parts)
end

local function add_facts(lines, kind, trace, result)
  local left_out = result.flows and "answers"
  for _, hop in ipairs(result.hops) do
    lines[#lines + 1] = facts_line(kind, trace, found(hop, "hop"), hop.ttl)
    for _, responder in ipairs(hop.responders) do
      lines[#lines + 1] = facts_line(kind, trace,
        found(responder, "responder", left_out), hop.ttl, responder)
    end
  end
end

--- The lines of the end of a trace.
-- @tparam table trace
-- @tparam table result judged; with several flows it has `each_flow`, see
--   mtrtrace.session.tracer
-- @treturn string several lines
function M.finish(trace, result)
  local lines = {}
  for _, flow in ipairs(result.each_flow or {}) do
    add_facts(lines, "answers", trace, flow)
    lines[#lines + 1] = result_line("flow", trace, flow)
  end
  add_facts(lines, "facts", trace, result)
  lines[#lines + 1] = result_line("end", trace, result)
  return table.concat(lines)
end

--- The line for a target that could not be traced.
-- @tparam table trace
-- @tparam string err the reason
-- @treturn string
function M.failure(trace, err)
  local parts = begin("error", trace.index)
  member(parts, "name", trace.name)
  member(parts, "error", err)
  return line_of(parts)
end

return M
