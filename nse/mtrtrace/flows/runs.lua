-- SPDX-License-Identifier: BSD-2-Clause

--- Runs of a hop: consecutive replies from one responder, by flow. Pure.
-- @module mtrtrace.flows.runs
local M = {}

-- Responders alternate (per-packet load balancing) where one of them returns
-- twice within this many replies.
local RETURN_WITHIN = 10

--- Returns the keys of a table, sorted.
-- @tparam table t
-- @treturn table array
function M.keys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- Returns the runs of a hop, by flow.
-- @tparam table hop of a trace result
-- @treturn table arrays of runs by number of the flow
function M.by_flow(hop)
  local flows = {}
  for _, run in ipairs(hop.runs or {}) do
    flows[run.flow] = flows[run.flow] or {}
    table.insert(flows[run.flow], run)
  end
  return flows
end

--- Returns the address of a run, as a key for joined.
-- @tparam table run
-- @treturn string
function M.address(run)
  return run.address
end

--- Returns the address and reply TTL of a run, as a key for joined.
-- @tparam table run
-- @treturn string
function M.reply_ttl(run)
  return ("%s %d"):format(run.address, run.reply_ttl)
end

local function join(runs, key, least)
  local out = {}
  for _, run in ipairs(runs) do
    local last = out[#out]
    if last and key(last) == key(run) then
      last.count = last.count + run.count
    elseif run.count >= least then
      out[#out + 1] = { address = run.address, reply_ttl = run.reply_ttl,
        count = run.count, at_s = run.at_s }
    end
  end
  return out
end

--- Joins consecutive runs with the same key, and leaves out runs of fewer
-- replies than `least`.
-- @tparam table runs of one flow
-- @tparam function key of a run
-- @tparam integer least
-- @treturn table array of new runs
function M.joined(runs, key, least)
  return join(join(runs, key, 1), key, least)
end

--- Whether responders to one flow alternate, a sign of per-packet load
-- balancing.
-- @tparam table runs of the flow
-- @treturn boolean
function M.alternate(runs)
  local seen, place, last = {}, 0, nil
  for _, run in ipairs(join(runs, M.address, 1)) do
    if seen[run.address] then
      if last and place - last < RETURN_WITHIN then
        return true
      end
      last = place
    end
    seen[run.address] = true
    place = place + run.count
  end
  return false
end

return M
