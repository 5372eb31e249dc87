-- SPDX-License-Identifier: BSD-2-Clause

--- The service: the command kept running. Ties targets, rounds and pages
-- together on luv; see mtrtrace.service.*.
-- @module mtrtrace.cli.serve
local addresses = require "mtrtrace.session.addresses"
local collector = require "mtrtrace.service.collector"
local families = require "mtrtrace.service.families"
local format = require "mtrtrace.base.format"
local pages = require "mtrtrace.service.pages"
local probe = require "mtrtrace.service.probe"
local roster = require "mtrtrace.service.roster"
local run = require "mtrtrace.cli.run"
local schedule = require "mtrtrace.service.schedule"
local server = require "mtrtrace.service.server"
local session = require "mtrtrace.cli.session"
local uv_host = require "mtrtrace.host.uv"
local view = require "mtrtrace.screen.view"
local watchlist = require "mtrtrace.cli.watchlist"

local M = {}

-- Default interval of rounds; interval of checks of the targets file; age at
-- which names and networks are looked up again; time limit of the shutdown.
local EVERY_S, LOOK_MS, FORGET_S, END_S = 60, 2000, 6 * 3600, 10

-- Largest number of printed errors of lines in the targets file.
local MOST_ERRORS = 20

local CHECK_MS = 50

-- Bounds of the age of other targets' probes that count for this one.
local MIN_AGE_S, MAX_AGE_S = 0.001, 60

-- Time after which creating a page gives way to the event loop.
local SLICE_S = 0.01

-- A signal that comes so soon after the first one is a repetition of it, as
-- timeout(1) sends it to a process and to its group; later it ends at once.
local REPEATED_S = 1
local NUMBERS = { sigint = 2, sigterm = 15 }

local Service = {}
Service.__index = Service

-- ---- the targets ----------------------------------------------------------

