-- SPDX-License-Identifier: BSD-2-Clause

--- RPSL objects (RFC 2622) as whois servers send them: from text to
-- attributes, from route objects to origins, from aut-num objects to a holder.
-- Pure; accepts any bytes, never raises, and keeps no control character.
-- @module mtrtrace.asn.rpsl
local clean = require "mtrtrace.asn.clean"
local prefix = require "mtrtrace.asn.prefix"

local M = {}

-- More than the route objects that cover any one address.
local MOST_OBJECTS = 256

local function finish(objects, object)
  if object and #objects < MOST_OBJECTS then
    objects[#objects + 1] = object
  end
end

-- Longer than any value that is read here.
local LONGEST_VALUE = 1024

local function strip(text)
  return clean.trim((text:sub(1, LONGEST_VALUE):gsub("#.*", "")))
end

local function continue(object, text)
  local last = object and object[#object]
  if last then
    last.value = strip(last.value .. " " .. strip(text))
  end
end

local function attribute(object, line)
  local key, value = line:match("^([%w-]+):(.*)$")
  if not key then
    return object
  end
  object = object or {}
  object[#object + 1] = { key = key:lower(), value = strip(value) }
  return object
end

--- The objects of a reply. Lines that begin with % or # are remarks.
-- @tparam string text
-- @treturn {table,...} each an array of { key, value } in order; keys in
--   lower case
function M.objects(text)
  local objects, object = {}, nil
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    line = line:gsub("\r$", "")
    if line:match("^%s*$") then
      finish(objects, object)
      object = nil
    elseif line:match("^[ \t+]") then
      continue(object, line:sub(2))
    elseif not line:match("^[%%#]") then
      object = attribute(object, line)
    end
  end
  finish(objects, object)
  return objects
end

--- First value of an attribute, clean.
-- @tparam table object
-- @tparam string key
-- @treturn ?string nil if absent or empty
function M.get(object, key)
  for _, row in ipairs(object) do
    if row.key == key and row.value ~= "" then
      return clean.text(row.value)
    end
  end
  return nil
end

--- Number of an autonomous system.
-- @tparam ?string text such as "AS64496", "AS1.10" (RFC 5396) or "64496"
-- @treturn ?integer
function M.asn(text)
  local digits = (text or ""):upper():gsub("^AS *", "")
  local high, low = digits:match("^(%d+)%.?(%d*)$")
  if not high or #high > 10 or #low > 5 then
    return nil
  end
  local number = tonumber(high)
  if low ~= "" then
    number = number <= 65535 and tonumber(low) <= 65535
      and number * 65536 + tonumber(low) or 0
  end
  return number > 0 and number <= 4294967295 and number or nil
end

-- No registry allocates a larger block: route objects for 0.0.0.0/0 and the
-- like are mistakes or tests.
local SHORTEST = { [4] = 8, [16] = 16 }

local RPKI = { valid = "valid", invalid = "invalid", not_found = "not_found" }

local function route(object)
  local kind = object[1].key
  local where = (kind == "route" or kind == "route6")
    and prefix.parse(object[1].value)
  if not where or where.length < SHORTEST[#where.bytes] then
    return nil
  end
  local asn = M.asn(M.get(object, "origin"))
  return asn and {
    asn = asn, prefix = where, irr_source = M.get(object, "source"),
    rpki = RPKI[(M.get(object, "rpki-ov-state") or ""):lower()],
  }
end

local function same(a, b)
  return a.asn == b.asn and a.irr_source == b.irr_source
end

local function known(origins, origin)
  for _, other in ipairs(origins) do
    if same(other, origin) then
      other.rpki = other.rpki or origin.rpki
      return true
    end
  end
  return false
end

--- Origins of the longest prefix that contains an address. Route objects for
-- blocks larger than any allocation are ignored.
-- @tparam string text reply with route objects
-- @tparam string bytes of the address
-- @treturn {table,...} { asn, prefix, irr_source, rpki }, one for each AS
--   and source, in the order of the reply
function M.origins(text, bytes)
  local origins = {}
  for _, object in ipairs(M.objects(text)) do
    local origin = route(object)
    if origin and prefix.contains(origin.prefix, bytes) then
      local longest = origins[1] and origins[1].prefix.length or -1
      if origin.prefix.length > longest then
        origins = { origin }
      elseif origin.prefix.length == longest
        and not known(origins, origin) then
        origins[#origins + 1] = origin
      end
    end
  end
  return origins
end

-- Some descriptions are only a line of asterisks or dashes.
local function with_words(text)
  return text and text:find("%w") and text or nil
end

--- Holder of an autonomous system, from its aut-num object.
-- @tparam string text reply
-- @tparam integer asn
-- @treturn ?table { name, org, as_name, country, irr_source }
function M.holder(text, asn)
  for _, object in ipairs(M.objects(text)) do
    if object[1].key == "aut-num" and M.asn(object[1].value) == asn then
      local as_name = with_words(M.get(object, "as-name"))
      return {
        name = with_words(M.get(object, "org-name"))
          or with_words(M.get(object, "descr")) or as_name
          or with_words(M.get(object, "org")),
        org = M.get(object, "org"), as_name = as_name,
        irr_source = M.get(object, "source"),
      }
    end
  end
  return nil
end

return M
