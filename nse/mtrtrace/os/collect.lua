-- SPDX-License-Identifier: BSD-2-Clause

--- Gathers what tells the systems of a trace's hops, an enricher of
-- mtrtrace.session.tracer: asks each address that answered the trace, once for
-- all traces of a run, and hands all there is to the judge. It judges nothing.
--
-- A host is { now = function() -> seconds that never fall, mac_prefixes =
-- function() -> text of Nmap's file of that name or nil }, and for SNMP
-- { spawn = function(function), exchange = function(address, port, bytes,
-- seconds) -> bytes or nil }, which may yield.
-- @module mtrtrace.os.collect
local judge = require "mtrtrace.os.judge"
local mac = require "mtrtrace.os.mac"
local snmp = require "mtrtrace.os.snmp"
local zone = require "mtrtrace.base.zone"

local M = {}

-- A path that changes all the time is not asked without end.
local MOST_ADDRESSES = 256

-- How long answers may hold up the table once the trace is done. What only
-- sends echo requests sent them long before.
local GRACE_S, LONG_GRACE_S = 0.4, 2.9

local SNMP_PORT, SNMP_S = 161, 1

local Collect = {}
Collect.__index = Collect

-- ---- one address, shared by all traces ------------------------------------

local ASKS = { echo = true, active = true }

local function ask(self, item)
  if not ASKS[self.settings.mode] or item.done or item.handle then
    return
  end
  local handle, err = self.core.fingerprint {
    address = item.target, mode = self.settings.mode,
    source = self.settings.source, interface = self.settings.interface,
    mark = self.settings.mark, tos = self.settings.tos,
  }
  item.handle, item.done, item.error = handle, not handle, err
end

-- Nmap's file is long: each address is looked up once in a run, and one that
-- names no vendor not at all.
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

-- Takes what was answered; true where nothing more is to come.
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
  ask(self, item)
  if target then
    start_discovery(self, item)
  end
end

--- Asks the addresses that were not seen before.
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

--- Moves on: to be called every 0.1 s or so.
-- @treturn integer addresses that are waited for
function Collect:poll()
  local outstanding = 0
  for _, item in ipairs(self.list) do
    outstanding = outstanding + (settled(self, item) and 0 or 1)
  end
  local late = self.deadline and self.host.now() >= self.deadline
  return late and 0 or outstanding
end

--- Ends the waiting: what there is will do. An address that another trace
-- waits for goes on being asked.
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

-- ---- what the judge gets --------------------------------------------------

local function extend(list, more)
  for _, value in ipairs(more or {}) do
    list[#list + 1] = value
  end
end

-- An address as all the hops show it at which it answered.
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

-- The hardware address of who answers at the end of our own link. What a
-- router farther away shows of its links is not ours to see.
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

--- What is guessed of an address while the trace runs.
-- @tparam string address
-- @treturn table `os`, where there is a guess
-- @treturn boolean true: more evidence is nothing to wait for
function Collect:peek(address)
  if self.latest and self.judged ~= self.latest then
    self.judged, self.guesses = self.latest, guesses_of(self, self.latest)
  end
  return { os = self.guesses[address] }, true
end

--- Writes a guess to each responder of a result, `os`.
-- @tparam table result as given by trace:result(); changed in place
function Collect:annotate(result)
  local guesses = guesses_of(self, result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      responder.os = guesses[responder.address]
    end
  end
end

--- Begins the gathering for a trace.
-- @tparam table host
-- @tparam table core the module mtrtrace.core
-- @tparam table settings `mode`: "passive", "echo" or "active"; `snmp`:
--   whether to ask for SNMPv3 engines; `source`, `interface`, `mark`,
--   `tos`: of the trace, where the user chose them; `target_mac`, `nmap_os`
--   { name, accuracy }: what is known of the target; `judge`: in place of
--   mtrtrace.os.judge
-- @tparam table store outlives the trace, shared by all traces of a run
-- @treturn table
function M.new(host, core, settings, store)
  store.asked, store.vendors = store.asked or {}, store.vendors or {}
  settings.judge = settings.judge or judge.judge
  return setmetatable({
    host = host, core = core, settings = settings, store = store.asked,
    vendors = store.vendors, items = {}, list = {}, guesses = {},
  }, Collect)
end

return M
