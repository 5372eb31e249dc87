-- SPDX-License-Identifier: BSD-2-Clause

--- Lines of a file, however long the file and whatever is in it.
-- @module mtrtrace.recording.lines
local M = {}

local CHUNK, LONGEST = 65536, 1048576

--- Lines of a file; one that has no end is cut where nobody would read it.
-- @tparam file file
-- @tparam ?string rest what was read of it already
-- @treturn function gives the next line without its end, or nil and what went
--   wrong
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
