-- SPDX-License-Identifier: BSD-2-Clause

--- Readers of option values: text in, a checked value or nil out. A reader
-- gets the argument's row (`min`, `max`, `words`) beside the text. Pure.
-- @module mtrtrace.options.values
local fields = require "mtrtrace.table.fields"
local payloadfile = require "mtrtrace.options.payloadfile"
local special = require "mtrtrace.base.special"

local M = {}

local SECONDS = { [""] = 1, us = 0.000001, ms = 0.001, s = 1, m = 60,
  h = 3600 }

local function within(value, arg)
  return value and value >= arg.min and value <= arg.max and value or nil
end

--- A whole number.
-- @tparam string text decimal digits, or 0x and up to 8 where `arg.hex`
-- @tparam table arg
-- @treturn ?integer
function M.whole(text, arg)
  local digits = text:match("^%d+$")
    or arg.hex and #text <= 10 and text:match("^0[xX]%x+$") or nil
  return digits and within(math.tointeger(tonumber(digits)), arg)
end

--- A whole number, or one below 0, within the same limits.
-- @tparam string text
-- @tparam table arg
-- @treturn ?integer
function M.size(text, arg)
  local minus, digits = text:match("^(%-?)(%d+)$")
  local size = digits and M.whole(digits, arg)
  return size and (minus == "-" and -size or size) or nil
end

--- A time in seconds; the units are us, ms, s, m, h, none means seconds.
-- @tparam string text
-- @tparam table arg
-- @treturn ?number
-- @treturn ?boolean true where the text is the argument's own `word`
function M.seconds(text, arg)
  if arg.word and text == arg.word then
    return nil, true
  end
  local number, unit = text:match("^([%d.]+)(%a*)$")
  local value, factor = tonumber(number), SECONDS[unit]
  return value and factor and within(value * factor, arg)
end

--- One of the words of `arg.words`, in any case.
-- @tparam string text
-- @tparam table arg
-- @treturn ?string
function M.choice(text, arg)
  for _, word in ipairs(arg.words) do
    if text:lower() == word:lower() then
      return word
    end
  end
end

--- One of the words of `arg.words`, or a file; see
-- mtrtrace.options.payloadfile.
-- @tparam string text
-- @tparam table arg
-- @treturn string|table|nil
function M.payload(text, arg)
  return M.choice(text, arg) or payloadfile.parse(text)
end

