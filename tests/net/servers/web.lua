-- SPDX-License-Identifier: BSD-2-Clause
-- web.lua LOG KIND:PORT[:ADDRESS]...: web servers that do not behave, on all
-- addresses of both families or on one. LOG gets the head of each request;
-- "ready" is printed once they listen.
local socket = require "socket"

local log = assert(io.open(arg[1], "a"))
log:setvbuf("line")

local OK = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
local SHORT = OK .. "Content-Length: 3\r\n\r\nyes"

-- Text, after so many seconds, and what is repeated after it and how often;
-- `over`: then it closes. `hello`: it does not wait for a request.
local KINDS = {
  think = { after = 0.05, text = SHORT, over = true },
  slow = { after = 0, text = "HTTP/1.1 2", again = "0", every = 0.5 },
  late = { after = 0, text = OK .. "\r\n", again = "a", every = 0.2 },
  endless = { after = 0, text = OK .. "\r\n", again = ("x"):rep(8192),
    every = 0 },
  heads = { after = 0, text = OK, again = "X-A: " .. ("y"):rep(1000)
    .. "\r\n", every = 0 },
  silent = { hello = true },
  garbage = { after = 0, text = "\0\255\27[2J\7nonsense\n\n", over = true,
    hello = true },
  gone = { over = true },
  escapes = { after = 0, over = true, text = "HTTP/1.1 302 \27[31mNo\r\n"
    .. "Location: http://a.test/\27]0;owned\7\127\200x\r\n"
    .. "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n" },
  early = { after = 0, text = "HTTP/1.1 103 Early Hints\r\n\r\n" .. SHORT,
    over = true },
}

local listeners, clients = {}, {}

local function listen(kind, port, address)
  local server = address:find(":", 1, true) and socket.tcp6()
    or socket.tcp4()
  server:setoption("reuseaddr", true)
  if address:find(":", 1, true) then
    server:setoption("ipv6-v6only", true)
  end
  assert(server:bind(address, port))
  assert(server:listen(64))
  listeners[server] = assert(KINDS[kind], "no such kind of server")
end

for i = 2, #arg do
  local kind, port, address = arg[i]:match("^(%a+):(%d+):?(.*)$")
  if address ~= "" then
    listen(kind, tonumber(port), address)
  else
    listen(kind, tonumber(port), "0.0.0.0")
    listen(kind, tonumber(port), "::")
  end
end

local function drop(client)
  clients[client.socket] = nil
  client.socket:close()
end

local function answer(client, now)
  local kind = client.kind
  client.due = kind.text and now + kind.after or nil
  client.out = kind.text
  if kind.over and not kind.text then
    drop(client)
  end
end

local function accept(listener)
  local new = listener:accept()
  if not new then
    return
  end
  new:settimeout(0)
  new:setoption("tcp-nodelay", true)
  clients[new] = { socket = new, kind = listeners[listener], head = "" }
  if clients[new].kind.hello then
    answer(clients[new], socket.gettime())
  end
end

local function hear(client)
  local data, err, part = client.socket:receive(65536)
  client.head = client.head .. (data or part or "")
  local head, rest = client.head:match("^(.-\r?\n\r?\n)(.*)$")
  if head then
    log:write(head)
    client.head = rest
    answer(client, socket.gettime())
  end
  if err == "closed" and clients[client.socket] then
    drop(client)
  end
end

local function speak(client, now)
  local sent, err, part = client.socket:send(client.out)
  if not sent and err ~= "timeout" then
    return drop(client)
  end
  client.out = client.out:sub((sent or part) + 1)
  if client.out ~= "" then
    client.due = now + 0.001
  elseif client.kind.over then
    drop(client)
  else
    client.out, client.due = client.kind.again, client.kind.again
      and now + client.kind.every
  end
end

print("ready")
io.stdout:flush()
while true do
  local now, wake, sockets = socket.gettime(), 1, {}
  for listener in pairs(listeners) do
    sockets[#sockets + 1] = listener
  end
  for s, client in pairs(clients) do
    sockets[#sockets + 1] = s
    wake = client.due and math.min(wake, math.max(client.due - now, 0))
      or wake
  end
  for _, s in ipairs((socket.select(sockets, nil, wake))) do
    if clients[s] then
      hear(clients[s])
    elseif listeners[s] then
      accept(s)
    end
  end
  now = socket.gettime()
  local due = {}
  for _, client in pairs(clients) do
    due[#due + 1] = client.due and client.due <= now and client or nil
  end
  for _, client in ipairs(due) do
    speak(client, now)
  end
end
