-- SPDX-License-Identifier: BSD-2-Clause

--- The network of a host on luv, for mtrtrace.asn.lookup and for the targets'
-- names: TCP, and the system's own resolver in libuv's threads. Everything
-- yields.
-- @module mtrtrace.host.uv_net
local special = require "mtrtrace.base.special"

local M = {}

-- What is received and not taken yet; reading pauses beyond it.
local MOST_UNREAD = 262144

-- How long the system's resolver may take for a target or a server.
local RESOLVE_S = 20

local RESOLVER = {
  EAI_NONAME = "name not found", EAI_NODATA = "name not found",
  EAI_AGAIN = "no answer from the resolver",
  EAI_ADDRFAMILY = "no address of this family",
  EAI_FAIL = "the resolver failed",
}

local WORDS = {
  ECONNREFUSED = "connection refused", ETIMEDOUT = "timed out",
  EHOSTUNREACH = "no route to it", ENETUNREACH = "network unreachable",
  ECONNRESET = "connection reset",
}

-- luv says "ENAME: text", or the name alone.
local function words(err, table_of)
  local name = tostring(err):match("^[%u_]+") or ""
  return table_of[name] or tostring(err)
end

-- ---- names ----------------------------------------------------------------

local function family_of(af)
  return af == "inet6" and 6 or af == "inet" and 4 or nil
end

local function add_address(list, entry)
  for _, address in ipairs(list) do
    if address == entry.addr then
      return
    end
  end
  list[#list + 1] = family_of(entry.family) and entry.addr or nil
end

local function is_numeric(name)
  return special.bytes((name:gsub("%%.*$", ""))) ~= nil
end

-- resolve(name, family): addresses in the order of the system's preference;
-- `family` is 4, 6 or nil for any.
local function resolve_of(host, uv)
  local hints = { [4] = "inet", [6] = "inet6" }
  return function(name, family)
    if is_numeric(name) then
      local version = special.family(name)
      if family and family ~= version then
        return nil, ("not an IPv%d address"):format(family)
      end
      return { name }
    end
    local err, answer = host.await_for(RESOLVE_S, function(done)
      local request, why = uv.getaddrinfo(name, nil,
        { family = hints[family], socktype = "stream" }, done)
      if not request then
        done(why)
      end
    end)
    if err then
      return nil, err == "timeout" and RESOLVER.EAI_AGAIN
        or words(err, RESOLVER)
    end
    local list = {}
    for _, entry in ipairs(answer) do
      add_address(list, entry)
    end
    if #list == 0 then
      return nil, "name not found"
    end
    return list
  end
end

-- The resolver gives the address back where there is no name.
local function ptr_of(host, uv)
  return function(address, seconds)
    local err, name = host.await_for(seconds, function(done)
      local request, why = uv.getnameinfo({ ip = address }, done)
      if not request then
        done(why)
      end
    end)
    if err == "timeout" then
      return nil, "no answer from the resolver"
    elseif err then
      return nil, words(err, RESOLVER)
    end
    return name ~= address and not is_numeric(name) and name or nil
  end
end

-- ---- TCP ------------------------------------------------------------------

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
    state.closed = err and words(err, WORDS) or "closed"
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
    return ok and true or nil, not ok and words(err, WORDS) or nil
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
      or "cannot connect: " .. words(err, WORDS), err == "timeout"
  end
  return connection(host, tcp)
end

-- The first address that takes the connection within the time.
local function connect_of(host, uv)
  return function(name, port, seconds)
    local deadline = host.now() + seconds
    local addresses, err = host.resolve(name)
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

--- Adds `resolve`, `ptr` and `connect` to a host.
-- @tparam table host { await_for, now }
-- @tparam table uv the module luv
function M.add(host, uv)
  outlive_closed_peers(uv)
  host.resolve = resolve_of(host, uv)
  host.ptr = ptr_of(host, uv)
  host.connect = connect_of(host, uv)
end

return M
