-- SPDX-License-Identifier: BSD-2-Clause

--- The evidence of every guess of a result, as lines of text. Pure.
-- @module mtrtrace.os.lines
local words = require "mtrtrace.os.words"

local M = {}

--- Lines of a result: one for each address that was judged.
-- @tparam table result its responders may have `os`, a guess
-- @treturn {string,...}
function M.list(result)
  local lines = {}
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      local guess = responder.os
      if guess then
        lines[#lines + 1] = ("OS of hop %d, %s: %s: %s."):format(hop.ttl,
          responder.address, words.verdict(guess), guess.line)
      end
    end
  end
  return lines
end

return M
