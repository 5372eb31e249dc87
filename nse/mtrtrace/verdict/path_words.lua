-- SPDX-License-Identifier: BSD-2-Clause

--- A change of the path in words: its hops, and loss and RTT of the target
-- before and after. For the live screen and the service. Pure.
--
-- A change is { lasted_s, is_last, hops: { ttl, before, after },
-- figures_before, figures_after }; the figures are { sent, loss: 0 to 1,
-- avg_ms } of the target on both paths, nil if unknown.
-- @module mtrtrace.verdict.path_words
local format = require "mtrtrace.base.format"

local M = {}

local ms, share = format.kinds.ms.text, format.kinds.share.text

local function clock(seconds)
  return format.clock(math.floor(seconds + 0.5))
end

--- The headline, with the duration of the new path.
-- @tparam table change
-- @treturn string
function M.head(change)
  return ("path changed, %s %s"):format(change.is_last and "for"
    or "which lasted", clock(change.lasted_s))
end

local function figures(change)
  local a, b = change.figures_before, change.figures_after
  if not a or not b then
    return "Target: not measured on both paths"
  end
  return ("Target: loss %s instead of %s (%d and %d probes)%s"):format(
    share(b.loss), share(a.loss), b.sent, a.sent, a.avg_ms and b.avg_ms
    and (", mean %s instead of %s ms"):format(ms(b.avg_ms), ms(a.avg_ms))
    or "")
end

--- The lines on its hops and on the target.
-- @tparam table change
-- @treturn {string,...}
function M.lines(change)
  local lines = {}
  for i, hop in ipairs(change.hops) do
    lines[i] = ("hop %d: %s instead of %s"):format(hop.ttl,
      format.clean(hop.after), format.clean(hop.before))
  end
  lines[#lines + 1] = figures(change)
  return lines
end

return M
