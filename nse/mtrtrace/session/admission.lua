-- SPDX-License-Identifier: BSD-2-Clause

--- How many of many traces run at once: up to a limit, and no more than this
-- host keeps up with. What it cannot send in time it sends no sooner for more
-- traces, which only would take memory and stretch all intervals. Pure, over
-- a host's spawn and after.
-- @module mtrtrace.session.admission
local M = {}

local Admission = {}
Admission.__index = Admission

-- So many run in any case; a further one begins while those that run are
-- behind their times by no more than this.
local FEW, BEHIND_S = 64, 0.01

-- So many begin at once, and after so long the next: what a trace asks of the
-- host shows only in its second round of probes.
local AT_ONCE, AGAIN_S = 50, 0.02

--- Whether those that run are behind their times, so that one that has ended
-- is followed by none at once.
-- @treturn boolean
function Admission:is_behind()
  return self.running > FEW and self.lag() > BEHIND_S
end

local function look(self)
  for _ = 1, self:is_behind() and 0 or AT_ONCE do
    if self.running >= self.most or not self.is_left() then
      break
    end
    self.running = self.running + 1
    self.host.spawn(function()
      self.work()
      self.running = self.running - 1
      self:fill()
    end)
  end
  self.looks = false
  self:fill()
end

--- Soon lets further ones begin, where any may.
function Admission:fill()
  if not self.looks and self.running < self.most and self.is_left() then
    self.looks = true
    self.host.after(AGAIN_S, function() look(self) end)
  end
end

--- Begins.
-- @tparam table host `spawn` and `after`, see mtrtrace.host.uv
-- @tparam table setup `most`: so many at once; `work()`: does one or several
--   after each other, in a body of its own; `is_left()`: whether there are
--   any that have not begun; `lag()`: seconds by which all that run are late
-- @treturn table
function M.start(host, setup)
  local self = setmetatable({ host = host, most = setup.most, running = 0,
    work = setup.work, is_left = setup.is_left, lag = setup.lag,
    looks = true }, Admission)
  look(self)
  return self
end

return M
