-- SPDX-License-Identifier: BSD-2-Clause

--- Traces single ports, to find the hop that drops them: an enricher of
-- mtrtrace.session.tracer over core.trace. Ports are traced once the host's
-- own trace is done, so they change no figure of the table. If hops rate-limit
-- their replies, ports are traced one after the other, so that each gets
-- replies.
-- @module mtrtrace.ports.enricher
local fold = require "mtrtrace.ports.fold"
local judge = require "mtrtrace.ports.judge"
local special = require "mtrtrace.base.special"
local words = require "mtrtrace.ports.words"

local M = {}

-- Flows of a port: with a single flow, a faulty branch would look like a
-- firewall.
local FLOWS = 3

-- SLOW: hops that rate-limit their replies get one probe in 1.05 s, which the
-- usual limit of one reply a second allows. FAST: without rate limits.
local FAST = { packets = 3, interval = 0.1, apart = 0, at_once = 8 }
local SLOW = { packets = 2, interval = 3.15, apart = 1.05, at_once = 1 }

-- Retry of a port without a reply: only with a TTL that reaches the target,
-- and with no other port at the same time, so that a rejecting hop does not
-- spend its tokens on time exceeded or on other ports.
local AGAIN = { packets = 2, interval = 1.05, apart = 0.55 }

-- Hops by which the path of a port may be longer than that of the host's own
-- trace.
local FARTHER = 2

-- Time limit for a port; after it the port is judged by its replies so far.
local LONGEST_S = 20

-- The options that core.trace takes as they are.
local OPTIONS = { "source_port", "timeout", "first_hop", "max_hops",
  "max_silent", "tos", "mark", "source", "interface" }

local Enricher = {}
Enricher.__index = Enricher

--- See mtrtrace.session.tracer.
function Enricher:see(result)
  self.latest = result
  self.ready = self.ready or result.done
end

--- See mtrtrace.screen.live: in a trace without end, ports start as soon as
-- the end of the path is known.
function Enricher:preview(result)
  self.ready = self.ready or result.ending ~= nil
  result.ports = self.finished and self:found(result) or nil
end

-- Whether hops are known to rate-limit their replies, or were not tested.
local function pace_of(self)
  local slow = (self.options.interval or 0) >= SLOW.apart
  for _, hop in ipairs(self.latest.hops) do
    slow = slow or hop.rate_limit ~= nil or hop.no_token or hop.untested
      or false
  end
  return slow and SLOW or FAST
end

-- The highest TTL at which the host's own trace had a reply.
local function farthest(result)
  local ttl = 0
  for _, hop in ipairs(result.hops) do
    ttl = #hop.responders > 0 and math.max(ttl, hop.ttl) or ttl
  end
  return ttl
end

local function options_of(self, port, pace, flow)
  local out = { target = self.target, protocol = port.protocol,
    port = port.port, flow = flow, packets = pace.packets,
    interval = pace.interval, surveyed = true, own_only = true }
  for _, key in ipairs(OPTIONS) do
    out[key] = self.options[key]
  end
  local ttl, known = self.latest.target_ttl, farthest(self.latest)
  out.max_hops = ttl and math.min(out.max_hops, ttl + FARTHER) or out.max_hops
  out.known_hop = known > 0 and known or nil
  if pace == AGAIN then
    out.first_hop = ttl or out.max_hops
    out.max_hops = out.first_hop
  end
  return out
end

local function close(port)
  for _, handle in ipairs(port.handles) do
    handle:close()
  end
  port.handles = {}
end

