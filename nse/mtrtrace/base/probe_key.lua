-- SPDX-License-Identifier: BSD-2-Clause

--- Returns one number that identifies the probe of an event across flows; each
-- flow numbers its own probes. Pure.
-- @module mtrtrace.base.probe_key
local M = {}

--- Returns the key of an event's probe.
-- @tparam table event with `probe`, and `flow` where there are several
-- @treturn integer below 2^48
function M.of(event)
  return (event.flow or 0) << 32 | event.probe
end

return M
