-- SPDX-License-Identifier: BSD-2-Clause
--- What mtrtrace.core is to the library, over a simulated network: a whole
-- run in virtual time, from options to the printed report. The host that
-- sleeps moves the time on.
-- @module sim.core
local direct = require "mtrtrace.direct.enricher"
local driver = require "sim.driver"
local mtrsim = require "mtrsim"
local pmtu = require "mtrtrace.pmtu.enricher"
local ports = require "mtrtrace.ports.enricher"
local text = require "mtrtrace.report.text"
local tracer = require "mtrtrace.session.tracer"

local M = {}

local S = 1000000000

local Job = {}
Job.__index = Job

function Job:done()
  return self.ended_ns ~= nil
end

function Job:result()
  return self.engine:result()
end

-- Those that are new; only where somebody reads them.
function Job:events()
  if not self.sim.reader then
    return {}, 0
  end
  local all, told = self.engine:stream(), self.told or 0
  self.told = #all
  return table.move(all, told + 1, #all, 1, {}), 0
end

function Job:release()
  self.engine:release(self.sim.now_ns)
end

function Job:stop()
  self.ended_ns = self.ended_ns or self.sim.now_ns
end

function Job:close()
  self.sim.closed = self.sim.closed + (self.probes or 0)
  for i, t in ipairs(self.sim.traces) do
    if t == self then
      table.remove(self.sim.traces, i)
    end
  end
  self.engine:close()
end

-- What the sockets would be told is left out.
local function begin(sim, world, kind, options)
  sim.begun = sim.begun + 1
  local own = driver.options(world, sim.seed + sim.begun, options)
  own.now_ns, own.interface, own.mark = sim.now_ns, nil, nil
  local job = setmetatable({ sim = sim, at_ns = sim.now_ns, drops = 0,
    engine = sim.pace[kind](sim.pace, own) }, Job)
  sim.traces[#sim.traces + 1] = job
  return job
end

local function merge(jobs)
  local engines = {}
  for i, job in ipairs(jobs) do
    engines[i] = job.engine
  end
  return mtrsim.merge(engines)
end

--- Makes the module and the host of one simulation.
-- @tparam table world checked
-- @tparam ?table settings as of driver.run
-- @treturn table core
-- @treturn table host, with `logged`: the lines of the log
-- @treturn table the simulation
function M.new(world, settings)
  settings = settings or {}
  local sim = driver.new(world, settings)
  sim.seed, sim.begun, sim.closed = settings.seed or 1, 0, 0
  sim.reader = settings.reader
  local core = { merge = merge, interval_s = mtrsim.interval_s,
    packets = mtrsim.packets }
  for _, kind in ipairs { "trace", "paths", "pmtu" } do
    core[kind] = function(options)
      return begin(sim, world, kind, options)
    end
  end
  local host = { logged = {} }
  function host.sleep(seconds)
    driver.advance(sim, sim.now_ns + math.floor(seconds * S + 0.5))
  end
  function host.now()
    return sim.now_ns / S
  end
  function host.log(line)
    host.logged[#host.logged + 1] = line
  end
  function host.verbose()
    return settings.verbose or false
  end
  return core, host, sim
end

local COLUMNS = { "hop", "ip", "share", "loss", "sent", "received" }

--- Traces the target of a world as the script and the command do.
-- @tparam table world
-- @tparam table options of mtrtrace.session.tracer; `pmtu` as they have it
-- @tparam ?table settings as of driver.run, `verbose`, `reader` as of
--   mtrtrace.session.tracer
-- @treturn table result
-- @treturn string the report for people
-- @treturn table `logged`: the lines of the log; `took_s` of virtual time;
--   `sent`: probes of all traces
function M.run(world, options, settings)
  local core, host, sim = M.new(world, settings)
  local own = { target = world.target }
  for key, value in pairs(options) do
    own[key] = value
  end
  local enrichers = {}
  if own.pmtu then
    enrichers[1] = pmtu.new(core, own, { address = world.target })
    own.pmtu = nil
  end
  if own.direct then
    enrichers[#enrichers + 1] = direct.new(host, core, {}, {})
    own.direct = nil
  end
  if own.ports then
    enrichers[#enrichers + 1] = ports.new(host, core, { max_hops = 30,
      max_ports = own.max_ports or 8 }, { address = world.target,
      ports = own.ports, scanned = own.scanned })
    own.ports, own.max_ports, own.scanned = nil, nil, nil
  end
  local result = assert(tracer.run(host, core, own, enrichers,
    settings and settings.reader))
  return result, text.render(result, { columns = COLUMNS, max_silent = 5,
    name = world.target }), { logged = host.logged, took_s = host.now(),
    sent = sim.closed }
end

return M
