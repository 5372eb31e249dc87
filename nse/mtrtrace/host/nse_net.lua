-- SPDX-License-Identifier: BSD-2-Clause

--- The network of a host inside Nmap, for mtrtrace.asn.lookup: threads, TCP
-- through Nmap's sockets, names through Nmap's dns.lua. Everything yields;
-- nothing here blocks Nmap, which is why server names go through dns.lua and
-- not through the system's resolver.
-- @module mtrtrace.host.nse_net
local special = require "mtrtrace.base.special"
local text_of = require("mtrtrace.asn.txt").text
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- With two servers and two attempts each this is 2.4 s in all.
local DNS_TIMEOUT_MS = 600
local DNS_ATTEMPTS = 2
local DNS_SERVERS = 2

-- A step of the clock larger than any wait of ours was set by somebody.
local LARGEST_STEP_S = 10

-- Seconds that never fall and do not jump: NSE has the time of day alone.
local function clock_of(nmap, store)
  return function()
    local now = nmap.clock()
    local step = now - (store.clock or now)
    store.clock = now
    if step > 0 and step < LARGEST_STEP_S then
      store.now = (store.now or 0) + step
    end
    return store.now or 0
  end
end

local function query(nmap, name, kind, id)
  local dns = require "dns"
  local servers = nmap.get_dns_servers() or {}
  return dns.query(name, {
    dtype = kind, timeout = DNS_TIMEOUT_MS, sendCount = DNS_ATTEMPTS,
    noauth = true, id = id, retPkt = id ~= nil,
    host = #servers > 0
      and { table.unpack(servers, 1, DNS_SERVERS) } or nil,
  })
end

-- dns.lua may stumble over an answer.
local function safe_query(nmap, name, kind)
  local ok, status, answer = pcall(query, nmap, name, kind)
  if not ok then
    return nil, "unreadable answer"
  end
  return status and type(answer) == "string" and answer or nil,
    tostring(answer)
end

local function say_ptr(nmap)
  return function(address)
    local ok, name = pcall(function()
      return require("dns").reverse(address)
    end)
    if not ok or not name then
      return nil
    end
    local answer, err = safe_query(nmap, name, "PTR")
    if not answer and err ~= "No Such Name" and err ~= "No Answers" then
      return nil, err
    end
    return answer
  end
end

local TXT, LARGEST_ID = 16, 65535

-- Whether a packet answers the question: a name that does not exist, or has
-- no such record, is an answer.
local function is_answer(packet, name, id)
  local question = packet.questions and packet.questions[1]
  local flags = packet.flags
  return packet.id == id and flags.QR and question and question.dname
    and question.dname:lower() == name:lower() and not flags.RC1
    and not flags.RC2 and flags.RC3 == flags.RC4
end

local function txt(nmap)
  return function(name)
    local id = math.random(0, LARGEST_ID)
    local ok, status, packet = pcall(query, nmap, name, "TXT", id)
    if not ok or status and type(packet) ~= "table" then
      return nil, "unreadable answer"
    elseif not status then
      return nil, tostring(packet)
    elseif not is_answer(packet, name, id) then
      return nil, "refused or no answer to the question"
    end
    local texts = {}
    for _, record in ipairs(packet.answers) do
      texts[#texts + 1] = record.dtype == TXT and text_of(record.data)
        or nil
    end
    return texts
  end
end

-- Nmap's sockets name no reason but these.
local SENDING = { ERROR = "the connection broke", EOF = "closed",
  TIMEOUT = "sending took too long" }

local function connection(socket)
  local conn = {}
  function conn.send(bytes)
    local ok, err = socket:send(bytes)
    return ok, not ok and (SENDING[err] or tostring(err)) or nil
  end
  function conn.receive(seconds)
    socket:set_timeout(seconds * 1000)
    local ok, data = socket:receive()
    if ok then
      return data
    end
    return nil, data == "TIMEOUT" and "timeout" or tostring(data)
  end
  function conn.close()
    socket:close()
  end
  return conn
end

local function open(nmap, address, port, seconds)
  local socket = nmap.new_socket()
  socket:set_timeout(seconds * 1000)
  local ok, err = socket:connect(address, port, "tcp")
  if not ok then
    socket:close()
    local silent = err == "TIMEOUT"
    return nil, silent and "connecting took too long"
      or ("cannot connect: %s"):format(err == "ERROR"
        and "refused or unreachable" or tostring(err)), silent
  end
  return connection(socket)
end

local FAMILIES = { inet = { "A", "AAAA" }, inet6 = { "AAAA", "A" } }

-- With -e Nmap's sockets do not reach a resolver on this host, but the
-- system's own calls do; elsewhere these could block all of Nmap.
local function local_resolver(nmap)
  for _, server in ipairs(nmap.get_interface()
    and nmap.get_dns_servers() or {}) do
    if special.class(server) == "loopback" then
      return true
    end
  end
  return false
end

local FAMILY = { A = "inet", AAAA = "inet6" }

local function address_of(nmap, name, kind)
  if local_resolver(nmap) then
    local ok, addresses = nmap.resolve(name, FAMILY[kind])
    return ok and addresses[1] or nil
  end
  return (safe_query(nmap, name, kind))
end

local function connect(nmap)
  return function(name, port, seconds)
    if special.bytes(name) then
      return open(nmap, name, port, seconds)
    end
    local err, any_silent = "name not found", false
    for _, kind in ipairs(FAMILIES[nmap.address_family()]) do
      local address, conn, silent = address_of(nmap, name, kind), nil, false
      if address then
        conn, err, silent = open(nmap, address, port, seconds / 2)
      end
      if conn then
        return conn
      end
      any_silent = any_silent or silent
    end
    return nil, err, any_silent
  end
end

--- Adds what mtrtrace.asn.lookup asks of a host.
-- @tparam table host
-- @tparam table nmap NSE's module nmap
-- @tparam table stdnse NSE's module stdnse
-- @tparam table store shared by all targets of the run
function M.add(host, nmap, stdnse, store)
  host.now = clock_of(nmap, store)
  host.connect = connect(nmap)
  host.ptr = say_ptr(nmap)
  host.txt = txt(nmap)
  function host.spawn(body)
    stdnse.new_thread(body)
  end
  function host.debug(text)
    stdnse.debug1("%s", unicode.ascii(text))
  end
end

return M
