-- SPDX-License-Identifier: BSD-2-Clause

--- Serves a source over one connection: sends what is in its queue, feeds
-- what comes, and ends within its limits whatever the server does. Runs in a
-- thread of its own and waits by the host's connection alone, never longer
-- than a slice; all timers are the host's clock.
-- @module mtrtrace.asn.worker
local speaker = require "mtrtrace.asn.speaker"

local M = {}

local CONNECT_S = 3
-- Without one complete answer for so long, a server is given up.
local ANSWER_S = 5
-- The same where nobody waits for the answer any longer.
local LATE_S = 2
-- With nothing to ask for so long, a connection is closed.
local IDLE_S = 20
-- A batch is closed when no hop was found for so long.
local QUIET_S = 0.6
-- Nmap's timeouts do not reach a thread that waits less than 60 ms at a time.
local SLICE_S = 0.1
local SHORT_SLICE_S = 0.06
-- Bytes from one connection.
local MOST_BYTES = 4194304

local Worker = {}
Worker.__index = Worker

-- Until when this thread may be silent; later it is taken for dead.
local function announce(self, seconds)
  self.source.busy_until = self.host.now() + seconds + 1
end

-- False where another thread took over while this one was held up.
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
    parts[#parts + 1] = self.speaker:ask(query)
  end
  if #parts == 0 then
    return true
  end
  self.asked_at = self.host.now()
  if #self.speaker:waiting() == #parts then
    self.progress_at = self.asked_at
  end
  return send(self, table.concat(parts))
end

-- Whether to ask nothing more on this connection.
local function is_over(self, now)
  if self.speaker.batch then
    return self.run:hurried(now) or now - self.asked_at >= QUIET_S
  end
  return #self.speaker:waiting() == 0
    and now - self.progress_at >= IDLE_S
end

local function late(self, now, limit)
  local since = now - math.max(self.progress_at, self.finished_at or 0)
  return #self.speaker:waiting() > 0 and since >= limit
    and ("no answer within %.1f s"):format(since) or nil
end

-- A server that answered all of a batch may not close behind it.
local LINGER_S = 0.5

-- Whether the dialogue ends here, and what was wrong with it.
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

-- The refusal of a single query, once for a connection.
local function report_refusal(self)
  if self.speaker.refused and not self.refusal_told then
    self.refusal_told = true
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

-- Sends what there is to send; closes a dialogue that is over.
local function speak(self, now)
  local ok, err = send_queries(self)
  if ok and not self.finished_at and is_over(self, now) then
    self.finished_at = now
    ok, err = send(self, self.speaker:finish())
  end
  return ok, err
end

-- Pieces that may have come before a connection broke.
local MOST_LEFT = 8

-- What a connection that broke while we sent means: a server may have closed
-- behind a refusal, which is no fault of the rest.
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

-- One slice. False at the end of the dialogue, with what was wrong.
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
  self.asked_at, self.progress_at = now, now
  local ok, err = send(self, self.speaker:hello())
  while ok and in_charge(self) do
    ok, err = turn(self)
  end
  return err
end

-- A server that did not answer at all; said where the port is given up for it.
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

-- What went wrong is said once; a refusal of single queries is no failure.
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

--- Gives up a server that let a whole trace wait in vain: Nmap ends this
-- thread without a word when no script is left beside it.
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

-- A SYN is repeated after a second: by then it, or its answer, is lost.
local HELD_UP_S = 1

--- Whether a source has waited for its connection for longer than a round
-- trip takes.
-- @tparam table source
-- @tparam number now
-- @treturn boolean
function M.held_up(source, now)
  local self = source.worker
  return self ~= nil and not self.conn and now - self.started_at >= HELD_UP_S
end

-- Leaves out the servers behind a blocked port, one that is being connected
-- to among them.
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

--- Starts a thread for a source that has something to ask and no thread.
-- @tparam table run the look-ups of all traces
-- @tparam table source
-- @tparam table host { now, connect, spawn, debug }
-- @tparam string version of this program
function M.start(run, source, host, version)
  local now = host.now()
  skip_blocked(run, source)
  if source.worker and now <= source.busy_until then
    return
  elseif source.worker then -- it died with the target it ran for
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
