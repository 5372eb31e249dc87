-- SPDX-License-Identifier: BSD-2-Clause

--- What is told flow by flow, said once for all flows that show it. Pure.
-- @module mtrtrace.verdict.across
local M = {}

local function key_of(v)
  return table.concat({ v.kind, tostring(v.hop), tostring(v.from),
    tostring(v.to), tostring(v.what), tostring(v.ip_before),
    tostring(v.ip_after), tostring(v.tos_before), tostring(v.tos_after) },
    "|")
end

local function said(v, count)
  if v.flows == count then
    return v.text
  end
  return ("%s (%d of %d flows)"):format(v.text, v.flows, count)
end

--- Verdicts of flows put together: equal ones, but for numbers, are one with
-- the text of the first flow, and `flows`, how many show it.
-- @tparam {table,...} flows results of one flow each
-- @tparam function list (result of a flow) to its verdicts
-- @treturn {table,...} verdicts
function M.list(flows, list)
  local out, known = {}, {}
  for _, flow in ipairs(flows) do
    for _, v in ipairs(list(flow)) do
      local key = key_of(v)
      if not known[key] then
        known[key] = v
        v.flows, v.flow_count = 0, #flows
        v.flow = flow.flow
        out[#out + 1] = v
      end
      known[key].flows = known[key].flows + 1
    end
  end
  for _, v in ipairs(out) do
    v.text = said(v, #flows)
  end
  return out
end

return M
