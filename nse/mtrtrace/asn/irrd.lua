-- SPDX-License-Identifier: BSD-2-Clause

--- The query protocol of IRRd: queries, and an incremental parser of the
-- replies. Pure; accepts any bytes, never raises, and buffers at most one
-- reply of bounded size.
--
-- A reply is "A<length>\n", that many bytes and "C\n"; or one line: "C" ok
-- and empty, "D" not found, "E" several copies, "F <text>" an error.
-- @module mtrtrace.asn.irrd
local clean = require "mtrtrace.asn.clean"
local special = require "mtrtrace.base.special"

local M = {}

-- Five times the largest set of route objects observed for one address, some
-- 50 kB.
local LONGEST_REPLY = 262144
local LONGEST_LINE = 512

--- Start of a session: keep the connection open, name this client, idle
-- timeout in seconds.
-- @tparam string version of this program
-- @treturn string
-- @treturn integer number of replies to expect
function M.hello(version)
  return ("!!\n!nmtr-trace/%s\n!t60\n"):format(version), 2
end

--- Query for the route objects that cover an address.
-- @tparam string bytes of the address
-- @treturn string
function M.routes(bytes)
  return ("!r%s/%d,L\n"):format(special.text(bytes), #bytes * 8)
end

--- Query for the aut-num object of an autonomous system.
-- @tparam integer asn
-- @treturn string
function M.autnum(asn)
  return ("!maut-num,AS%d\n"):format(asn)
end

--- End of a session.
-- @treturn string
function M.bye()
  return "!q\n"
end

local Reader = {}
Reader.__index = Reader

local function append(self, data)
  self.parts[#self.parts + 1] = data
  self.size = self.size + #data
end

-- The buffered bytes as one string.
local function held(self)
  local text = table.concat(self.parts)
  self.parts = { text }
  return text
end

local function drop(self, text, length)
  local rest = text:sub(length + 1)
  self.parts, self.size = { rest }, #rest
end

-- Next line without its end; nil while it is incomplete.
local function line_of(self)
  local text = held(self)
  local at = text:sub(1, LONGEST_LINE):find("\n", 1, true)
  if not at then
    return nil, #text >= LONGEST_LINE and "a line without an end" or nil
  end
  drop(self, text, at)
  return (text:sub(1, at - 1):gsub("\r$", ""))
end

local LINES = { C = "empty", D = "missing", E = "multiple", F = "error" }

local function begin(self, line)
  local digits = line:match("^A(%d+)$")
  if digits then
    local length = #digits <= 9 and tonumber(digits) or math.huge
    if length > LONGEST_REPLY then
      return nil, "a reply of more than 256 KiB"
    end
    self.length = length
    return true
  end
  local kind = LINES[line:sub(1, 1)]
  if not kind or #line > 1 and kind ~= "error" and kind ~= "multiple" then
    return nil, ("a malformed reply: %s"):format(
      clean.text(line:sub(1, 40)) or "an empty line")
  end
  return { kind = kind, text = clean.text(line:sub(2)) or "" }
end

-- The body; a line "C" must follow it at the announced length.
local function body(self)
  if self.size < self.length + 2 then
    return nil
  end
  local text = held(self)
  local tail = text:sub(self.length + 1, self.length + 3)
  local ending = tail:match("^C\n") or tail:match("^C\r\n")
  if not ending then
    if tail == "C\r" then
      return nil
    end
    return nil, "a reply that does not end where its length says"
  end
  drop(self, text, self.length + #ending)
  local reply = { kind = "data", text = text:sub(1, self.length) }
  self.length = nil
  return reply
end

local function step(self)
  if self.length then
    return body(self)
  end
  local line, err = line_of(self)
  if not line then
    return nil, err
  end
  return begin(self, line)
end

--- Takes data from the server.
-- @tparam string data
-- @treturn {table,...} { kind, text } of each complete reply; kind "data",
--   "empty", "missing", "multiple" or "error"
-- @treturn ?string error in the data; the connection cannot be used further
function Reader:feed(data)
  append(self, data)
  local replies = {}
  local reply, err = step(self)
  while reply do
    if type(reply) == "table" then
      replies[#replies + 1] = reply
    end
    reply, err = step(self)
  end
  return replies, err
end

--- A reader for one connection.
-- @treturn table
function M.reader()
  return setmetatable({ parts = {}, size = 0 }, Reader)
end

return M
