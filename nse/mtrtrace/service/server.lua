-- SPDX-License-Identifier: BSD-2-Clause

--- The HTTP server in libuv's event loop: calls mtrtrace.httpd when its
-- descriptor is readable, and passes requests to a function that may yield.
-- @module mtrtrace.service.server
local M = {}

-- Requests that are answered in one iteration of the event loop.
local AT_ONCE = 8

local Server = {}
Server.__index = Server

local function again(self, seconds)
  if not self.closed then
    self.timer:start(math.ceil(seconds * 1000), 0, self.go)
  end
end

local function answer(self, request, out)
  if self.closed then
    return
  end
  local fields = out.fields or {}
  self.http:answer(request.id, out.status, out.type, out.body,
    out.gzip or false, "X-Content-Type-Options", "nosniff",
    table.unpack(fields))
  again(self, 0)
end

local FAILED = { status = 500, type = "text/plain; charset=utf-8",
  body = "internal error\n" }

local function handle(self, request)
  self.host.spawn(function()
    local ok, out = xpcall(self.handler, debug.traceback, request)
    if not ok then
      self.failed(out)
    end
    answer(self, request, ok and out or FAILED)
  end)
end

-- Answers the requests that have arrived and sends the responses in the same
-- iteration of the event loop, as the next iteration may be delayed by other
-- work.
local function run(self)
  if self.closed then
    return
  end
  local wait_s, taken = self.http:run(self.host.now()), 0
  local request = self.http:take()
  while request do
    taken = taken + 1
    handle(self, request)
    wait_s = self.http:run(self.host.now())
    request = taken < AT_ONCE and self.http:take() or nil
  end
  again(self, taken == AT_ONCE and 0 or wait_s)
end

--- Closes the server.
function Server:close()
  if not self.closed then
    self.closed = true
    self.poll:close()
    self.timer:close()
    self.http:close()
  end
end

--- Starts the server.
-- @tparam table setup `uv`; `host`; `http`: a server of mtrtrace.httpd;
--   `handler`: returns { status, type, body, gzip, fields } for a request, may
--   yield; the body is a string or an array of strings; `guard`: wraps a
--   function so that it never raises; `failed`: called with the traceback of
--   an error
-- @treturn table
function M.start(setup)
  local self = setmetatable({ host = setup.host, http = setup.http,
    handler = setup.handler, failed = setup.failed,
    poll = setup.uv.new_poll(setup.http:fd()), timer = setup.uv.new_timer() },
    Server)
  self.go = setup.guard(function() run(self) end)
  self.poll:start("r", self.go)
  again(self, 0)
  return self
end

return M
