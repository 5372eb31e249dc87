-- SPDX-License-Identifier: BSD-2-Clause
--- Runs the engine against a model in virtual time: no packet leaves, no
-- clock is read, and equal seeds give equal runs.
-- @module sim.driver
local fingerprinting = require "sim.fingerprinting"
local model = require "sim.model"
local mtrsim = require "mtrsim"
local queue = require "sim.queue"
local random = require "sim.random"

local M = {}

local S = 1000000000
local BOOT_NS = 1700000000 * S -- the virtual CLOCK_REALTIME when time is 0
local STUCK = 10000 -- steps without time passing

--- The options of a trace through a world, with its random parts.
-- @tparam table world
-- @tparam integer seed
-- @tparam ?table more options; `at_s` starts it later
-- @treturn table
function M.options(world, seed, more)
  local source = random.new(seed)
  local options = {
    target = world.target, source = world.prober,
    ident = source.whole(0, 65535), first_index = source.whole(0, 65535),
    cookie = source.whole(1, 0xffffffff),
    tcp_base = source.whole(0, 0xffffffff),
  }
  for key, value in pairs(more or {}) do
    options[key] = value
  end
  return options
end

--- Starts one trace, to be added to `sim.traces`; M.advance runs it.
-- @tparam userdata pace of the simulation
-- @tparam table options see M.options
-- @treturn table
function M.start(pace, options)
  local copy = {}
  for key, value in pairs(options) do
    copy[key] = value
  end
  local at_ns = (options.at_s or 0) * S // 1 | 0
  copy.at_s, copy.now_ns = nil, at_ns
  return { engine = pace:trace(copy), at_ns = at_ns, drops = 0 }
end

-- Sends a probe into the network, unless on_send prevents that.
local function send(sim, t, now, bytes, number, ttl)
  local fate, detail
  if sim.on_send then
    fate, detail = sim.on_send(number, ttl, now, t, bytes, sim)
  end
  if fate == "fail" then
    t.engine:failed(number, detail, now)
    return
  elseif fate == "vanish" then
    return
  end
  if fate ~= "unseen" then
    t.engine:seen(bytes, sim.clock(now), sim.epoch, 1, now)
  end
  local answers = sim.model:receive(bytes, now)
  for i = 1, #answers do
    local answer = answers[i]
    answer.to = t
    sim.queue.put(answer)
  end
end

local function hand_over(sim, delivery, now)
  local stamp = sim.clock(delivery.at_ns)
  local to = delivery.to
  if sim.on_receive and not sim.on_receive(delivery, now, to, sim) then
    return
  end
  if to.engine:reply(delivery.packet, stamp, sim.epoch, 1, now) then
    if sim.fingerprinting and to.at_ns then
      sim.fingerprinting:heard(delivery.packet, to, now)
    end
    return
  end
  for _, t in ipairs(sim.traces) do
    if t ~= to and t.at_ns <= now and
      t.engine:reply(delivery.packet, stamp, sim.epoch, 1, now) then
      return
    end
  end
end

-- One turn of a trace; returns the time of the next, or nil when done.
local function step(sim, t, now)
  local engine, drops = t.engine, t.drops
  local bytes, number, ttl = engine:turn(now, drops)
  while bytes do
    t.probes = (t.probes or 0) + 1
    send(sim, t, now, bytes, number, ttl)
    bytes, number, ttl = engine:turn(now, drops)
  end
  if not number then
    t.ended_ns = now
  end
  return number -- beside nil it is the time
end

local function turn_fingerprinting(sim, now)
  return sim.fingerprinting:turn(function(bytes, entry)
    for _, answer in ipairs(sim.model:receive(bytes, now)) do
      answer.to = entry
      sim.queue.put(answer)
    end
  end, now)
end

-- Rotates the order of the traces, as they share the budget of the process.
local function turn_traces(sim, now)
  local due, count, sent = math.maxinteger, #sim.traces, 0
  for i = 1, count do
    local t = sim.traces[(sim.first + i) % count + 1]
    if not t.ended_ns then
      sent = sent - (t.probes or 0)
      local at = t.at_ns > now and t.at_ns or step(sim, t, now)
      sent = sent + (t.probes or 0)
      due = at and at < due and at or due
    end
  end
  sim.first = sent > 0 and sim.first + 1 or sim.first
  return due
