-- SPDX-License-Identifier: BSD-2-Clause

--- Converts the result of a trace to the rows of its table, without formatting
-- values. Pure.
--
-- A row is { hop, responder, first, own, last_ttl }: one for each responder;
-- `first` marks the hop's main responder, `own` a responder with figures of
-- its own flows. A silent hop is one row without a responder; silent hops at
-- the end are one row up to `last_ttl`.
-- @module mtrtrace.table.rows
local M = {}

local function silent_tail(hops)
  local from = #hops + 1
  while from > 1 and #hops[from - 1].responders == 0 do
    from = from - 1
  end
  return from
end

--- Returns the rows of a hop.
-- @tparam table hop
-- @treturn {table,...} rows
function M.of(hop)
  local rows = {}
  if #hop.responders == 0 then
    rows[1] = { hop = hop, first = true }
  end
  for i, responder in ipairs(hop.responders) do
    rows[i] = { hop = hop, responder = responder, first = i == 1,
      own = #hop.responders > 1 and responder.sent ~= nil or nil }
  end
  return rows
end

--- Returns the rows of the table.
-- @tparam table result as given by trace:result()
-- @tparam integer max_silent number of silent hops at the end from which these
--   are one row
-- @treturn {table,...} rows
function M.build(result, max_silent)
  local hops, rows = result.hops, {}
  local tail = silent_tail(hops)
  local silent = #hops - tail + 1
  local fold = silent >= max_silent and silent > 1
  for i = 1, fold and tail - 1 or #hops do
    local of_hop = M.of(hops[i])
    table.move(of_hop, 1, #of_hop, #rows + 1, rows)
  end
  if fold then
    rows[#rows + 1] = {
      hop = hops[tail], first = true, last_ttl = hops[#hops].ttl,
    }
  end
  return rows
end

return M
