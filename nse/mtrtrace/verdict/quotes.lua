-- SPDX-License-Identifier: BSD-2-Clause

--- The value of a field in the quotes along a path, and where it changes
-- permanently. A quote contains the packet as the router received it, so a
-- change on the forward path stays visible at every hop beyond it; a
-- difference at one router only is a fault in its quotes. Pure.
-- @module mtrtrace.verdict.quotes
local M = {}

--- The first quote that has a value, of the hop's main responder if it has
-- one.
-- @tparam table hop of a trace result
-- @tparam function has_value called with an answer record
-- @treturn ?table an answer record
-- @treturn ?table its responder
function M.answer(hop, has_value)
  for _, responder in ipairs(hop.responders) do
    for _, answer in ipairs(responder.answers or {}) do
      if has_value(answer) then
        return answer, responder
      end
    end
  end
end

--- The values along the path.
-- @tparam {table,...} hops of a trace result of one flow
-- @tparam function value returns the value of an answer record, or nil
-- @treturn {table,...} { ttl, value, answer, address }
function M.along(hops, value)
  local list = {}
  for _, hop in ipairs(hops) do
    local answer, responder = M.answer(hop, function(a)
      return value(a) ~= nil
    end)
    list[#list + 1] = answer and { ttl = hop.ttl, value = value(answer),
      answer = answer, address = responder.address } or nil
  end
  return list
end

local function runs_of(list)
  local runs = {}
  for _, item in ipairs(list) do
    local last = runs[#runs]
    if last and last.value == item.value then
      last[#last + 1] = item
    else
      runs[#runs + 1] = { item, value = item.value }
    end
  end
  return runs
end

local function joined(runs)
  local list = {}
  for _, run in ipairs(runs) do
    for _, item in ipairs(run) do
      list[#list + 1] = item
    end
  end
  return runs_of(list)
end

-- Drops quoting faults: a single hop between hops that agree, and hops with a
-- change that the hops beyond them do not have.
local function settled(runs, origin)
  local kept = {}
  for i, run in ipairs(runs) do
    local before, after = runs[i - 1], runs[i + 1]
    local around = after and (before and before.value or origin)
    if not (#run == 1 and around ~= nil and around == after.value) then
      kept[#kept + 1] = run
    end
  end
  kept = joined(kept)
  local from = 1
  for i, run in ipairs(kept) do
    from = run.value == origin and i or from
  end
  return { table.unpack(kept, from) }
end

--- The changes that last up to the last known value.
-- @tparam {table,...} list as M.along returns it
-- @param origin the sent value
-- @treturn {table,...} { from = first TTL at which it may have happened, hop
--   = first TTL with the new value, before, after = values, item = the first
--   item with the new value, tentative = true if only one hop has it }
function M.changes(list, origin)
  local out, before, last_ttl = {}, origin, 0
  for _, run in ipairs(settled(runs_of(list), origin)) do
    if run.value ~= before then
      out[#out + 1] = { from = last_ttl + 1, hop = run[1].ttl,
        before = before, after = run.value, item = run[1],
        tentative = #run == 1 or nil }
    end
    before, last_ttl = run.value, run[#run].ttl
  end
  return out
end

return M