local function add_columns(keys, word)
  if word == "default" then
    for _, key in ipairs(fields.default_names()) do
      keys[#keys + 1] = key
    end
  elseif fields.get(word) then
    keys[#keys + 1] = fields.get(word).name
  else
    return false
  end
  return true
end

--- Keys of columns, parted by commas or blanks; `default` stands for those
-- of the default table.
-- @tparam string text
-- @treturn ?{string,...}
-- @treturn ?boolean false
-- @treturn ?string the word that is no column
function M.columns(text)
  local keys = {}
  for word in text:gmatch("[^%s,+]+") do
    if not add_columns(keys, word) then
      return nil, false, word
    end
  end
  return #keys > 0 and keys or nil
end

--- Words of `arg.words`, parted by commas or blanks, each once; the
-- argument's `alone` stands for an empty list.
-- @tparam string text
-- @tparam table arg
-- @treturn ?{string,...}
-- @treturn ?boolean false
-- @treturn ?string the word that is none of them
function M.words(text, arg)
  local out, seen = {}, {}
  for word in text:lower():gmatch("[^%s,+]+") do
    if not M.choice(word, arg) then
      return nil, false, word
    end
    out[#out + 1] = not seen[word] and word or nil
    seen[word] = true
  end
  if seen[arg.alone] then
    return #out == 1 and {} or nil
  end
  return #out > 0 and out or nil
end

--- A server: a name or address, and a port, 43 where none is given.
-- @tparam string text such as "whois.example.net", "192.0.2.1:4343",
--   "[2001:db8::1]:43"
-- @treturn ?table { host, port }
function M.server(text)
  local host, port = text:match("^%[([%x:.]+)%]:?(%d*)$")
  if not host then
    host, port = text:match("^([%w._-]+):?(%d*)$")
  end
  if not host and text:find("^[%x:.]+$") and text:find(":.*:") then
    host, port = text, ""
  end
  port = port == "" and 43 or port and #port <= 5 and tonumber(port)
  return host and port and port >= 1 and port <= 65535
    and { host = host, port = port } or nil
end

--- Rising times, parted by commas.
-- @tparam string text such as "1ms,10ms,0.1"
-- @tparam table arg with the limits of each
-- @treturn ?{number,...} seconds, at most 64
function M.times(text, arg)
  local list = {}
  for word in text:gmatch("[^%s,]+") do
    local value = M.seconds(word, arg)
    if not value or #list == 64 or list[1] and value <= list[#list] then
      return nil
    end
    list[#list + 1] = value + 0.0
  end
  return #list > 0 and list or nil
end

--- Where to listen: a numeric address, in brackets if it is one of IPv6, and a
-- port; without an address on localhost.
-- @tparam string text such as ":9099", "127.0.0.1:9099", "[::]:9099"
-- @treturn ?table { address, port }; port 0: any that is free
function M.listen(text)
  local address, digits = text:match("^%[([%x:.]+)%]:(%d+)$")
  if not address then
    address, digits = text:match("^([%d.]*):(%d+)$")
    if not address and text:match("^localhost:%d+$") then
      address, digits = "", text:match("%d+$")
    end
  end
  local port = digits and #digits <= 5 and math.tointeger(tonumber(digits))
  address = address == "" and "127.0.0.1" or address
  return port and port <= 65535 and special.bytes(address)
    and { address = address, port = port } or nil
end

local PROTOCOLS = { t = "tcp", u = "udp" }

local function add_ports(out, seen, protocol, first, last)
  for port = first, last do
    local key = protocol .. port
    out[#out + 1] = not seen[key] and { protocol = protocol, port = port }
      or nil
    seen[key] = true
  end
end

-- First and last port of "25" or "8000-8003", no more than so many.
local function range_of(word, most)
  local first, dash, last = word:match "^(%d+)(%-?)(%d*)$"
  if not first or #first > 5 or #last > 5
    or (dash == "") ~= (last == "") then
    return nil
  end
  first = math.tointeger(tonumber(first))
  last = last == "" and first or math.tointeger(tonumber(last))
  if first < 1 or last > 65535 or last < first or last - first >= most then
    return nil
  end
  return first, last
end

--- Ports as in Nmap's -p: "22,25,443", "T:25,U:53,123", "8000-8003"; a letter
-- counts until the next one, TCP is meant before the first.
-- @tparam string text
-- @tparam table arg `most`: how many there may be
-- @treturn ?{table,...} each { protocol, port }, each once; or the argument's
--   `word`
function M.ports(text, arg)
  if arg.word and text:lower() == arg.word then
    return arg.word
  end
  local out, seen, protocol = {}, {}, "tcp"
  for word in text:gmatch "[^%s,]+" do
    local letter, rest = word:match "^([TtUu]):(.*)$"
    protocol = letter and PROTOCOLS[letter:lower()] or protocol
    local first, last = range_of(rest or word, arg.most)
    if not first then
      return nil
    end
    add_ports(out, seen, protocol, first, last)
  end
  return #out > 0 and #out <= arg.most and out or nil
end

--- Name of a file.
-- @tparam string text
-- @treturn ?string nil where it is empty or has control characters
function M.path(text)
  return text ~= "" and not text:find("%c") and text or nil
end

--- A numeric address, an IPv6 zone allowed.
-- @tparam string text
-- @treturn ?string
function M.address(text)
  return special.bytes((text:gsub("%%[%w._-]+$", ""))) and text or nil
end

--- Keys of columns by mtr's letters; blanks and "_", a space between columns
-- in mtr, are ignored.
-- @tparam string text such as "LS NABWV"
-- @treturn ?{string,...}
function M.order(text)
  local keys = {}
  for letter in text:gmatch("[^%s_]") do
    local key = fields.of_letter(letter)
    if not key then
      return nil
    end
    keys[#keys + 1] = key
  end
  return #keys > 0 and keys or nil
end

-- A host of a URL: a name or an IPv4 address, or an IPv6 one in brackets.
local function authority(text)
  local host, port = text:match("^(%[[%x:.]+%]):?(%d*)$")
  if not host then
    host, port = text:match("^([%w][%w._-]*):?(%d*)$")
  end
  if not host or text:find(":$") then
    return nil
  end
  port = port ~= "" and math.tointeger(tonumber(port:sub(1, 6))) or nil
  if port and (port < 1 or port > 65535) then
    return nil
  end
  return host, port
end

local PORT = { http = 80, https = 443 }

--- The resource to request from a web server: a path, or a full URL. Bytes
-- other than printable ASCII have to be percent-encoded; a user, a password
-- and a fragment are refused.
-- @tparam string text such as "/health" or "https://name:8443/health"
-- @treturn ?table { path }, and of a full URL also { scheme, host, port }
function M.url(text)
  if text:find("[^\33-\126]") or text:find("[#\"<>\\^`{|}]") then
    return nil
  elseif text:sub(1, 1) == "/" then
    return { path = text }
  end
  local scheme, rest = text:match("^(%a+)://(.+)$")
  scheme = scheme and scheme:lower()
  if not PORT[scheme] then
    return nil
  end
  local host, port = authority(rest:match("^[^/?]*"))
  local path = rest:match("[/?].*$") or "/"
  return host and {
    scheme = scheme, host = host, port = port or PORT[scheme],
    path = path:sub(1, 1) == "?" and "/" .. path or path,
  } or nil
end

--- The words a list of columns may hold.
-- @treturn {string,...}
function M.column_words()
  local words = { "default" }
  for _, field in ipairs(fields.all()) do
    words[#words + 1] = field.name
  end
  return words
end

return M
