-- SPDX-License-Identifier: BSD-2-Clause

--- Whether the resolver answers at all. One that never did is asked no more
-- for a while: a query that a router cannot forward takes a token of that
-- router's ICMP rate limit, which a probe would miss.
-- @module mtrtrace.host.silence
local M = {}

--- What a question returns behind nil if there was no answer.
M.ERROR = "no answer from the resolver"

-- Questions without an answer, and no answer to any other one. What fails at
-- once, such as a name whose own servers are broken, tells nothing.
local MOST_SILENT = 4
local AT_ONCE_S = 1

-- How long no question is sent then; the next one tells whether to go on.
local PAUSE_S = 60

local Silence = {}
Silence.__index = Silence

--- Asks, unless the resolver is silent.
-- @tparam function question returns the answer, nil where there is none, or
--   nil and an error
-- @param ... its arguments
-- @return what it returns; nil and M.ERROR without a question
function Silence:ask(question, ...)
  if self.silent >= MOST_SILENT and self.now() < self.until_s then
    return nil, M.ERROR
  end
  local began = self.now()
  local answer, err = question(...)
  if not err then
    self.silent = -math.huge -- one that has answered is asked on
  elseif self.now() - began >= AT_ONCE_S then
    self.silent = self.silent + 1
    self.until_s = self.now() + PAUSE_S
  end
  return answer, err
end

--- Of one resolver.
-- @tparam function now the time, s
-- @treturn table
function M.new(now)
  return setmetatable({ now = now, silent = 0, until_s = 0 }, Silence)
end

return M
