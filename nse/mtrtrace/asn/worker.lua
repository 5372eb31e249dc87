-- SPDX-License-Identifier: BSD-2-Clause

--- Serves a source over one TCP connection: sends the queued queries, passes
-- received bytes to the protocol, and ends within its time limits whatever the
-- server does. Runs in a thread of its own and blocks only in the host's
-- connection, never longer than a slice; all timers use the host's clock.
-- @module mtrtrace.asn.worker
local speaker = require "mtrtrace.asn.speaker"

local M = {}

local CONNECT_S = 3
-- Longest time without a complete answer before a server is given up.
local ANSWER_S = 5
-- The same when no trace waits for the answer any longer.
local LATE_S = 2
-- Longest time without queries before a connection is closed.
local IDLE_S = 20
-- Time without a new hop after which a batch is sent off.
local QUIET_S = 0.6
-- Nmap's timeouts do not reach a thread that waits less than 60 ms at a time.
local SLICE_S = 0.1
local SHORT_SLICE_S = 0.06
-- Limit on the bytes received over one connection.
local MOST_BYTES = 4194304

local Worker = {}
Worker.__index = Worker

-- Sets the time after which this thread counts as dead.
local function announce(self, seconds)
  self.source.busy_until = self.host.now() + seconds + 1
end

-- False if another thread took over while this one was blocked.
local function in_charge(self)
  return self.source.worker == self
end

local function send(self, bytes)
  if bytes == nil or bytes == "" then
    return true
  end
  announce(self, ANSWER_S)
  return self.conn.send(bytes)
end

local function send_queries(self)
  local parts = {}
  for _ = 1, self.speaker:room() do
    local query = self.source:take()
    if not query then
      break
    end
    parts[#parts + 1] = self.speaker:encode(query)
  end
  if #parts == 0 then
    return true
  end
  self.sent_at = self.host.now()
  if #self.speaker:waiting() == #parts then
    self.progress_at = self.sent_at
  end
  return send(self, table.concat(parts))
end

-- Whether to send no more queries over this connection.
local function is_over(self, now)
  if self.speaker.batch then
    return self.run:hurried(now) or now - self.sent_at >= QUIET_S
  end
  return #self.speaker:waiting() == 0
    and now - self.progress_at >= IDLE_S
end

local function late(self, now, limit)
  local since = now - math.max(self.progress_at, self.finished_at or 0)
  return #self.speaker:waiting() > 0 and since >= limit
    and ("no answer within %.1f s"):format(since) or nil
end

-- Some servers keep the connection open after the last answer of a batch.
local LINGER_S = 0.5

-- Whether the dialogue is over, and its error, if any.
local function is_done(self, now)
  local batch, waiting = self.speaker.batch, self.speaker:waiting()
  if not self.run:needed(now) then
    return true, late(self, now, LATE_S)
  elseif not self.finished_at then
    return not batch and late(self, now, ANSWER_S) ~= nil,
      late(self, now, ANSWER_S)
  elseif #waiting == 0 and (not batch
    or now - self.progress_at >= LINGER_S) then
    return true, self.speaker:closed()
  end
  local err = late(self, now, ANSWER_S)
  return err ~= nil, err
end

local function report(self, err)
  local server = self.source:server()
  local text = ("%s: %s:%d: %s"):format(self.source.name, server.host,
    server.port, err)
  self.host.debug(text)
  self.run:complain(self.source, text)
end

-- Reports the refusal of a single query, once per connection.
local function report_refusal(self)
  if self.speaker.refused and not self.refusal_reported then
    self.refusal_reported = true
    report(self, self.speaker.refused)
  end
end

local function take(self, data)
  self.bytes = self.bytes + #data
  if self.bytes > MOST_BYTES then
    return "more than 4 MiB"
  end
  local before = #self.speaker:waiting()
  local err = self.speaker:feed(data)
  report_refusal(self)
  if #self.speaker:waiting() < before then
    self.progress_at = self.host.now()
  end
  return err
end

-- Sends queued queries; ends a dialogue that is over.
local function speak(self, now)
  local ok, err = send_queries(self)
  if ok and not self.finished_at and is_over(self, now) then
    self.finished_at = now
    ok, err = send(self, self.speaker:finish())
  end
  return ok, err
end

-- Reads of data that may have arrived before a connection broke.
local MOST_LEFT = 8

-- The error of a connection that broke during a send. The server may have
-- closed after it refused one query; the other queries have not failed then.
local function broken(self, err)
  for _ = 1, MOST_LEFT do
    announce(self, SHORT_SLICE_S)
    local data = self.conn.receive(SHORT_SLICE_S)
    if not data or not in_charge(self) or take(self, data) then
      break
    end
  end
  if self.speaker.refused then
    return self.speaker:closed()
  end
  return err