-- Takes the results of a port's flows.
local function take(port)
  for _, handle in ipairs(port.handles) do
    port.results[#port.results + 1] = handle:result()
  end
  close(port)
end

local function begin(self, port, pace, flow)
  local handle, err = self.core.trace(options_of(self, port, pace, flow))
  port.handles[#port.handles + 1] = handle
  port.error = port.error or err
  return handle ~= nil
end

local function begin_flows(self, port, now)
  local pace = self.pace
  -- The host's own trace has just used up the tokens of rate-limiting hops.
  local rest = port == self.list[1] and pace.apart or 0
  while port.begun < FLOWS
    and now >= port.began + rest + port.begun * pace.apart do
    port.begun = begin(self, port, pace, port.begun) and port.begun + 1
      or FLOWS
  end
end

local function is_done(port)
  local done = port.begun == FLOWS
  for _, handle in ipairs(port.handles) do
    done = handle:done() and done -- `done` must be called on each handle
  end
  return done
end

-- Whether the port's probes should be sent again.
local function is_unanswered(port)
  local found = fold.of(port.results)
  return not port.error and found.reached == 0 and not found.error
end

-- Starts the retry, but not together with that of another port.
local function try_again(self, port, now)
  if now < self.again_at then
    return
  end
  self.again_at = now + AGAIN.apart
  port.again = true
  begin(self, port, AGAIN, 0)
end

-- Advances one port; true once it is finished.
local function step_port(self, port, now)
  port.began = port.began or now
  begin_flows(self, port, now)
  local late = now - port.began > LONGEST_S
  if not (is_done(port) or late) then
    return false
  end
  take(port)
  if late or port.again or not is_unanswered(port) then
    return true
  end
  try_again(self, port, now)
  return false
end

local function step(self)
  local now, under_way = self.host.now(), 0
  self.pace = self.pace or pace_of(self)
  for _, port in ipairs(self.list) do
    if not port.done and under_way < self.pace.at_once then
      under_way = under_way + 1
      port.done = step_port(self, port, now)
    end
  end
  self.finished = under_way == 0
end

--- See mtrtrace.session.tracer.
function Enricher:poll()
  if self.ready and not self.finished then
    step(self)
  end
  return self.finished and 0 or 1
end

--- See mtrtrace.session.tracer.
function Enricher:grace()
  return LONGEST_S * #self.list + 1,
    ("ports: %d are traced"):format(#self.list)
end

--- See mtrtrace.session.tracer: unfinished ports keep the results so far.
function Enricher:leave()
  for _, port in ipairs(self.list) do
    take(port)
  end
end

-- Networks by address, from the host's own trace.
local function networks_of(result)
  local known = {}
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      known[responder.address] = responder.asn
    end
  end
  return function(address)
    return known[address] or (special.label(special.class(address)))
  end
end

-- The keys of a finding that go into results and recordings.
local KEEPS = { "protocol", "port", "state", "outcome", "flows",
  "flows_reached", "hop", "ip", "next_hop", "target_ttl", "reply",
  "reply_ttl", "icmp_type", "icmp_code", "probes_beyond" }

local function left_out(self)
  local n = self.left_out
  return n > 0
    and ("%d more %s not traced: at most %d are (max-ports)."):format(
    n, n == 1 and "port is" or "ports are", #self.list) or nil
end

--- The findings.
-- @tparam table result of the host's own trace
-- @treturn table `list`: findings, and `lines`: sentences
function Enricher:found(result)
  local asn = networks_of(result)
  local findings, main = judge.list(result, self.list)
  local out = { list = {}, lines = words.lines(findings, main, asn) }
  for i, finding in ipairs(findings) do
    out.list[i] = { text = words.text(finding, asn) }
    for _, key in ipairs(KEEPS) do
      out.list[i][key] = finding[key]
    end
  end
  if #self.list == 0 and self.scanned then
    out.lines[1] = "Nmap's port scan found no filtered port to trace."
  end
  out.lines[#out.lines + 1] = left_out(self)
  return out
end

--- See mtrtrace.session.tracer: `ports` goes into the result.
function Enricher:annotate(result)
  for _, port in ipairs(self.list) do
    close(port)
  end
  result.ports = self:found(result)
end

--- Makes the enricher of one trace.
-- @tparam table host with now()
-- @tparam table core the module mtrtrace.core
-- @tparam table options as mtrtrace.options.args gives them
-- @tparam table subject `target` as core.trace takes it; `source` and
--   `interface` if chosen; `ports` to be traced, each { protocol, port,
--   state }; `interval` of the host's own trace; `scanned`: whether the ports
--   come from Nmap's port scan
-- @treturn table
function M.new(host, core, options, subject)
  local own = { source = subject.source, interface = subject.interface }
  for _, key in ipairs(OPTIONS) do
    own[key] = own[key] or options[key]
  end
  own.timeout = options.timeout_given and options.timeout or nil
  own.interval = subject.interval or options.interval
  local self = setmetatable({ host = host, core = core, options = own,
    target = subject.address, list = {}, again_at = 0, left_out = 0,
    finished = #subject.ports == 0, scanned = subject.scanned }, Enricher)
  for i, port in ipairs(subject.ports) do
    if i <= options.max_ports then
      self.list[i] = { protocol = port.protocol, port = port.port,
        state = port.state, handles = {}, results = {}, begun = 0 }
    else
      self.left_out = self.left_out + 1
    end
  end
  return self
end

return M
