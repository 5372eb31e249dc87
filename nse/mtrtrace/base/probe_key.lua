-- SPDX-License-Identifier: BSD-2-Clause

--- One number for the probe that an event is about: flows number their probes
-- apart. Pure.
-- @module mtrtrace.base.probe_key
local M = {}

--- The key of an event's probe.
-- @tparam table event with `probe`, and `flow` where there are several
-- @treturn integer below 2^48
function M.of(event)
  return (event.flow or 0) << 32 | event.probe
end

return M