local function say_errors(self, errors)
  for i = 1, math.min(#errors, MOST_ERRORS) do
    self.say("warning: " .. errors[i])
  end
  if #errors > MOST_ERRORS then
    self.say(("warning: %d more lines cannot be used"):format(#errors
      - MOST_ERRORS))
  end
end

-- Returns the address to trace: the address of the round before as long as the
-- name still has it.
local function choose(spec, list)
  for _, address in ipairs(list) do
    if address == spec.address then
      return address
    end
  end
  return list[1]
end

-- Returns the addresses of a target: { list, dns_ms } or { err }. When the
-- look-up of a name fails, the former address stays.
local function addresses_of(self, spec)
  local now = self.host.now()
  if spec.fixed or spec.address
    and now < spec.resolved_s + self.options.resolve_every then
    return { list = { spec.address } }
  end
  local list, err = addresses.all(self.host, spec.what.host,
    addresses.family(spec.options))
  if list then
    spec.address, spec.resolved_s = choose(spec, list), self.host.now()
  elseif not spec.address then
    return { err = err }
  end
  local looked_up = list and spec.address ~= spec.what.host
  return { list = { spec.address },
    dns_ms = looked_up and (self.host.now() - now) * 1000 or nil }
end

-- With --all-addresses a name becomes one target for each of its addresses.
local function spread(self, specs)
  local out = {}
  for _, spec in ipairs(specs) do
    local list = addresses.all(self.host, spec.what.host,
      addresses.family(spec.options)) or self.spread[spec.name] or {}
    self.spread[spec.name] = list
    for _, address in ipairs(list) do
      out[#out + 1] = setmetatable({ address = address, fixed = true,
        label = address ~= spec.name and ("%s (%s)"):format(spec.label,
          address) or spec.label }, { __index = spec })
    end
    if #list == 0 then
      out[#out + 1] = spec
    end
  end
  return out
end

local function replace(self, specs)
  local new, gone = self.roster:replace(specs)
  for _, one in ipairs(gone) do
    self.run:forget_target(one.index)
  end
  self.schedule:add(new)
end

local function use(self, specs)
  self.specs = specs
  if not self.options.all_addresses then
    return replace(self, specs)
  end
  self.host.spawn(function()
    local all = spread(self, specs)
    if self.specs == specs and not self.ending then
      replace(self, all)
    end
  end)
end

-- Returns a mark that differs after a change of the file.
local function mark_of(self)
  local stat = self.list.path and self.uv.fs_stat(self.list.path)
  return stat and ("%d %d %d %d"):format(stat.ino, stat.size, stat.mtime.sec,
    stat.mtime.nsec) or ""
end

local function reload(self)
  self.mark = mark_of(self)
  local specs, errors = self.list:load()
  if not specs then
    return self.say(("warning: %s; the targets of before stay"):format(errors))
  end
  say_errors(self, errors)
  self.roster.values.file_errors = #errors
  use(self, specs)
end

local function look_at_file(self)
  local mark = mark_of(self)
  if mark ~= self.mark and mark ~= "" then
    reload(self)
  end
end

-- ---- rounds ---------------------------------------------------------------

-- The time to first byte is measured only for targets with such an option.
local function beside_of(spec)
  return spec.web and spec.options
    or setmetatable({ http = "off" }, { __index = spec.options })
end

local function labels_of(self, spec)
  local parts = { self.options.labels }
  for _, label in ipairs(spec.labels) do
    parts[#parts + 1] = label[1] .. "=" .. label[2]
  end
  return #parts > 0 and table.concat(parts, ",") or nil
end

-- Prints a target's error when it changes, not in every round.
local function complain(self, one, text)
  if text ~= one.last_error and text then
    self.say(("%s: %s"):format(one.spec.label, text))
  end
  one.last_error = text
end

-- Whether a target was not refused for lack of permission: another target may
-- use a protocol that is permitted.
local function is_any_allowed(self)
  for _, one in ipairs(self.roster.list) do
    if not one.refused then
      return true
    end
  end
  return false
end

-- Rate-limited routers' replies to probes for other targets count for this
-- target, too, but a probe never counts in two rounds of the target.
local function age_of(self, one)
  local age_s = one.ended_s and self.host.now() - one.ended_s
  return age_s and math.max(MIN_AGE_S, math.min(age_s, MAX_AGE_S)) or nil
end

-- Runs a round of a target; returns false where no trace was possible.
local function trace(self, one)
  local spec = one.spec
  if not one.index then
    self.next_index = self.next_index + 1
    one.index = self.next_index
  end
  local found = addresses_of(self, spec)
  local result, text, why = self.run:one({ index = one.index,
    name = spec.name, found = found, kept = true,
    shared_age = age_of(self, one), labels = labels_of(self, spec) },
    spec.options, beside_of(spec))
  one.ended_s = self.host.now()
  complain(self, one, text)
  self.roster:take(one, result, text, self.now_s())
  one.refused = why == "PERMISSION"
  if one.refused and not is_any_allowed(self) then
    self.permission, self.signalled_s = text, self.host.now()
    self:stop()
  end
  return result ~= nil
end

-- ---- pages ----------------------------------------------------------------

local function probe_of(self)
  local function one(spec, seconds)
    local began, facts = self.host.now(), {}
    local found = addresses_of(self, spec)
    local own = setmetatable({ max_time = seconds },
      { __index = spec.options })
    local result, text, why = self.probes:one({ index = 0, name = spec.name,
      found = found }, own, beside_of(spec))
    facts.duration_s = self.host.now() - began
    facts.dns_s = (found.dns_ms or 0) / 1000
    return result, text or why, facts
  end
  return probe.new { bounds = self.bounds, now_s = self.now_s, trace = one,
    read = function(word, texts) return self.list:one(word, texts) end }
end

local function process_of(self)
  local usage = self.uv.getrusage()
  local function seconds(time)
    return time.sec + time.usec / 1e6
  end
  local prober = self.core.prober()
  return { capture_drops = prober and prober:drops() or 0,
    start_s = self.began_s,
    cpu_s = seconds(usage.utime) + seconds(usage.stime),
    memory = self.uv.resident_set_memory(),
    build = { version = self.version, lua = _VERSION:match "[%d.]+" } }
end

local function pages_of(self)
  local service = { roster = self.roster, version = self.version,
    now_s = self.now_s, probe = probe_of(self),
    process = function() return process_of(self) end,
    stopping = function() return self.ending end,
    view = function(spec)
      local shown = view.of(spec.options, self.version, 1)
      shown.name = spec.label
      return shown
    end }
  return function(request)
    return pages.answer(service, request)
  end
end

-- ---- start and end --------------------------------------------------------

--- Stops the service: all traces are stopped, and pages are served until the
-- traces have ended.
function Service:stop()
  if not self.ending then
    self.ending = true
    self.run:stop()
    self.schedule:stop()
    self.end_s = self.host.now() + END_S
  end
end

local function on_signals(self, setup, guard)
  for _, name in ipairs { "sigint", "sigterm", "sighup" } do
    local handle = self.uv.new_signal()
    handle:start(name, guard(function()
      if name == "sighup" then
        setup.hang_up()
        reload(self)
      elseif not self.ending then
        self.signalled_s = self.host.now()
        self:stop()
      elseif self.host.now() - self.signalled_s > REPEATED_S then
        self.core.exit(128 + (NUMBERS[name] or 0))
      end
    end))
  end
end

local function every(self, milliseconds, guard, body)
  self.uv.new_timer():start(milliseconds, milliseconds, guard(body))
end

local function watch(self, guard)
  every(self, CHECK_MS, guard, function()
    if self.ending and (self.schedule:is_idle()
      or self.host.now() > self.end_s) then
      self.uv.stop()
    end
  end)
  every(self, LOOK_MS, guard, function() look_at_file(self) end)
  every(self, FORGET_S * 1000, guard, function()
    self.run:forget()
    self.probes:forget()
  end)
  if self.options.all_addresses then
    every(self, math.ceil(self.options.resolve_every * 1000), guard,
      function() use(self, self.specs) end)
  end
end

local function period_of(options)
  return options.every or not options.paced and EVERY_S or nil
end

-- Returns a function to call during long work, which yields to the event loop
-- from time to time.
local function breather(host)
  local since_s = host.now()
  return function()
    if host.now() - since_s > SLICE_S then
      host.sleep(0)
      since_s = host.now()
    end
  end
end

local function new_service(setup, failed)
  local options, uv = setup.options, setup.uv
  local self = setmetatable({ uv = uv, core = setup.core, options = options,
    say = setup.say, version = setup.version, list = setup.list,
    bounds = options.rtt_buckets or families.BOUNDS, next_index = 0,
    began_s = os.time(), spread = {} }, Service)
  self.now_s = function()
    local seconds, microseconds = uv.gettimeofday()
    return seconds + microseconds / 1e6
  end
  self.host = uv_host.new(uv, { failed = failed,
    debug = options.debug and setup.say or nil })
  self.roster = roster.new { bounds = self.bounds,
    only_target = options.metrics_hops == "target", pack = setup.pack,
    breathe = breather(self.host) }
  local function new_run(readers)
    return run.new { host = self.host, core = setup.core, options = options,
      targets = {}, readers = readers, say = setup.say, bounds = self.bounds,
      late = true }
  end
  -- The readers belong to the run of the rounds, which also ends all traces.
  self.probes, self.run = new_run { {} }, new_run(setup.readers)
  local values = self.roster.values
  self.schedule = schedule.new { host = self.host,
    every_s = period_of(options), parallel = options.parallel,
    trace = function(one) return trace(self, one) end,
    skipped = function() values.skipped = values.skipped + 1 end }
  return self
end

--- Runs the service until a signal.
-- @tparam table setup `uv`, `core`, `options`, `version`, `say`; `http`: a
--   server of mtrtrace.httpd, and `pack` of that; `list`: see
--   mtrtrace.cli.watchlist; `specs` and `errors` that it has read; `readers`
--   of all rounds; `hang_up()`: opens again what is written to
-- @treturn table { failed, permission }: the traceback of a fault of this
--   program, why nothing can be sent
function M.run(setup)
  local uv, self = setup.uv, nil
  local function failed(text)
    self.failed = self.failed or text
    uv.stop()
  end
  session.widen_pool(uv)
  self = new_service(setup, failed)
  local guard = session.guard_of(failed)
  local pages_server = server.start { uv = uv, host = self.host,
    http = setup.http, handler = pages_of(self), guard = guard,
    failed = failed }
  self.mark = mark_of(self)
  say_errors(self, setup.errors)
  self.roster.values.file_errors = #setup.errors
  on_signals(self, setup, guard)
  watch(self, guard)
  collector.start(uv, guard)
  guard(function() use(self, setup.specs) end)()
  if not self.failed then
    uv.run()
  end
  pages_server:close()
  return self
end

local NEEDS = { "every", "metrics-hops", "rtt-buckets", "resolve-every" }

-- Options that a service refuses: their output is written at the end of a run,
-- or grows without bound.
local NOT = { "record", "html", "geo-out", "output", "replay", "diff" }

--- Checks the combination of options.
-- @tparam table found texts by option name
-- @treturn ?string one sentence
function M.refusal(found)
  for _, name in ipairs(NEEDS) do
    if found[name] and not found.serve then
      return ("--%s goes with --serve"):format(name)
    end
  end
  for _, name in ipairs(found.serve and NOT or {}) do
    if found[name] then
      return ("--serve does not go with --%s"):format(name)
    end
  end
  if found.serve and found.format then
    return "--serve shows targets by HTTP and writes --rows: no other format"
  elseif found.serve and found.filename == "-" then
    return "--serve reads its targets again: -F takes a file there"
  end
end

--- Returns the URL of the service.
-- @tparam table listen { address, port }
-- @tparam integer port
-- @treturn string
function M.url(listen, port)
  return (listen.address:find(":", 1, true) and "http://[%s]:%d/"
    or "http://%s:%d/"):format(format.clean(listen.address), port)
end

--- Returns the targets of the service. The OS guess is off by default, because
-- it takes more time than a trace.
-- @tparam {string,...} words of the command line
-- @tparam table found texts by option name
-- @treturn table see mtrtrace.cli.watchlist
function M.targets(words, found)
  local of_all = { os = "off" }
  for key, value in pairs(found) do
    of_all[key] = value
  end
  return watchlist.new(words, found.filename, of_all)
end

return M
