-- SPDX-License-Identifier: BSD-2-Clause
--- A reader that says on standard error how far the run is, where that is a
-- terminal: one line, wiped at the end.
-- @module mtrtrace.cli.progress
local M = {}

-- A short run needs none.
local FIRST_MS, EVERY_MS = 1000, 200

local function line_of(run)
  if #run.targets == 1 then
    return ("tracing %s"):format(run.targets[1])
  end
  return ("%d of %d targets done"):format(run.done, #run.targets)
end

--- Begins to show.
-- @tparam table uv the module luv
-- @tparam table run see mtrtrace.cli.run
-- @treturn table a reader
function M.new(uv, run)
  if uv.guess_handle(2) ~= "tty" then
    return {}
  end
  local timer, shown = uv.new_timer(), false
  timer:start(FIRST_MS, EVERY_MS, function()
    shown = true
    io.stderr:write("\r\27[K", line_of(run))
  end)
  timer:unref()
  return { close = function()
    timer:close()
    if shown then
      io.stderr:write("\r\27[K")
    end
  end }
end

return M
