-- SPDX-License-Identifier: BSD-2-Clause

--- The protocols over TCP, as state machines for one connection: they encode
-- queries and decode answers. Pure: no socket, no clock. One table per
-- protocol, all with
--
--   hello()        bytes that open the dialogue
--   room()         number of queries that may be sent now
--   encode(query)  bytes for a query
--   finish()       bytes that end it; nil if they were sent already
--   feed(data)     takes received bytes; nil, or an error text
--   closed()       called when the server has closed: nil, or an error text
--                  if that was too early
--   waiting()      array of the queries without an answer
--
-- Answers are stored in the source given to `new`.
-- @module mtrtrace.asn.speaker
local cymru = require "mtrtrace.asn.cymru"
local irrd = require "mtrtrace.asn.irrd"
local ripe = require "mtrtrace.asn.ripe"
local rpsl = require "mtrtrace.asn.rpsl"

local M = {}

-- Open queries at a time: few, for servers with few worker processes.
local IRRD_WINDOW = 16

-- Addresses in one batch of bulk whois.
local CYMRU_BATCH = 1000

-- ---- IRRd: replies come in the order of the queries -----------------------

local Irr = {}
Irr.__index = Irr

function Irr:hello()
  local bytes, replies = irrd.hello(self.version)
  for _ = 1, replies do
    self.due[#self.due + 1] = {}
  end
  return bytes
end

function Irr:room()
  return IRRD_WINDOW - #self.due
end

function Irr:encode(query)
  self.due[#self.due + 1] = query
  return query.asn and irrd.autnum(query.asn) or irrd.routes(query.bytes)
end

function Irr:finish()
  if not self.finished then
    self.finished = true
    return irrd.bye()
  end
end

local ANSWERED = { data = true, empty = true, missing = true }

local function irr_reply(self, reply)
  local query = table.remove(self.due, 1)
  if not query then
    return "a reply without a query"
  elseif not query.key then
    return nil -- to hello(): old servers refuse its commands
  elseif not ANSWERED[reply.kind] then
    self.source:give_up(query)
    self.refused = self.refused or ("refused: %s"):format(reply.text)
  elseif query.asn then
    self.source:answer_holder(query,
      rpsl.holder(reply.text, query.asn))
  else
    self.source:answer(query, rpsl.origins(reply.text, query.bytes))
  end
end

function Irr:feed(data)
  local replies, err = self.reader:feed(data)
  for _, reply in ipairs(replies) do
    err = irr_reply(self, reply) or err
  end
  return err
end

function Irr:waiting()
  local list = {}
  for _, query in ipairs(self.due) do
    list[#list + 1] = query.key and query or nil
  end
  return list
end

-- A server may close after an error; the remaining queries are then sent over
-- a new connection.
function Irr:closed()
  if self.refused and not self.finished then
    return nil
  end
  return (#self:waiting() > 0 or not self.finished)
    and "closed in the middle" or nil
end

-- ---- Cymru: one batch, answers in any order -------------------------------

local Cymru = {}
Cymru.__index = Cymru

function Cymru.hello()
  return cymru.BEGIN
end

function Cymru:room()
  return self.finished and 0 or CYMRU_BATCH - self.count
end

function Cymru:encode(query)
  self.count = self.count + 1
  self.due[query.bytes] = query
  return cymru.query(query.bytes)
end

function Cymru:finish()
  if not self.finished then
    self.finished = true
    return cymru.END
  end
end

-- An address may have several lines; the answer is complete when the lines of
-- another address begin.
local function cymru_settle(self)
  if self.current then
    self.source:answer(self.current, self.origins)
  end
  self.current = nil
end

local function cymru_line(self, line)
  if not self.current or self.current.bytes ~= line.bytes then
    local query = self.due[line.bytes]
    if not query then
      return -- not queried
    end
    cymru_settle(self)
    self.current, self.origins, self.answered = query, {}, true
    self.due[line.bytes] = nil
  end
  for _, origin in ipairs(line.origins) do
    self.origins[#self.origins + 1] = origin
  end
end

function Cymru:feed(data)
  self.taken = self.taken + #data
  local lines, err = self.reader:feed(data)
  for _, line in ipairs(lines) do
    cymru_line(self, line)
  end
  return err or self.taken > 1024 * (self.count + 16)
    and "more data than the queries can have" or nil
end

function Cymru:waiting()
  local list = {}
  for _, query in pairs(self.due) do
    list[#list + 1] = query
  end
  table.sort(list, function(a, b) return a.bytes < b.bytes end)
  return list
end

-- Gives up the addresses that the answer to a batch leaves out.
local function cymru_left_out(self)
  local waiting = self:waiting()
  if #waiting == 0 then
    return
  end
  for _, query in ipairs(waiting) do
    self.due[query.bytes] = nil
    self.source:give_up(query)
  end
  self.refused = self.reader.error and "refused: " .. self.reader.error
    or ("no answer for %d of %d addresses"):format(#waiting, self.count)
end

function Cymru:closed()
  cymru_settle(self)
  if not self.finished then
    return "closed in the middle"
  elseif next(self.due) and not self.answered and not self.reader.error then
    return "closed in the middle"
  end
  cymru_left_out(self)
  return nil
end

-- ---- RIPE: one query, the server closes after the answer ------------------

local Ripe = {}
Ripe.__index = Ripe

function Ripe.hello()
  return ""
end

function Ripe:room()
  return self.query and 0 or 1
end

function Ripe:encode(query)
  self.query = query
  return ripe.query(query.bytes)
end

function Ripe.finish()
  return nil
end

function Ripe:feed(data)
  return select(2, self.reader:feed(data))
end

function Ripe:waiting()
  return { self.query or nil }
end

function Ripe:closed()
  local query = self.query
  if not query then
    return nil
  end
  local origins, err, about_query = self.reader:origins(query.bytes)
  if err and not about_query then
    return err
  end
  self.query = nil
  if err then
    self.source:give_up(query)
    self.refused = ("refused: %s"):format(err)
  else
    self.source:answer(query, origins)
  end
  return nil
end

-- Constructors of the dialogues, by protocol.
local PROTOCOLS = {
  ["IRRd"] = function(source, version)
    return setmetatable({ source = source, version = version,
      reader = irrd.reader(), due = {} }, Irr)
  end,
  ["bulk whois"] = function(source)
    return setmetatable({ source = source, reader = cymru.reader(),
      due = {}, count = 0, taken = 0, batch = true }, Cymru)
  end,
  ["RPSL whois"] = function(source)
    return setmetatable({ source = source, reader = ripe.reader(),
      batch = true }, Ripe)
  end,
}

--- Whether a protocol is implemented here.
-- @tparam string protocol as in mtrtrace.asn.sources
-- @treturn boolean
function M.speaks(protocol)
  return PROTOCOLS[protocol] ~= nil
end

--- A dialogue with a server of a source.
-- @tparam table source as made by mtrtrace.asn.source
-- @tparam string version of this program
-- @treturn table
function M.new(source, version)
  return PROTOCOLS[source.protocol](source, version)
end

return M
