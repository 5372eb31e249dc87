-- SPDX-License-Identifier: BSD-2-Clause

--- Lines of a file of any length and with any content.
-- @module mtrtrace.recording.lines
local M = {}

local CHUNK, LONGEST = 65536, 1048576

--- Iterates over the lines of a file; longer lines than LONGEST are split, so
-- memory is bounded.
-- @tparam file file
-- @tparam ?string rest data that was read from it already
-- @treturn function returns the next line without its end, or nil and an error
function M.of(file, rest)
  rest = rest or ""
  local at_end, err = false, nil
  return function()
    while true do
      local at = rest:find("\n", 1, true)
      if at or #rest > LONGEST then
        at = at or #rest + 1
        local line = rest:sub(1, at - 1)
        rest = rest:sub(at + 1)
        return line
      elseif at_end then
        local line = rest
        rest = ""
        return line ~= "" and line or nil, err
      end
      local chunk
      chunk, err = file:read(CHUNK)
      at_end, rest = chunk == nil, rest .. (chunk or "")
    end
  end
end

return M
