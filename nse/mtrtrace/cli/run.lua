-- SPDX-License-Identifier: BSD-2-Clause

--- Traces many targets at the same time with one engine, and passes the run to
-- readers (see mtrtrace.cli.document). Neither prints nor exits.
-- @module mtrtrace.cli.run
local admission = require "mtrtrace.session.admission"
local addresses = require "mtrtrace.session.addresses"
local deadline = require "mtrtrace.session.deadline"
local enrichers = require "mtrtrace.session.enrichers"
local special = require "mtrtrace.base.special"
local tables = require "mtrtrace.base.tables"
local target = require "mtrtrace.cli.target"
local tracer = require "mtrtrace.session.tracer"
local zone = require "mtrtrace.base.zone"

local M = {}

local Run = {}
Run.__index = Run

local function notify(self, what, ...)
  for _, reader in ipairs(self.readers) do
    if reader[what] then
      reader[what](reader, ...)
    end
  end
end

-- The timeout of a reply is at most the grace period after the last probe.
local function reply_timeout(options)
  return options.gracetime and math.min(options.gracetime, options.timeout)
    or options.timeout_given and options.timeout or nil
end

local function any(readers, key)
  for _, reader in ipairs(readers) do
    if reader[key] then
      return true
    end
  end
end

local function every(readers, key)
  for _, reader in ipairs(readers) do
    if not reader[key] then
      return false
    end
  end
  return true
end

local function engine_options(self, address, port)
  local options = self.options
  local out = enrichers.engine_options(options)
  out.target = zone.with(address, options.interface)
  if not out.target then
    return nil, ("a link-local address: expected its interface, as in "
      .. "%s%%eth0"):format(address)
  end
  if port and options.protocol ~= "icmp" then
    out.port = port
  end
  out.source = options.address
  out.interface = options.interface
  out.timeout = reply_timeout(options)
  out.limit, out.shared_age = self.limit, self.shared_age
  out.events = self.events
  return out
end

-- Returns a function that gives the enrichers' data on an address, and whether
-- the data is complete; nil without enrichers.
local function peek_of(beside)
  if #beside == 0 then
    return nil
  end
  return function(address)
    local facts, all = { special = special.class(address) }, true
    for _, enricher in ipairs(beside) do
      local more, complete = {}, true
      if enricher.peek then
        more, complete = enricher:peek(address)
      end
      tables.update(facts, more)
      all = all and complete
    end
    return facts, all
  end
end

-- Returns callbacks that pass the start and the events of a trace to readers.
local function watcher(self, trace)
  return {
    begin = function(handle, options, search)
      trace.head = self.heads and handle:result() or nil
      trace.options = options
      trace.flows = handle.flows and handle:flows()
      trace.search = search
      notify(self, "start", trace)
      if search then
        notify(self, "search", trace)
      end
    end,
    events = self.events and function(list, dropped)
      notify(self, "events", trace, list, dropped)
    end or nil,
    figures = self.figures, bounds = self.bounds, late = self.late,
    class_of = self.class_of,
  }
end

-- Cached classes of addresses; many traces pass the same routers.
local CLASSES_KEPT = 1000

local function classes()
  return tables.remembered(function(address)
    return special.class(address) or false
  end, CLASSES_KEPT)
end

-- Names that the resolver looks up at the same time. Further names wait, and
-- the duration of their look-up would include the wait, so it is not reported.
local RESOLVED_AT_ONCE = 4

-- Returns all addresses of a name: { list, dns_ms, more }, where dns_ms is the
-- duration of the look-up, nil where not measured; or { err }.
local function look_up(self, name)
  local alone, began = self.resolving < RESOLVED_AT_ONCE, self.host.now()
  self.resolving = self.resolving + 1
  local list, err = addresses.all(self.host, name,
    addresses.family(self.options))
  self.resolving = self.resolving - 1
  if not list then
    return { err = err }
  end
  local looked_up = alone and list[1] ~= name
  return { list = list, more = err,
    dns_ms = looked_up and (self.host.now() - began) * 1000 or nil }
end

-- A target given as a URL is also the URL to request, unless --url is given.
local function of_target(options, what)
  if options.url or not what.url then
    return options
  end
  return setmetatable({ url = what.url }, { __index = options })
end

-- Returns the result, or nil, an error and the name of the error.
local function trace_one(self, trace)
  local what = target.parse(trace.name) or { host = trace.name }
  local found = trace.found or self.found[trace.index]
    or look_up(self, what.host)
  if found.err then
    return nil, found.err, "NONAME"
  end
  local address = found.list[1]
  trace.target = special.unmapped(address) or address
  local options, beside, err
  options, err = engine_options(self, address, what.port)
  if not options then
    return nil, err, "MISUSE"
  end
  local argument
  beside, err, argument = enrichers.new(self.host,
    of_target(self.beside, what), self.shared, {
    source = options.source, interface = options.interface,
    address = special.unmapped(address) or options.target,
    dns_ms = found.dns_ms,
    name = address ~= what.host and what.host or nil })
  if not beside then
    return nil, ("--%s: %s"):format(argument, err), "OPTION"
  end
  trace.peek = peek_of(beside)
  return self.trace(self.host, self.core, options, beside,
    watcher(self, trace), trace)
end

-- Errors that every other target would get, too, by the field that stores
-- them.
local FATAL = { PERMISSION = "permission", OPTION = "refused" }

local function count(self, result, text, name)
  if name == "NODEVICE" and self.options.interface then
    self.refused = ("--interface=%s: no such interface"):format(
      self.options.interface)
    self:stop()
  elseif FATAL[name] then
    self[FATAL[name]] = text
    self:stop()
  elseif not deadline.counts_as_reached(result) then
    self.missed = self.missed + 1
  end
