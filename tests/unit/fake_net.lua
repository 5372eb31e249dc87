-- SPDX-License-Identifier: BSD-2-Clause
--- A host for mtrtrace.asn.lookup in virtual time: threads are coroutines, a
-- server is a function, nothing waits for real.
--
-- A server gets the connection when it is made: { heard = function(bytes),
-- say = function(bytes, after_s), hang_up = function(after_s) }; it sets
-- `heard`. Servers go by "host:port".
-- @module fake_net
local M = {}

local Net = {}
Net.__index = Net

-- Waits until `when`, or until `ready` returns true.
local function wait(net, when, ready)
  while not (ready and ready()) and net.clock < when do
    coroutine.yield(when, ready)
  end
end

local function due_of(thread)
  return thread.ready and thread.ready() and 0 or thread.when
end

local function resume(net, thread)
  local ok, when, ready = coroutine.resume(thread.co)
  if not ok then
    error(when, 0)
  end
  thread.when, thread.ready = when or math.huge, ready
  for i, other in ipairs(net.threads) do
    if other == thread and coroutine.status(thread.co) == "dead" then
      table.remove(net.threads, i)
    end
  end
end

-- The next thing that happens: an event of a server or a thread.
local function step(net)
  table.sort(net.events, function(a, b)
    return a.at < b.at or a.at == b.at and a.id < b.id
  end)
  local first = net.threads[1]
  for _, thread in ipairs(net.threads) do
    first = due_of(thread) < due_of(first) and thread or first
  end
  local at = first and math.max(due_of(first), net.clock) or math.huge
  local event = net.events[1]
  if event and event.at <= at then
    table.remove(net.events, 1)
    net.clock = math.max(net.clock, event.at)
    event.run()
  else
    net.clock = at
    resume(net, first)
  end
end

local function at(net, after, run)
  net.id = (net.id or 0) + 1
  net.events[#net.events + 1] = {
    at = net.clock + (after or 0), run = run, id = net.id,
  }
end

local function connection(net, server)
  local inbox, closed = {}, false
  local remote = {}
  function remote.say(bytes, after)
    at(net, after, function() inbox[#inbox + 1] = bytes end)
  end
  function remote.hang_up(after)
    at(net, after, function() closed = true end)
  end
  server(remote)
  local conn = {}
  function conn.send(bytes)
    net.sent[#net.sent + 1] = bytes
    if closed then
      return nil, "reset by peer"
    end
    if remote.heard then
      at(net, 0, function()
        if remote.heard then
          remote.heard(bytes)
        end
      end)
    end
    return true
  end
  function conn.receive(seconds)
    wait(net, net.clock + seconds, function()
      return #inbox > 0 or closed
    end)
    if #inbox > 0 then
      return table.remove(inbox, 1)
    end
    return nil, closed and "closed" or "timeout"
  end
  function conn.close()
    net.closed = net.closed + 1
  end
  return conn
end

local function start(net, body)
  net.threads[#net.threads + 1] = {
    co = coroutine.create(body), when = net.clock,
  }
end

--- Runs a function and all it spawns until nothing is left to do.
-- @tparam function body gets the host
-- @treturn number virtual seconds until the body returned
-- @treturn number virtual seconds until the last thread ended
function Net:run(body)
  local ended
  start(self, function()
    body(self.host)
    ended = self.clock
  end)
  while #self.threads > 0 do
    step(self)
    assert(self.clock < 3600, "a thread that does not end")
  end
  return ended, self.clock
end

local function host_of(net)
  local host = {}
  function host.now()
    return net.clock
  end
  function host.verbose()
    return false
  end
  function host.sleep(seconds)
    wait(net, net.clock + seconds)
  end
  function host.spawn(body)
    start(net, body)
  end
  function host.debug(text)
    net.lines[#net.lines + 1] = text
  end
  function host.connect(name, port, seconds)
    local server = net.servers[name .. ":" .. port]
    net.connects[name] = (net.connects[name] or 0) + 1
    if server == nil or server == "silent" then
      wait(net, net.clock + seconds)
      return nil, "timeout", true
    elseif server == "refuse" then
      return nil, "connection refused"
    end
    wait(net, net.clock + net.latency)
    return connection(net, server)
  end
  function host.ptr(address, seconds)
    net.asked_names[#net.asked_names + 1] = address
    local name = net.names[address]
    if name == "silent" then
      wait(net, net.clock + seconds)
      return nil, "no answer"
    end
    wait(net, net.clock + net.latency)
    return name
  end
  host.txt = net.texts and function(name, seconds)
    net.asked_texts[#net.asked_texts + 1] = name
    local texts, err = net.texts(name)
    if texts == "silent" then
      wait(net, net.clock + seconds)
      return nil, "No Answers"
    end
    wait(net, net.clock + net.latency)
    return texts, err
  end
  return host
end

--- Makes a network.
-- @tparam table servers functions by "host:port"; "refuse" or "silent"
-- @tparam ?table names by address; "silent" for one that gets no answer
-- @tparam ?function texts TXT records of a name: an array, "silent", or nil
--   and an error; nil for a host without TXT look-ups
-- @treturn table with `run`, and records of its use: `sent`, `lines` (debug),
--   `connects` (by host), `closed`, `asked_names`, `asked_texts`
function M.new(servers, names, texts)
  local net = setmetatable({
    clock = 0, latency = 0.05, servers = servers, names = names or {},
    threads = {}, events = {}, sent = {}, lines = {}, connects = {},
    closed = 0, asked_names = {}, asked_texts = {},
    texts = texts,
  }, Net)
  net.host = host_of(net)
  return net
end

return M