end

local function turn(sim, now)
  local fingerprint_due = sim.fingerprinting and turn_fingerprinting(sim, now)
    or math.maxinteger
  local due = turn_traces(sim, now)
  if due == math.maxinteger then -- what the last one found, others wait for
    due = turn_traces(sim, now)
  end
  return due < fingerprint_due and due or fingerprint_due
end

--- Runs the simulation.
-- @tparam table sim
-- @tparam ?integer until_ns its time then; nil: until nothing is left to do
function M.advance(sim, until_ns)
  local now, still = sim.now_ns, 0
  while true do
    local first = sim.queue.first()
    while first and first.at_ns <= now do
      hand_over(sim, sim.queue.take(), now)
      first = sim.queue.first()
    end
    local due = turn(sim, now)
    if due == math.maxinteger and not until_ns then
      return
    end
    first = sim.queue.first()
    if first and first.at_ns < due then
      due = first.at_ns
    end
    if until_ns and due >= until_ns then
      sim.now_ns = until_ns
      return
    end
    still = due <= now and still + 1 or 0
    if still > STUCK then
      error(("the engine does not move on at %.3f s"):format(now / S), 0)
    end
    now = due > now and due or now
    if now > sim.limit_ns then
      error(("no end after %.0f s"):format(sim.limit_ns / S), 0)
    end
  end
end

--- A simulation without traces.
-- @tparam table world checked
-- @tparam table settings as in M.run
-- @treturn table
function M.new(world, settings)
  return {
    model = model.new(world, settings.seed or 1), queue = queue.new(),
    traces = {}, epoch = 0, limit_ns = (settings.limit_s or 3600) * S // 1 | 0,
    on_send = settings.on_send, on_receive = settings.on_receive,
    clock = settings.clock or function(now) return BOOT_NS + now end,
    pace = mtrsim.pace(), now_ns = 0, first = -1,
  }
end

--- Runs traces through a world until all are done.
-- @tparam table world checked
-- @tparam {table,...} traces options, see M.options
-- @tparam table settings `seed`; `limit_s` of virtual time (3600);
--   `on_send(number, ttl, now, t, bytes, sim)` may return "fail" and an
--   errno, "vanish" (lost between socket and wire), "unseen" (not captured);
--   `on_receive(delivery, now, t, sim)` false for a packet not captured;
--   `clock(now_ns)` the stamp at that time; both may set `sim.epoch`;
--   `fingerprint` "echo" or "active": probes for the OS guess, see
--   sim.fingerprinting
-- @treturn {table,...} for each trace `result`, `events`, `ended_ns`,
--   `probes`, `elapsed_s`
-- @treturn ?table what the addresses answered to direct questions
function M.run(world, traces, settings)
  local sim = M.new(world, settings)
  local pace = sim.pace
  sim.fingerprinting = settings.fingerprint and fingerprinting.new(pace,
    settings.fingerprint, world.prober, settings.seed or 1)
  for i, options in ipairs(traces) do
    sim.traces[i] = M.start(pace, options)
  end
  M.advance(sim)
  for i, t in ipairs(sim.traces) do
    t.result = t.engine:result()
    t.stream = traces[i].events and t.engine:stream()
    t.events = traces[i].events and t.engine:events()
    t.elapsed_s = (t.ended_ns - t.at_ns) / S
    t.engine:close()
  end
  return sim.traces, sim.fingerprinting and sim.fingerprinting:results()
end

--- Runs one trace.
-- @tparam table world
-- @tparam ?table more options of the trace
-- @tparam ?table settings as in M.run
-- @treturn table its result
-- @treturn table the rest of what M.run gives for it
function M.trace(world, more, settings)
  settings = settings or {}
  local seed = settings.seed or 1
  local t = M.run(world, { M.options(world, seed, more) }, settings)[1]
  return t.result, t
end

return M
