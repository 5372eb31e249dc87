-- SPDX-License-Identifier: BSD-2-Clause

--- Parses a target of the command line: a name, an address, HOST:PORT or a
-- URL. Pure.
-- @module mtrtrace.cli.target
local special = require "mtrtrace.base.special"
local values = require "mtrtrace.options.values"

local M = {}

-- Longest target: RFC 1035 allows names of 253 characters, a zone adds some.
local LONGEST = 300

local function is_address(text)
  return special.bytes((text:gsub("%%[%w._-]+$", ""))) ~= nil
end

local function is_host(text)
  return text ~= "" and #text <= LONGEST and text:sub(1, 1) ~= "-"
    and not text:find "[%c%s/\\?#@:%[%]]"
end

local function port_of(digits)
  local port = digits:match "^%d%d?%d?%d?%d?$" and math.tointeger(digits)
  return port and port >= 1 and port <= 65535 and port or nil
end

-- Parses an IPv6 address in brackets, with or without a port.
local function bracketed(word)
  local address, rest = word:match "^%[([^%]]*)%](.*)$"
  if not address or not is_address(address) then
    return nil
  elseif rest == "" then
    return { host = address }
  end
  local port = port_of(rest:match "^:(.*)$" or "")
  return port and { host = address, port = port }
end

local function from_url(word)
  local url = values.url(word)
  local host = url and url.host:gsub("^%[(.*)%]$", "%1")
  return host and { host = host, port = url.port, url = url }
end

--- Parses a target.
-- @tparam string word such as "example.com", "192.0.2.1:443",
--   "[2001:db8::1]:443" or "https://example.com/health"
-- @treturn ?table { host, port, url }: `port` where one is written, of a URL
--   also that of its scheme; `url` as mtrtrace.options.values.url gives it.
--   nil where the word is none of these
function M.parse(word)
  if word:find "://" then
    return from_url(word)
  elseif word:sub(1, 1) == "[" then
    return bracketed(word)
  elseif is_address(word) or is_host(word) then
    return { host = word }
  end
  local host, digits = word:match "^([^:]*):([^:]*)$"
  local port = host and port_of(digits)
  return port and is_host(host) and { host = host, port = port } or nil
end

return M
