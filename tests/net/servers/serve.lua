-- SPDX-License-Identifier: BSD-2-Clause
-- serve.lua KIND PORT LOG [DELAY_MS [ADDRESS]]: a test server on 127.0.0.1
-- and ::1, or on ADDRESS, driven by world.lua. KIND is irrd, bulk, ripe, or
-- latin1-irrd, latin1-bulk, utf8-irrd, utf8-bulk, whose world has a holder
-- with a name beyond ASCII; or one of the bad servers: refusing-irrd,
-- refusing-bulk, denied (as RIPE's database says it), silent, endless, cut,
-- wrong, unended, binary, slow, escapes, big. LOG gets a line "connect" for
-- each connection and "< QUERY" for each line that came; "ready" is printed
-- once it listens.
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local registry = require "registry"
local socket = require "socket"
local world = require "world"

local kind, port = arg[1], tonumber(arg[2])
local log = assert(io.open(arg[3], "a"))
log:setvbuf("line")
local delay_s = (tonumber(arg[4]) or 0) / 1000

local function honest(answer, its)
  return {
    line = function(client, line)
      local text, over = answer(its or world, line, client.session)
      if text ~= "" then
        client.out[#client.out + 1] =
          { at = socket.gettime() + delay_s, text = text }
      end
      client.over = client.over or over
    end,
  }
end

-- Has an error for the third hop, behind which it may close.
local function refusing(answer, pattern, text, over)
  return honest(function(own, line, session)
    if line:find(pattern) then
      return text, over
    end
    return answer(own, line, session)
  end)
end

-- The world, but for one holder's name.
local function named(name)
  local holders = {}
  for asn, holder in pairs(world.holders) do
    holders[asn] = holder
  end
  holders[3301] = { as_name = "ACCESS-NET", descr = name, source = "RIPE",
    bgp_name = name .. ", SE" }
  return { holders = holders, routes = world.routes, bgp = world.bgp }
end
local LATIN1 = named "Sm\xe5l\xe4nningarna\x85 \xd8st \xabAB\xbb"
local UTF8 = named("Sm\u{e5}l\u{e4}nningarna\u{200b}\u{202e} \u{d8}st "
  .. "\u{ab}AB\u{bb}")

local function once(text, over)
  return {
    line = function(client)
      if not client.said then
        client.said, client.over = true, over
        client.out[1] = { at = 0, text = text }
      end
    end,
  }
end

local function trickle(text, interval)
  return {
    line = function(client)
      for i = 1, client.said and 0 or #text do
        client.out[i] = {
          at = socket.gettime() + i * interval, text = text:sub(i, i),
        }
      end
      client.said = true
    end,
  }
end

local KINDS = {
  irrd = honest(registry.irrd), bulk = honest(registry.bulk),
  ripe = honest(registry.ripe),
  ["latin1-irrd"] = honest(registry.irrd, LATIN1),
  ["latin1-bulk"] = honest(registry.bulk, LATIN1),
  ["utf8-irrd"] = honest(registry.irrd, UTF8),
  ["utf8-bulk"] = honest(registry.bulk, UTF8),
  ["refusing-irrd"] = refusing(registry.irrd, "^!r129%.250%.1%.",
    "F No such thing\n", true),
  ["refusing-bulk"] = refusing(registry.bulk, "^129%.250%.1%.",
    "Error: no ASN or IP match on line 3.\n"),
  denied = once("%ERROR:201: access denied\n%\n\n\n", true),
  silent = { line = function() end },
  endless = once(("C\nbogus "):rep(1000000)),
  cut = once("C\nC\nA900\nroute: 62.2", true),
  wrong = once("C\nC\nA3\nroute: 62.20.0.0/16\nC\n"),
  unended = once("C\nC\nA6\nroute\nD\n"),
  binary = once(("\0\255\27\1"):rep(1000)),
  escapes = once("\27[2J\27]0;owned\7\n"),
  big = once("C\nC\nA10485760\n" .. ("x"):rep(10485760)),
  slow = trickle(("C\nC\nA900\nroute: 62.20.1.1 | "):rep(10), 1),
}
local behave = assert(KINDS[kind], "no such kind of server")

local clients, listeners = {}, {}
for _, address in ipairs(arg[5] and { arg[5] } or { "127.0.0.1", "::1" }) do
  local listener = address:find(":", 1, true) and socket.tcp6()
    or socket.tcp4()
  listener:setoption("reuseaddr", true)
  assert(listener:bind(address, port))
  assert(listener:listen(64))
  listeners[#listeners + 1] = listener
end

local function drop(client)
  client.socket:close()
  clients[client.socket] = nil
end

local function accept(listener)
  local new = listener:accept()
  new:settimeout(0)
  clients[new] = { socket = new, rest = "", out = {}, session = {} }
  log:write("connect\n")
end

local function hear(client)
  local data, err, part = client.socket:receive(65536)
  client.rest = client.rest .. (data or part or "")
  for line in client.rest:gmatch("([^\n]*)\n") do
    line = line:gsub("\r$", "")
    log:write("< ", line, "\n")
    if not client.over then
      behave.line(client, line)
    end
  end
  client.rest = client.rest:match("[^\n]*$")
  if err == "closed" then
    client.over = true
  end
end

-- Sends what is due; a piece that does not fit waits for its turn.
local function speak(client, now)
  local first = client.out[1]
  while first and first.at <= now do
    local sent, err, part = client.socket:send(first.text)
    if not sent and err ~= "timeout" then
      return drop(client)
    end
    first.text = first.text:sub((sent or part) + 1)
    if first.text ~= "" then
      return
    end
    table.remove(client.out, 1)
    first = client.out[1]
  end
  if client.over and not first then
    drop(client)
  end
end

print("ready")
io.stdout:flush()
while true do
  local sockets = { table.unpack(listeners) }
  for s, client in pairs(clients) do
    sockets[#sockets + 1] = not client.over and s or nil
  end
  local ready = socket.select(sockets, nil, 0.005)
  for _, s in ipairs(ready) do
    if clients[s] then
      hear(clients[s])
    else
      accept(s)
    end
  end
  for _, client in pairs(clients) do
    speak(client, socket.gettime())
  end
end
