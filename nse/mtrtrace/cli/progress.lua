-- SPDX-License-Identifier: BSD-2-Clause

--- The progress line on standard error, where that is a terminal that can
-- erase the line. Call `erase` before anything else is written to the
-- terminal.
-- @module mtrtrace.cli.progress
local M = {}

-- Delay of the first line, as a short run needs none, and interval of updates.
local FIRST_MS, EVERY_MS = 1000, 200

local ERASE = "\r\27[K"

local Progress = {}
Progress.__index = Progress

local function line_of(run)
  if #run.targets == 1 then
    return ("tracing %s"):format(run.targets[1])
  end
  return ("%d of %d targets done"):format(run.done, #run.targets)
end

--- Erases the line until the next update.
function Progress:erase()
  if self.shown then
    self.shown = false
    self.out:write(ERASE)
    self.out:flush()
  end
end

--- Erases the line and stops updates.
function Progress:close()
  self.timer:close()
  self:erase()
end

--- Whether the line can be shown and erased.
-- @tparam table uv the module luv
-- @tparam function getenv
-- @treturn boolean
function M.is_usable(uv, getenv)
  local kind = getenv "TERM" or ""
  return uv.guess_handle(2) == "tty" and kind ~= "" and kind ~= "dumb"
end

--- Starts to show progress.
-- @tparam table uv the module luv
-- @tparam table run see mtrtrace.cli.run
-- @tparam ?file out standard error
-- @treturn table { erase, close }
function M.new(uv, run, out)
  local self = setmetatable({ out = out or io.stderr, shown = false,
    timer = uv.new_timer() }, Progress)
  self.timer:start(FIRST_MS, EVERY_MS, function()
    self.shown = true
    self.out:write(ERASE, line_of(run))
    self.out:flush()
  end)
  self.timer:unref()
  return self
end

return M
