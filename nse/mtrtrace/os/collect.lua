-- SPDX-License-Identifier: BSD-2-Clause

--- Collects evidence for the OS guess, an enricher of
-- mtrtrace.session.tracer: sends fingerprinting probes to each address that
-- replied to the trace, once for all traces of a run, and passes all evidence
-- to the judge.
--
-- A host is { now = function() -> monotonic seconds, mac_prefixes =
-- function() -> text of Nmap's nmap-mac-prefixes or nil }, and for SNMP
-- { spawn = function(function), exchange = function(address, port, bytes,
-- seconds) -> bytes or nil }, which may yield.
-- @module mtrtrace.os.collect
local judge = require "mtrtrace.os.judge"
local mac = require "mtrtrace.os.mac"
local snmp = require "mtrtrace.os.snmp"
local zone = require "mtrtrace.base.zone"

local M = {}

-- Bound on the addresses of a path that changes all the time.
local MOST_ADDRESSES = 256

-- Grace period for replies once the trace is done; the long one for SNMP and
-- mode "active", whose probes are spread over seconds.
local GRACE_S, LONG_GRACE_S = 0.4, 2.9

local SNMP_PORT, SNMP_S = 161, 1

local Collect = {}
Collect.__index = Collect

-- ---- one address, shared by all traces ------------------------------------

local SENDS_PROBES = { echo = true, active = true }

local function send_probes(self, item)
  if not SENDS_PROBES[self.settings.mode] or item.done or item.handle then
    return
  end
  local handle, err = self.core.fingerprint {
    address = item.target, mode = self.settings.mode,
    source = self.settings.source, interface = self.settings.interface,
    mark = self.settings.mark, tos = self.settings.tos,
  }
  item.handle, item.done, item.error = handle, not handle, err
end

-- Nmap's file is long, so each address is looked up once in a run; locally
-- administered and virtual router addresses are not looked up, as they name no
-- vendor.
local function vendor_of(self, text)
  local kind = mac.classify(text)
  if not text or kind.local_mac or kind.virtual_router then
    return nil
  end
  if self.vendors[text] == nil then
    local prefixes = self.host.mac_prefixes()
    self.vendors[text] = prefixes and mac.vendor(text, prefixes) or false
  end
  return self.vendors[text] or nil
end

local function discover(self, item)
  local id = math.random(0, 0x7fffffff)
  local bytes = self.host.exchange(item.target, SNMP_PORT, snmp.request(id),
    SNMP_S)
  local found = bytes and snmp.parse(bytes, id)
  if found then
    found.mac_vendor = vendor_of(self, found.mac)
  end
  item.snmp, item.discovered = found, true
end

local function start_discovery(self, item)
  if self.settings.snmp and not item.discovery then
    item.discovery = true
    self.host.spawn(function() discover(self, item) end)
  end
end

-- Takes the result of finished probes; true if nothing is outstanding.
local function settled(self, item)
  if item.handle and item.handle:done() then
    item.result, item.done = item.handle:result(), true
    item.handle:close()
    item.handle = nil
  end
  return not item.handle and (item.discovered or not self.settings.snmp)
end

-- ---- the trace ------------------------------------------------------------

local function add(self, address, interface)
  if self.items[address] or #self.list >= MOST_ADDRESSES then
    return
  end
  local target = zone.with(address, interface)
  local item = self.store[target or address]
    or { address = address, target = target, users = 0, done = not target }
  self.store[target or address] = item
  item.users = item.users + 1
  self.items[address] = item
  self.list[#self.list + 1] = item
  send_probes(self, item)
  if target then
    start_discovery(self, item)
  end
end

--- Sends probes to the addresses that are new in a result.
-- @tparam table result as given by trace:result()
function Collect:see(result)
  self.latest = result
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      add(self, responder.address, result.interface)
    end
  end
  if result.done and not self.deadline then
    local long = self.settings.snmp or self.settings.mode == "active"
    self.deadline = self.host.now()
      + (long and LONG_GRACE_S or GRACE_S)
  end
end

--- Advances the collection; to be called every 0.1 s or so.
-- @treturn integer number of addresses with outstanding replies
function Collect:poll()
  local outstanding = 0
  for _, item in ipairs(self.list) do
    outstanding = outstanding + (settled(self, item) and 0 or 1)
  end
  local late = self.deadline and self.host.now() >= self.deadline
  return late and 0 or outstanding
end

--- Stops waiting and keeps the replies so far. Probes go on to an address that
-- another trace waits for.
function Collect:leave()
  for _, item in ipairs(self.list) do
    item.users = item.users - 1
    if item.handle then
      item.result = item.handle:result()
    end
    if item.handle and item.users == 0 then
      item.handle:close()
      item.handle = nil
    end
  end
end

-- ---- evidence for the judge -----------------------------------------------

local function extend(list, more)
  for _, value in ipairs(more or {}) do
    list[#list + 1] = value
  end
end

-- Merges the evidence of all hops at which an address replied.
local function merge(subject, hop, responder)
  if subject.ttl[#subject.ttl] ~= hop.ttl then
    subject.ttl[#subject.ttl + 1] = hop.ttl
  end
  subject.target = subject.target or responder.target or false
  subject.name = subject.name or responder.name
  subject.rate_limit = subject.rate_limit or hop.rate_limit
  extend(subject.answers, responder.answers)
end

local function subject_of(address)
  return { address = address, family = address:find(":", 1, true) and 6 or 4,
    ttl = {}, answers = {}, probes_sent = {} }
end

-- Adds the hardware address of a responder on the local link (hop 1); those of
-- responders beyond are not visible to this host.
local function add_link(self, subject)
  if subject.ttl[1] ~= 1 then
    return
  end
  local text = subject.target and self.settings.target_mac
    or self.core.neighbour(subject.address)
  local kind = mac.classify(text)
  subject.mac, subject.mac_vendor = text, vendor_of(self, text)
  subject.virtual_router = kind.virtual_router
  subject.local_mac = kind.local_mac
end

local function add_answers(self, subject)
  local item = self.items[subject.address]
  local result = item and item.result
  if result then
    subject.probes_sent = result.probes_sent
    extend(subject.answers, result.answers)
  end
  subject.snmp = item and item.snmp
  subject.nmap_os = subject.target and self.settings.nmap_os or nil
end

local function subjects_of(result)
  local by_address = {}
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local address = responder.address
      by_address[address] = by_address[address] or subject_of(address)
      merge(by_address[address], hop, responder)
    end
  end
  return by_address
end

local function guesses_of(self, result)
  local guesses = {}
  for address, subject in pairs(subjects_of(result)) do
    add_link(self, subject)
    add_answers(self, subject)
    local guess = self.settings.judge(subject)
    if guess.evidence and next(subject.probes_sent) then
      guess.evidence.probes_sent = subject.probes_sent
    end
    guesses[address] = guess
  end
  return guesses
end

--- The guess for an address while the trace is running.
-- @tparam string address
-- @treturn table `os`, if there is a guess
-- @treturn boolean true: no need to wait for more evidence
function Collect:peek(address)
  if self.latest and self.judged ~= self.latest then
    self.judged, self.guesses = self.latest, guesses_of(self, self.latest)
  end
  return { os = self.guesses[address] }, true
end

--- Adds a guess, `os`, to each responder of a result.
-- @tparam table result as given by trace:result(); changed in place
function Collect:annotate(result)
  local guesses = guesses_of(self, result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      responder.os = guesses[responder.address]
    end
  end
end

--- Starts the collection for a trace.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table settings `mode`: "passive", "echo" or "active"; `snmp`:
--   whether to send SNMPv3 discovery requests; `source`, `interface`, `mark`,
--   `tos`: of the trace, if the user chose them; `target_mac`, `nmap_os`
--   { name, accuracy }: facts about the target; `judge`: replaces that of
--   mtrtrace.os.judge
-- @tparam table store outlives the trace; shared by all traces of a run
-- @treturn table
function M.new(host, core, settings, store)
  store.addresses, store.vendors = store.addresses or {}, store.vendors or {}
  settings.judge = settings.judge or judge.judge
  return setmetatable({
    host = host, core = core, settings = settings, store = store.addresses,
    vendors = store.vendors, items = {}, list = {}, guesses = {},
  }, Collect)
end

return M