end

-- One slice. False at the end of the dialogue, and its error, if any.
local function turn(self)
  local now = self.host.now()
  local ok, err = speak(self, now)
  if not ok then
    return false, broken(self, err)
  end
  local done
  done, err = is_done(self, now)
  if done then
    return false, err
  end
  local slice = self.run:hurried(now) and SHORT_SLICE_S or SLICE_S
  announce(self, slice)
  local data, why = self.conn.receive(slice)
  if not in_charge(self) then
    return false
  elseif data then
    err = take(self, data)
    return not err, err
  elseif why ~= "timeout" then
    return false, self.speaker:closed()
  end
  return true
end

local function converse(self)
  local now = self.host.now()
  self.sent_at, self.progress_at = now, now
  local ok, err = send(self, self.speaker:hello())
  while ok and in_charge(self) do
    ok, err = turn(self)
  end
  return err
end

-- Notes a server that sent no packet in reply; logs when its port is given up.
local function note_silence(self, server)
  if self.run.ports:silent(server.port, server.host) then
    self.host.debug(("look-ups: TCP port %d seems to be blocked: no other "
      .. "server is tried there"):format(server.port))
  end
end

local function serve(self)
  local server = self.source:server()
  announce(self, 2 * CONNECT_S)
  self.source.connections = self.source.connections + 1
  local conn, err, silent = self.host.connect(server.host, server.port,
    CONNECT_S)
  if not conn then
    if silent and in_charge(self) then
      note_silence(self, server)
    end
    return err
  end
  self.run.ports:opened(server.port)
  self.conn = conn
  err = in_charge(self) and converse(self) or nil
  if not err and not self.finished_at and in_charge(self) then
    send(self, self.speaker:finish())
  end
  conn.close()
  return err
end

-- Reports an error once; the refusal of single queries is no failure of the
-- server.
local function finish(self, err)
  local source = self.source
  if not in_charge(self) then
    return
  elseif err then
    report(self, err)
    source:fail()
  else
    report_refusal(self)
    source:requeue()
  end
  source.worker = nil
end

--- Gives up a server that did not answer during a whole trace. Called by the
-- trace, because Nmap ends this thread without notice once no script is
-- running.
-- @tparam table source
-- @tparam table host { now, debug }
function M.give_up(source, host)
  local self = source.worker
  local err = self and late(self, host.now(), LATE_S)
  if err then
    finish(self, err)
  elseif self and not self.conn
    and host.now() - self.started_at >= LATE_S then
    finish(self, "no connection")
  end
end

-- TCP retransmits a SYN after 1 s (RFC 6298 section 2.1): after that time the
-- SYN or its reply is probably lost.
local HELD_UP_S = 1

--- Whether a source has waited for its connection for longer than any usual
-- round-trip time.
-- @tparam table source
-- @tparam number now
-- @treturn boolean
function M.held_up(source, now)
  local self = source.worker
  return self ~= nil and not self.conn and now - self.started_at >= HELD_UP_S
end

-- Skips the servers whose port is blocked, also one to which a connection is
-- being opened.
local function skip_blocked(run, source)
  local function blocked()
    return not source.failed and run.ports:blocked(source:server().port)
  end
  if source.worker and not source.worker.conn and blocked() then
    finish(source.worker, "the port seems to be blocked")
  end
  while not source.worker and blocked() do
    source:fail()
  end
end

local SPACING_S = 0.5

--- Starts a thread for a source that has queued queries and no thread.
-- @tparam table run the look-ups of all traces
-- @tparam table source
-- @tparam table host { now, connect, spawn, debug }
-- @tparam string version of this program
function M.start(run, source, host, version)
  local now = host.now()
  skip_blocked(run, source)
  if source.worker and now <= source.busy_until then
    return
  elseif source.worker then -- Nmap ended it together with its target
    source.worker = nil
    source:requeue()
  end
  if #source.queue == 0 or now < (source.next_start or 0) then
    return
  end
  source.next_start = now + SPACING_S
  local self = setmetatable({
    run = run, source = source, host = host, bytes = 0,
    speaker = speaker.new(source, version),
    started_at = now, progress_at = now,
  }, Worker)
  source.worker = self
  announce(self, CONNECT_S)
  host.spawn(function()
    local ok, err = pcall(serve, self)
    finish(self, not ok and "internal error: " .. tostring(err) or err)
  end)
end

return M
