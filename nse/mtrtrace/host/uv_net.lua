-- SPDX-License-Identifier: BSD-2-Clause

--- TCP for a host on luv, for mtrtrace.asn.lookup. Everything yields.
-- @module mtrtrace.host.uv_net
local M = {}

-- What is received and not taken yet; reading pauses beyond it.
local MOST_UNREAD = 262144

local WORDS = {
  ECONNREFUSED = "connection refused", ETIMEDOUT = "timed out",
  EHOSTUNREACH = "no route to it", ENETUNREACH = "network unreachable",
  ECONNRESET = "connection reset",
}

-- luv says "ENAME: text", or the name alone.
local function words(err)
  local name = tostring(err):match("^[%u_]+") or ""
  return WORDS[name] or tostring(err)
end

-- What arrives goes into `state`: parts, their bytes, and the end.
local function on_data(state, err, data)
  if data then
    state.parts[#state.parts + 1] = data
    state.unread = state.unread + #data
    if state.unread > MOST_UNREAD then
      state.tcp:read_stop()
      state.paused = true
    end
  else
    state.closed = err and words(err) or "closed"
  end
  if state.wake then
    state.wake()
  end
end

local function read_on(state)
  state.tcp:read_start(function(err, data) on_data(state, err, data) end)
  state.paused = false
end

local function receive(host, state, seconds)
  if #state.parts == 0 and not state.closed then
    host.await_for(seconds, function(done) state.wake = done end)
    state.wake = nil
  end
  if #state.parts > 0 then
    local data = table.concat(state.parts)
    state.parts, state.unread = {}, 0
    if state.paused and not state.closed then
      read_on(state)
    end
    return data
  end
  return nil, state.closed or "timeout"
end

local function connection(host, tcp)
  local state = { tcp = tcp, parts = {}, unread = 0 }
  local conn = {}
  read_on(state)
  function conn.send(bytes)
    local ok, err = tcp:write(bytes)
    return ok and true or nil, not ok and words(err) or nil
  end
  function conn.receive(seconds)
    return receive(host, state, seconds)
  end
  function conn.close()
    if not tcp:is_closing() then
      tcp:close()
    end
    state.closed = state.closed or "closed"
  end
  return conn
end

local function open(host, uv, address, port, seconds)
  local tcp = uv.new_tcp()
  local err = host.await_for(seconds, function(done)
    local ok, why = tcp:connect(address, port, done)
    if not ok then
      done(why)
    end
  end)
  if err then
    if not tcp:is_closing() then
      tcp:close()
    end
    return nil, err == "timeout" and "connecting took too long"
      or "cannot connect: " .. words(err), err == "timeout"
  end
  return connection(host, tcp)
end

-- The first address that takes the connection within the time.
local function connect_of(host, uv)
  return function(name, port, seconds)
    local deadline = host.now() + seconds
    local addresses, err = host.server_addresses(name, seconds)
    local any_silent = false
    for i, address in ipairs(addresses or {}) do
      local left = (deadline - host.now()) / (#addresses - i + 1)
      if left <= 0 then
        return nil, "connecting took too long", any_silent
      end
      local conn, silent
      conn, err, silent = open(host, uv, address, port, left)
      if conn then
        return conn
      end
      any_silent = any_silent or silent
    end
    return nil, err, any_silent
  end
end

-- libuv writes to a connection that the other side has closed with a plain
-- write, whose SIGPIPE would end the program; the write fails all the same.
local function outlive_closed_peers(uv)
  local handle = uv.new_signal()
  handle:start("sigpipe", function() end)
  handle:unref()
end

--- Adds `connect` to a host.
-- @tparam table host { await_for, now, server_addresses }
-- @tparam table uv the module luv
function M.add(host, uv)
  outlive_closed_peers(uv)
  host.connect = connect_of(host, uv)
end

return M
