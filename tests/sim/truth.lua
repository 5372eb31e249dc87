-- SPDX-License-Identifier: BSD-2-Clause
--- What is true of a world with one path, and where nothing changes: for
-- tests that trace it.
-- @module sim.truth
local link = require "sim.link"

local M = {}

local MS = 1000000

local function pass(spec, way)
  local ns = link.delay(spec[way .. "_ms"] or spec.delay_ms,
    { unit = false, exponential = false, normal = false })
  return ns / MS, 1 - link.loss_rate(spec["loss_" .. way] or spec.loss)
end

--- The hops of a world.
-- @tparam table world checked
-- @treturn {table,...} each `address`; `rtt_ms`, the least; `lost`, the share
--   of probes or answers that links lose; `rate_limited`
function M.hops(world)
  local hops, way_ms, kept = {}, 0, 1
  for i, name in ipairs(world.path) do
    local node = world.nodes[name]
    local wire = node.link or {}
    local there_ms, arrives = pass(wire, "forward")
    local back_ms, returns = pass(wire, "back")
    way_ms, kept = way_ms + there_ms + back_ms, kept * arrives * returns
    local slow_ms = link.delay(node.answer_ms, {}) / MS
    hops[i] = { address = node.address, rtt_ms = way_ms + slow_ms,
      lost = 1 - kept, rate_limited = node.rate_limit ~= nil }
  end
  return hops
end

return M
