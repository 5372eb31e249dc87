-- SPDX-License-Identifier: BSD-2-Clause

--- Pairs the traces of two files by target (name or address), protocol and
-- port. Pure.
-- @module mtrtrace.diff.match
local M = {}

local function key_of(...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = tostring((select(i, ...)))
  end
  return table.concat(parts, "\0")
end

-- Levels of agreement, the closest first; a target that could not be traced
-- has a name only.
local KEYS = {
  function(t)
    return t.target and key_of(t.name, t.target, t.protocol, t.port)
  end,
  function(t) return t.target and key_of(t.target, t.protocol, t.port) end,
  function(t)
    return t.name and t.target and key_of(t.name, t.protocol, t.port)
  end,
  function(t) return t.name and key_of(t.name) end,
}

local function waiting(list, done, key)
  local queues = {}
  for i, t in ipairs(list) do
    local k = not done[i] and key(t)
    if k then
      queues[k] = queues[k] or {}
      table.insert(queues[k], i)
    end
  end
  return queues
end

-- The name alone pairs only targets that could not be traced.
local function fits(level, a, b)
  return level < #KEYS or a.err or b.err
end

--- Matches traces.
-- @tparam {table,...} before snapshots
-- @tparam {table,...} after snapshots
-- @treturn {table,...} { before, after } in the order of the first file, then
--   of the second; one of them is nil where it has no match
function M.of(before, after)
  local taken, partner = {}, {}
  for level, key in ipairs(KEYS) do
    local queues = waiting(after, taken, key)
    for i, t in ipairs(before) do
      local queue = not partner[i] and queues[key(t) or false]
      local j = queue and queue[1]
      if j and fits(level, t, after[j]) then
        table.remove(queue, 1)
        partner[i], taken[j] = j, true
      end
    end
  end
  local out = {}
  for i, t in ipairs(before) do
    out[i] = { before = t, after = after[partner[i]] }
  end
  for j, t in ipairs(after) do
    if not taken[j] then
      out[#out + 1] = { after = t }
    end
  end
  return out
end

return M
