-- SPDX-License-Identifier: BSD-2-Clause

--- ICMP extensions as short texts: MPLS label stacks (RFC 4950), interfaces
-- (RFC 5837), and objects of unknown classes. Pure.
-- @module mtrtrace.flows.extension
local unicode = require "mtrtrace.base.unicode"

local M = {}

-- Fast path: most responders' replies have no ICMP extensions.
local function has_answers(responder)
  return responder.answers ~= nil and responder.answers[1] ~= nil
end

-- Iterates over the ICMP extensions in a responder's replies.
local function each(responder, key)
  local list = {}
  for _, answer in ipairs(responder.answers or {}) do
    for _, item in ipairs(answer.extensions and answer.extensions[key]
      or {}) do
      list[#list + 1] = item
    end
  end
  return list
end

--- Returns the label stack in the first of a responder's replies that has one.
-- @tparam table responder
-- @treturn ?{table,...} { label, tc, bottom, ttl }, the outermost first
function M.stack(responder)
  for _, answer in ipairs(responder.answers or {}) do
    local stack = answer.extensions and answer.extensions.mpls
    if stack and stack[1] then
      return stack
    end
  end
end

--- Returns the label stack as text.
-- @tparam table responder
-- @treturn ?string such as "24001 tc0 ttl1 / 16 tc0 ttl1"
function M.labels(responder)
  if not has_answers(responder) then
    return nil
  end
  local parts = {}
  for i, entry in ipairs(M.stack(responder) or {}) do
    parts[i] = ("%d tc%d ttl%d"):format(entry.label, entry.tc or 0,
      entry.ttl or 0)
  end
  return #parts > 0 and table.concat(parts, " / ") or nil
end

local function interface(item)
  local parts = { item.name and unicode.clean(item.name), item.address,
    item.index and ("index %d"):format(item.index),
    item.mtu and ("mtu %d"):format(item.mtu) }
  local said = { item.role or "interface" }
  for i = 1, 4 do
    said[#said + 1] = parts[i] or nil
  end
  return table.concat(said, " ")
end

--- Returns the interfaces that a responder reports, as text.
-- @tparam table responder
-- @treturn ?string such as "incoming xe-0/0/1 index 7, outgoing ae1"
function M.interfaces(responder)
  if not has_answers(responder) then
    return nil
  end
  local parts, seen = {}, {}
  for _, item in ipairs(each(responder, "interfaces")) do
    local text = interface(item)
    parts[#parts + 1] = not seen[text] and text or nil
    seen[text] = true
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

--- Returns the extension objects of unknown classes as text.
-- @tparam table responder
-- @treturn ?string such as "3/1 0a0b0c"
function M.unknown(responder)
  if not has_answers(responder) then
    return nil
  end
  local parts, seen = {}, {}
  for _, item in ipairs(each(responder, "unknown")) do
    local text = ("%d/%d %s"):format(item.class or 0, item.type or 0,
      item.bytes or "")
    parts[#parts + 1] = not seen[text] and text or nil
    seen[text] = true
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

local function is_doubtful(responder, key, value)
  for _, answer in ipairs(responder.answers or {}) do
    if answer.extensions and answer.extensions[key] == value then
      return true
    end
  end
  return false
end

--- Returns the form in which a responder sent ICMP extensions.
-- @tparam table responder
-- @treturn ?string "ok", "old-style" (without the length of RFC 4884),
--   "checksum wrong", or both; nil where there are none
function M.state(responder)
  if not has_answers(responder) then
    return nil
  end
  local found = false
  for _, answer in ipairs(responder.answers or {}) do
    found = found or answer.extensions ~= nil
  end
  local parts = {}
  if is_doubtful(responder, "compliant", false) then
    parts[1] = "old-style"
  end
  if is_doubtful(responder, "checksum", "bad") then
    parts[#parts + 1] = "checksum wrong"
  end
  return found and (#parts > 0 and table.concat(parts, ", ") or "ok") or nil
end

return M