end

-- Traces one target after the other until none is left.
local function work(self)
  while not self.stopped do
    local name = self.targets[self.taken + 1]
    if not name then
      return
    end
    self.taken = self.taken + 1
    local trace = { index = self.taken, name = name, live = true }
    local result, text, why = trace_one(self, trace)
    self.done = self.done + 1
    count(self, result, text, why)
    if not FATAL[why] and not self.refused then
      notify(self, "finish", trace, result, text)
    end
    if self.admission and self.admission:is_behind() then
      return
    end
  end
end

-- Returns the deadline of a trace that starts now.
local function limit_of(host, options)
  return options.max_time and { name = "max-time",
    at = host.now() + options.max_time } or nil
end

--- Traces one target in addition to those of the run. Yields.
-- @tparam table trace `index`, `name`; `found`: { list }, its addresses; what
--   else readers are to see; `shared_age`: as core.trace takes it
-- @tparam table options checked, of this trace
-- @tparam table beside the same, as its enrichers see them
-- @treturn ?table result
-- @treturn ?string why there is none
-- @treturn ?string its name
function Run:one(trace, options, beside)
  local own = setmetatable({ options = options, beside = beside,
    limit = limit_of(self.host, options), shared_age = trace.shared_age },
    { __index = self })
  local result, text, why = trace_one(own, trace)
  notify(self, "finish", trace, result, text)
  return result, text, why
end

--- Forgets a target that the service no longer traces.
-- @tparam ?integer index of its traces; nil where there was none
function Run:forget_target(index)
  if index then
    notify(self, "forget", index)
  end
end

--- Forgets the results of look-ups, which may have changed.
function Run:forget()
  self.shared.store = {}
end

--- Stops all traces.
function Run:stop()
  self.stopped = true
end

-- Largest number of targets for which the time to first byte is measured by
-- default: more requests from one run need the user's consent.
local MANY_TARGETS = 16

local function of_enrichers(setup)
  local options, shown = setup.options, false
  for _, reader in ipairs(setup.readers) do
    shown = shown or reader.shows_web
  end
  if shown and (options.http_wanted or #setup.targets <= MANY_TARGETS) then
    return options
  end
  return setmetatable({ http = "off" }, { __index = options })
end

-- ---- every address of each name --------------------------------------------

-- Names that are looked up at the same time, on the same number of threads.
local LOOK_UPS = 32

-- Makes one target for each address of each name, in the order of the names.
local function spread(self, by_name)
  local names, found, labels = {}, {}, {}
  for i, name in ipairs(self.targets) do
    local of_name = by_name[i]
    if of_name.more then
      self.say(("%s: %s"):format(name, of_name.more))
    end
    for _, address in ipairs(of_name.list or { false }) do
      names[#names + 1] = name
      labels[#names] = address and address ~= name
        and ("%s (%s)"):format(name, address) or name
      found[#names] = address
        and { list = { address }, dns_ms = of_name.dns_ms } or of_name
    end
  end
  self.targets, self.found = names, found
  notify(self, "targets", labels)
  self.beside = of_enrichers(self)
end

-- Looks all names up, then calls `done`.
local function look_up_all(self, done)
  local by_name, next_one, working = {}, 0, 0
  local function some()
    while next_one < #self.targets and not self.stopped do
      next_one = next_one + 1
      local i = next_one
      local what = target.parse(self.targets[i])
      by_name[i] = look_up(self, what and what.host or self.targets[i])
    end
    working = working - 1
    if working == 0 and not self.stopped then
      spread(self, by_name)
      done()
    end
  end
  working = math.min(LOOK_UPS, #self.targets)
  for _ = 1, working do
    self.host.spawn(some)
  end
end

--- Starts tracing in the host's event loop.
function Run:start()
  if self.options.all_addresses and not self.looked_up then
    self.looked_up = true
    return look_up_all(self, function() self:start() end)
  end
  self.admission = admission.start(self.host, {
    most = math.min(self.options.parallel, #self.targets),
    work = function() work(self) end,
    is_left = function()
      return not self.stopped and self.taken < #self.targets
    end,
    lag = function()
      local prober = self.core.prober()
      return prober and prober:lag() or 0
    end,
  })
end

--- Returns a run.
-- @tparam table setup `host` with resolve; `core`; `options` as checked;
--   `targets`, an array of names; `readers`; `trace`: what runs a trace, in
--   place of mtrtrace.session.tracer.run; `say`: prints a line on standard
--   error; `bounds`, `late`: see mtrtrace.session.tracer.run
-- @treturn table { start, stop }; `targets`: the names that are traced; while
--   it runs, `done` is the number of finished ones; afterwards `missed` is the
--   number that were not reached, `permission` or `refused` an error that
--   prevented all traces
function M.new(setup)
  local self = setmetatable({
    host = setup.host, core = setup.core, options = setup.options,
    targets = setup.targets, readers = setup.readers,
    trace = setup.trace or tracer.run, found = {},
    say = setup.say or function() end,
    events = any(setup.readers, "wants_events"), taken = 0, done = 0,
    missed = 0,
    stopped = false, resolving = 0, beside = of_enrichers(setup),
    shared = { core = setup.core, store = {} },
    bounds = setup.bounds, late = setup.late,
  }, Run)
  self.heads = any(setup.readers, "start")
  self.figures, self.class_of = every(setup.readers, "figures"), classes()
  self.limit = limit_of(setup.host, setup.options)
  setup.host.stopped = function() return self.stopped end
  return self
end

return M
