-- SPDX-License-Identifier: BSD-2-Clause

--- Sets of systems: classes expanded to their members, collapsed again and
-- named. Pure; the names are data of mtrtrace.os.rules.
-- @module mtrtrace.os.names
local rules = require "mtrtrace.os.rules"

local M = {}

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

local function size_of(set)
  local n = 0
  for _ in pairs(set) do
    n = n + 1
  end
  return n
end

--- Whether every name of one set is in another.
function M.within(set, other)
  for name in pairs(set) do
    if not other[name] then
      return false
    end
  end
  return true
end

local CLASSES, MEMBERS = {}, {}
for i, class in ipairs(rules.classes) do
  local members = set_of(class.members)
  CLASSES[i] = { name = class.name, members = members,
    size = #class.members }
  MEMBERS[class.name] = members
end
table.sort(CLASSES, function(a, b)
  if a.size ~= b.size then
    return a.size < b.size
  end
  return a.name < b.name
end)

--- The set of the given names, with classes replaced by their members.
-- @tparam {string,...} list
-- @treturn table name = true
function M.expand(list)
  local set = {}
  for _, name in ipairs(list) do
    for member in pairs(MEMBERS[name] or { [name] = true }) do
      set[member] = true
    end
  end
  return set
end

--- The intersection of two sets; nil if it is empty.
function M.intersection(a, b)
  local out
  for name in pairs(a) do
    if b[name] then
      out = out or {}
      out[name] = true
    end
  end
  return out
end

--- A set as a short sorted list: complete classes by their class name.
-- @tparam table set
-- @treturn {string,...}
function M.collapse(set)
  local out, seen = {}, {}
  for i = #CLASSES, 1, -1 do
    local class = CLASSES[i]
    if class.size > 1 and M.within(class.members, set)
      and not M.within(class.members, seen) then
      out[#out + 1] = class.name
      for member in pairs(class.members) do
        seen[member] = true
      end
    end
  end
  for name in pairs(set) do
    out[#out + 1] = not seen[name] and name or nil
  end
  table.sort(out)
  return out
end

--- The label of a set: its only member, the smallest class that contains it,
-- or two names joined.
-- @tparam table set
-- @treturn ?string nil if no short label is correct
-- @treturn ?table the set that the name stands for
function M.label(set)
  if size_of(set) == 1 then
    return next(set), set
  end
  for _, class in ipairs(CLASSES) do
    if M.within(set, class.members) then
      return class.name, class.members
    end
  end
  local list = M.collapse(set)
  if #list == 2 then
    return list[1] .. " or " .. list[2], set
  end
end

return M
