-- SPDX-License-Identifier: BSD-2-Clause
--- Traces many targets at once over one engine, and shows the run to readers
-- (see mtrtrace.cli.document). Prints nothing and ends nothing.
-- @module mtrtrace.cli.run
local companions = require "mtrtrace.companions"
local special = require "mtrtrace.special"
local tracer = require "mtrtrace.tracer"
local zone = require "mtrtrace.zone"

local M = {}

local Run = {}
Run.__index = Run

local function tell(self, what, ...)
  for _, reader in ipairs(self.readers) do
    if reader[what] then
      reader[what](reader, ...)
    end
  end
end

-- An answer may take no longer than what is waited for behind the last probe.
local function patience(options)
  return options.gracetime and math.min(options.gracetime, options.timeout)
    or options.timeout
end

local function wants_events(readers)
  for _, reader in ipairs(readers) do
    if reader.wants_events then
      return true
    end
  end
end

local function engine_options(self, address)
  local options = self.options
  local out = companions.engine_options(options)
  out.target = address
  out.source = options.address
  out.interface = options.interface
  out.timeout = patience(options)
  out.events = self.events
  if zone.missing(address) then
    if not options.interface then
      return nil, ("%s is a link-local address: name its interface, as in "
        .. "%s%%eth0"):format(address, address)
    end
    out.target = address .. "%" .. options.interface
  end
  return out
end

-- What the companions know of an address, all together, and whether that is
-- all; nil where there is none to ask.
local function peek_of(beside)
  if #beside == 0 then
    return nil
  end
  return function(address)
    local facts, all = { special = special.class(address) }, true
    for _, companion in ipairs(beside) do
      local more, complete = {}, true
      if companion.peek then
        more, complete = companion:peek(address)
      end
      for key, value in pairs(more) do
        facts[key] = value
      end
      all = all and complete
    end
    return facts, all
  end
end

-- The engine, and a word to the readers when the trace has begun.
local function announcing(self, trace)
  return setmetatable({ trace = function(options)
    local handle, text, name = self.core.trace(options)
    if handle and not trace.head then
      trace.head, trace.options = handle:result(), options
      tell(self, "start", trace)
    end
    return handle, text, name
  end }, { __index = self.core })
end

-- Result, or nil, a sentence and the name of the error.
local function trace_one(self, trace)
  local addresses, err = self.host.resolve(trace.name, self.options.family)
  if not addresses then
    return nil, err, "NONAME"
  end
  trace.target = addresses[1]
  local options, beside
  options, err = engine_options(self, trace.target)
  if not options then
    return nil, err, "MISUSE"
  end
  beside, err = companions.new(self.host, self.options, self.shared, {
    source = options.source, interface = options.interface,
    address = trace.target, name = trace.name })
  if not beside then
    return nil, err, "MISUSE"
  end
  trace.peek = peek_of(beside)
  return self.trace(self.host, announcing(self, trace), options, beside,
    self.events and function(list, dropped)
      tell(self, "events", trace, list, dropped)
    end, trace)
end

local function count(self, result, text, name)
  if name == "PERMISSION" then
    self.permission = text
    self:stop()
  elseif not result or not result.reached then
    self.missed = self.missed + 1
  end
end

-- Takes targets until there are none left.
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
    if why ~= "PERMISSION" then
      tell(self, "finish", trace, result, text)
    end
  end
end

--- Ends all traces as they are.
function Run:stop()
  self.stopped = true
end

--- Begins to trace; the host's loop does the work.
function Run:start()
  for _ = 1, math.min(self.options.parallel, #self.targets) do
    self.host.spawn(function() work(self) end)
  end
end

--- Prepares a run.
-- @tparam table setup `host` with resolve; `core`; `options` as checked;
--   `targets`, an array of names; `readers`; `trace`: what runs a trace, in
--   place of mtrtrace.tracer.run
-- @treturn table { start, stop }; while it runs `done` says how many targets
--   are, behind it `missed` how many were not reached, `permission` why none
--   could be
function M.new(setup)
  local self = setmetatable({
    host = setup.host, core = setup.core, options = setup.options,
    targets = setup.targets, readers = setup.readers,
    trace = setup.trace or tracer.run,
    events = wants_events(setup.readers), taken = 0, done = 0, missed = 0,
    stopped = false,
    shared = { core = setup.core, store = {} },
  }, Run)
  setup.host.stopped = function() return self.stopped end
  return self
end

return M
