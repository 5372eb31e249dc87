-- SPDX-License-Identifier: BSD-2-Clause
--- Reader of Nmap's nmap-os-db: the entries of the file, uninterpreted.
-- @module osdb
local M = {}

-- "T=FA-104%TG=FF" to { T = "FA-104", TG = "FF" }
local function tests_of(text)
  local fields = {}
  for item in text:gmatch("[^%%]+") do
    local key, value = item:match("^(%w+)=(.*)$")
    if key then
      fields[key] = value
    end
  end
  return fields
end

local function class_of(text)
  local vendor, family, gen, device = text:match(
    "^%s*(.-)%s*|%s*(.-)%s*|%s*(.-)%s*|%s*(.-)%s*$")
  return { vendor = vendor, family = family, gen = gen, device = device }
end

--- Reads the database.
-- @tparam string path
-- @treturn {table,...} { name, line, classes, SEQ, T5, U1, IE, ... }
function M.load(path)
  local entries, entry, number = {}, nil, 0
  for line in assert(io.open(path)):lines() do
    number = number + 1
    local name = line:match("^Fingerprint (.*)$")
    if name then
      entry = { name = name, line = number, classes = {} }
      entries[#entries + 1] = entry
    elseif entry and line:find("^Class ") then
      entry.classes[#entry.classes + 1] = class_of(line:sub(7))
    elseif entry then
      local key, text = line:match("^(%w+)%((.*)%)$")
      if key then
        entry[key] = tests_of(text)
      end
    end
  end
  return entries
end

return M
