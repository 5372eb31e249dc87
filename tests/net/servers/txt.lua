-- SPDX-License-Identifier: BSD-2-Clause
--- DNS names of the test world and their records, as pure functions. Written
-- from the services' documentation, without the code under test.
-- @module txt
local registry = require "registry"

local M = {}

--- Labels of an address from its last to its first part, each with a dot.
-- @tparam string address
-- @treturn string
function M.reversed(address)
  local bits, parts = registry.bits(address), {}
  local size = #bits == 32 and 8 or 4
  for at = 1, #bits, size do
    local value = tonumber(bits:sub(at, at + size - 1), 2)
    table.insert(parts, 1, (size == 8 and "%d." or "%x."):format(value))
  end
  return table.concat(parts)
end

local function address_of(name)
  local labels = name:match("^(.*)nmap%.asn%.cymru%.com$")
  if labels then
    local a, b, c, d = labels:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)%.$")
    return a and table.concat({ d, c, b, a }, ".")
  end
  labels = name:match("^(.*)nmap6%.asn%.cymru%.com$")
  local nibbles = labels and labels:gsub("%.", ""):reverse() or ""
  return #nibbles == 32 and nibbles:gsub("(%x%x%x%x)", "%1:"):sub(1, -2)
    or nil
end

local function origin_texts(world, address)
  local found, texts, last = registry.covering(world.bgp, address), {}, nil
  for _, item in ipairs(found) do
    local row = item.row
    if last and last.prefix == row.prefix then -- several origins
      last.numbers = last.numbers .. " " .. row.asn
    else
      last = { prefix = row.prefix, numbers = tostring(row.asn) }
    end
    last.rest = ("%s | %s | %s"):format(row.cc, row.registry, row.date)
    texts[item.row.prefix] = last
  end
  local out = {}
  for prefix, item in pairs(texts) do
    out[#out + 1] = ("%s | %s | %s"):format(item.numbers, prefix, item.rest)
  end
  table.sort(out)
  return out
end

--- TXT records of a name in Team Cymru's zones.
-- @tparam table world
-- @tparam string name without the last dot
-- @treturn {string,...} none where there is no such name
function M.records(world, name)
  local asn = name:match("^AS(%d+)%.asn%.cymru%.com$")
  local holder = asn and world.holders[tonumber(asn)]
  if holder then
    return { ("%s | ZZ | test | 2001-01-01 | %s"):format(asn,
      holder.bgp_name) }
  end
  local address = address_of(name)
  return address and origin_texts(world, address) or {}
end

return M
