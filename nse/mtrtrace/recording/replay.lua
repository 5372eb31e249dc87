-- SPDX-License-Identifier: BSD-2-Clause

--- Reads a recorded event stream again. The engine's own counters count the
-- events, so the results equal those of the recorded run. Reads no file and no
-- clock: lines in, traces, events and results out.
-- @module mtrtrace.recording.replay
local counting = require "mtrtrace.session.counting"
local special = require "mtrtrace.base.special"
local stream = require "mtrtrace.recording.stream"
local tables = require "mtrtrace.base.tables"
local tracer = require "mtrtrace.session.tracer"

local M = {}

local Replay = {}
Replay.__index = Replay

-- Limits that no recording of this program exceeds: open traces, flows, and
-- the length of a line.
local MOST_OPEN, MOST_FLOWS, LONGEST = 65536, 64, 1048576

-- ---- validation -----------------------------------------------------------

local function is_whole(value, least, most)
  return math.type(value) == "integer" and value >= least and value <= most
end

local function is_address(value)
  return type(value) == "string"
    and special.bytes((value:gsub("%%.*$", ""))) ~= nil
end

local START = {
  name = function(v) return type(v) == "string" end,
  target = is_address,
  started_ns = function(v) return is_whole(v, 0, math.maxinteger // 2) end,
  max_hops = function(v) return is_whole(v, 1, 255) end,
  max_silent = function(v) return is_whole(v, 1, 255) end,
}

-- The values that reports require in a result.
local RESULT = {
  target = is_address, started_ns = START.started_ns,
  first_hop = function(v) return is_whole(v, 1, 255) end,
  probed_hop = function(v) return is_whole(v, 0, 255) end,
  packets = function(v) return is_whole(v, 1, 100000) end,
  sent = function(v) return is_whole(v, 0, 1 << 40) end,
  elapsed_s = function(v) return type(v) == "number" and v >= 0 end,
  protocol = function(v) return type(v) == "string" end,
  source = is_address,
  reached = function(v) return type(v) == "boolean" end,
}

local FLOW = {
  flow = function(v) return is_whole(v, 0, 65534) end,
  started_ns = START.started_ns,
}

local OPTIONAL = {
  end_ttl = "integer", checksum = "integer", flow_label = "integer",
  ending = "string", ending_type = "integer", ending_code = "integer",
  target_ttl = "integer", capture_drops = "integer",
  link_rate = "integer", stopped = "string", mtu = "integer",
  size = "integer", clock_adjustments = "integer",
  missing_tx_timestamp = "integer",
  send_error = "string", sockets = "string", interface = "string",
    port = "integer",
  source_port = "integer", split = "boolean", random_size = "boolean",
  ipv4_mapped = "boolean",
  udp_payload = "string", ecn = "string",
  session = "table",
}

local SESSION = {
  connections = "integer", connections_lost = "integer", match = "string",
  fallback = "boolean", syn_ack_ttl = "integer", ack_ttl = "integer",
  reset_ttl = "integer", cause = "string", error = "string",
}

local function lacks(object, rules)
  local keys = {}
  for key in pairs(rules) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    if not rules[key](object[key]) then
      return key
    end
  end
end

local function misfit_of(object, kinds)
  for key, kind in pairs(kinds) do
    local value = object[key]
    if value ~= nil and (math.type(value) or type(value)) ~= kind then
      return key
    end
  end
end

local function misfit(object)
  return misfit_of(object, OPTIONAL)
    or object.session and misfit_of(object.session, SESSION)
end

-- Numbers of the flows; nil if one is invalid or repeated.
local function numbers_of(flows)
  local numbers, seen = {}, {}
  for i, flow in ipairs(flows) do
    if type(flow) ~= "table" or lacks(flow, FLOW) or seen[flow.flow] then
      return nil
    end
    numbers[i], seen[flow.flow] = flow.flow, true
  end
  return #numbers > 0 and #numbers <= MOST_FLOWS and numbers or nil
end

local function is_vertex(vertex)
  local good = type(vertex) == "table" and is_address(vertex.address)
    and type(vertex.flows) == "table"
  for _, flow in ipairs(good and vertex.flows or {}) do
    good = good and math.type(flow) == "integer"
  end
  return good
end

-- Whether a multipath search is valid.
local function is_search(search)
  local good = type(search) == "table" and type(search.hops) == "table"
    and math.type(search.flow_count) == "integer"
    and is_whole(search.flow_count, 0, 65535)
  for _, hop in ipairs(good and search.hops or {}) do
    good = good and type(hop) == "table" and is_whole(hop.ttl, 1, 255)
      and type(hop.vertices) == "table"
    for _, vertex in ipairs(good and hop.vertices or {}) do
      good = good and is_vertex(vertex)
    end
  end
  return good
end

-- Converts nanoseconds since 1970 from a string: JSON readers may round
-- numbers beyond 2^53, so they are written as strings.
local function with_moment(object)
  if type(object) == "table" and type(object.started_ns) == "string" then
    object.started_ns = math.tointeger(tonumber(object.started_ns))
  end
end

local function with_moments(object)
  with_moment(object)
  with_moment(object.result)
  for _, flow in ipairs(type(object.flows) == "table" and object.flows
    or {}) do
    with_moment(flow)
  end
end

-- ---- lines ----------------------------------------------------------------

local KINDS = {}

local function counter_of(self, object, numbers)
  if numbers then
    return counting.new(self.core.replay, object.max_hops, numbers)
  end
  return self.core.replay(object.max_hops)
end

function KINDS.start(self, object)
  local wrong = lacks(object, START)
  local numbers = type(object.flows) == "table" and numbers_of(object.flows)
  if wrong then
    return nil, ("'%s' of the start is missing or invalid"):format(wrong)
  elseif object.flows ~= nil and not numbers then
    return nil, "'flows' of the start are invalid"
  elseif self.open[object.trace] then
    return nil, ("trace %d has begun already"):format(object.trace)
  elseif self.count >= MOST_OPEN then
    return nil, "too many traces at once"
  end
  local trace = { index = object.trace, name = object.name, head = object,
    target = object.target, options = object, facts = {}, answers = {},
    max_hops = object.max_hops, flows = object.flows, heads = {},
    replay = counter_of(self, object, numbers) }
  self.open[trace.index], self.count = trace, self.count + 1
  self.begun = true
  return true, { kind = "start", trace = trace }
end

local function keep(list, object)
  if type(object.facts) ~= "table" then
    return nil, "'facts' is missing or is no object"
  end
  list[#list + 1] = object
  return true
end

function KINDS.facts(_, object, trace)
  return keep(trace.facts, object)
end

function KINDS.answers(_, object, trace)
  return keep(trace.answers, object)
end

function KINDS.search(_, object, trace)
  if not is_search(object.search) then
    return nil, "'search' is missing or is no search for paths"
  end
  trace.search = object.search
  return true, { kind = "search", trace = trace }
end

function KINDS.dropped()
  return nil, "the run lost events, its figures are unknown"
end

local function is_absent(value)
  return value == nil or type(value) == "table" and next(value) == nil
end

local function apply(result, object)
  for _, hop in ipairs(result.hops) do
    local into = hop.ttl == object.ttl and hop or nil
    for _, responder in ipairs(into and object.address
      and hop.responders or {}) do
      if responder.address == object.address
        and responder.flow == object.flow then
        into = responder
      end
    end
    for key, value in pairs(into and (into ~= hop or not object.address)
      and object.facts or {}) do
      if is_absent(into[key]) then
        into[key] = value
      end
    end
  end
end

local function with_answers(trace)
  return function(flow, number)
    for _, object in ipairs(trace.answers) do
      if object.flow == number then
        apply(flow, object)
      end
    end
  end
end

-- The judged result of a trace; `head` has the figures of the trace itself.
local function result_of(trace, head, last)
  local result
  if trace.flows then
    result = trace.replay:outcome(trace.heads, head, with_answers(trace),
      trace.search)
  else
    result = tables.copy(head)
    result.hops = trace.replay:hops(head.first_hop, last)
  end
  for _, object in ipairs(trace.facts) do
    apply(result, object)
  end
  return tracer.complete(result)
end

-- The figures of a flow or of the whole trace; nil and an error text if they
-- are invalid.
local function figures_of(object, trace)
  local result = object.result
  if type(result) ~= "table" then
    return nil, "'result' is missing or is no object"
  end
  local wrong = lacks(result, RESULT) or misfit(result)
  if wrong then
    return nil, ("'%s' of the result is missing or invalid"):format(wrong)
  elseif not is_whole(object.last_hop, 0, trace.max_hops) then
    return nil, "'last_hop' is missing or is no TTL of the trace"
  end
  return result
end

function KINDS.flow(_, object, trace)
  local result, err = figures_of(object, trace)
  if not result then
    return nil, err
  elseif not FLOW.flow(result.flow) then
    return nil, "'flow' of the result is missing or invalid"
  end
  trace.heads[result.flow] = result
  return true
end

-- The first flow without a "flow" line.
local function flow_missing(trace)
  for _, flow in ipairs(trace.flows or {}) do
    if not trace.heads[flow.flow] then
      return flow.flow
    end
  end
end

KINDS["end"] = function(self, object, trace)
  local result, err = figures_of(object, trace)
  if not result then
    return nil, err
  elseif flow_missing(trace) then
    return nil, ("flow %d has no end"):format(flow_missing(trace))
  end
  self.open[trace.index], self.count = nil, self.count - 1
  local ok, full = pcall(result_of, trace, result, object.last_hop)
  trace.replay:close()
  if not ok then
    return nil, "the facts do not fit the trace"
  end
  return true, { kind = "finish", trace = trace, result = full }
end

function KINDS.error(self, object)
  if type(object.name) ~= "string" or type(object.error) ~= "string" then
    return nil, "'name' or 'error' is missing"
  end
  self.begun = true
  return true, { kind = "finish", error = object.error,
    trace = { index = object.trace, name = object.name } }
end

local function engine_event(_, object, trace)
  local ok, err = trace.replay:add(object)
  if not ok then
    return nil, err
  end
  return true, { kind = "event", trace = trace, event = object }
end

local function header(self, object)
  if object.kind ~= "mtr-trace" then
    return nil, "no recording of mtr-trace"
  elseif object.format ~= stream.FORMAT then
    return nil, ("a recording of format %s, this program reads format %d")
      :format(tostring(object.format), stream.FORMAT)
  end
  self.version = tostring(object.version)
  return true
end

--- Takes the next line.
-- @tparam string line
-- @treturn ?boolean true, or nil for a line that no recording has
-- @treturn ?table|string { kind = "start", trace }, { kind = "event", trace,
--   event }, { kind = "search", trace } or { kind = "finish", trace, result or
--   error }; nil for other lines; an error text with nil
function Replay:line(line)
  local object = #line <= LONGEST and self.decode(line) or nil
  if type(object) ~= "table" or type(object.kind) ~= "string" then
    return nil, self.version and "no event" or "no recording of mtr-trace"
  elseif not self.version then
    return header(self, object)
  elseif not is_whole(object.trace, 1, math.maxinteger) then
    return nil, "'trace' is missing or is no number of a trace"
  end
  with_moments(object)
  local trace = self.open[object.trace]
  local take = KINDS[object.kind] or engine_event
  if not trace and object.kind ~= "start" and object.kind ~= "error" then
    return nil, ("trace %d has not begun"):format(object.trace)
  end
  return take(self, object, trace)
end

--- Whether the recording is complete.
-- @treturn ?string an error text if something is missing
function Replay:missing()
  if not self.version then
    return "no recording of mtr-trace"
  elseif self.count > 0 then
    return ("%d traces have no end: the recording was cut"):format(
      self.count)
  elseif not self.begun then
    return "no trace is in it: the recording was cut"
  end
end

--- Makes a reader of a recording.
-- @tparam table core the module mtrtrace.core
-- @tparam function decode returns the value of a line of JSON; nil for bad
--   JSON
-- @treturn table with line(text) and missing()
function M.new(core, decode)
  return setmetatable({ core = core, decode = decode, open = {}, count = 0 },
    Replay)
end

return M
