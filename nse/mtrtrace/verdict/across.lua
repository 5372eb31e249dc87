-- SPDX-License-Identifier: BSD-2-Clause

--- Merges the verdicts of single flows: equal ones become one verdict with the
-- number of flows. Pure.
-- @module mtrtrace.verdict.across
local M = {}

local function key_of(v)
  return table.concat({ v.kind, tostring(v.hop), tostring(v.from),
    tostring(v.to), tostring(v.what), tostring(v.ip_before),
    tostring(v.ip_after), tostring(v.tos_before), tostring(v.tos_after) },
    "|")
end

local function text_of(v, count)
  if v.flows == count then
    return v.text
  end
  return ("%s (%d of %d flows)"):format(v.text, v.flows, count)
end

--- The verdicts of several flows. Verdicts that differ only in numbers are
-- merged into one, with the text of the first flow; `flows` is their number.
-- @tparam {table,...} flows results of one flow each
-- @tparam function list returns the verdicts of the result of a flow
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
    v.text = text_of(v, #flows)
  end
  return out
end

return M
