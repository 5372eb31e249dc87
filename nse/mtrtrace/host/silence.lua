-- SPDX-License-Identifier: BSD-2-Clause

--- Whether the resolver answers at all. One that does not is asked no more
-- for a while: a query that a router cannot forward takes a token of that
-- router's ICMP rate limit, which a probe would miss.
-- @module mtrtrace.host.silence
local M = {}

--- What is said where there was no answer.
M.ERROR = "no answer from the resolver"

-- Questions without an answer, while no other one was answered. What fails at
-- once, such as a name whose own servers are broken, tells nothing.
local MOST_SILENT = 8
local AT_ONCE_S = 1

-- How long no question is sent then; the next ones tell whether to go on.
local PAUSE_S = 60

local Silence = {}
Silence.__index = Silence

--- Asks; without the resolver's servers if they are silent.
-- @tparam number seconds how long the servers may take
-- @tparam function question gets the seconds, 0 if no server is to be asked;
--   returns the answer, nil where there is none, or nil and an error
-- @return what it returns
function Silence:ask(seconds, question)
  local began = self.now()
  local pause = self.silent >= MOST_SILENT and began < self.until_s
  local answer, err = question(pause and 0 or seconds)
  if pause then
    return answer, err
  elseif not err then
    self.silent, self.heard_s = 0, self.now()
  elseif self.now() - began >= AT_ONCE_S and self.heard_s < began then
    self.silent = self.silent + 1
    self.until_s = self.now() + PAUSE_S
  end
  return answer, err
end

--- Of one resolver.
-- @tparam function now the time, s
-- @treturn table
function M.new(now)
  return setmetatable({
    now = now, silent = 0, until_s = 0, heard_s = -math.huge,
  }, Silence)
end

return M
