-- SPDX-License-Identifier: BSD-2-Clause
--- What those share that hold reported RTTs against an independent capture.
local M = {}

local MAGIC_NS = 0xa1b23c4d

-- Where the IP header begins in a frame: behind that of Ethernet.
M.IP = 15

--- The IPv4 frames of a capture: tcpdump's, Ethernet, nanoseconds.
-- @tparam string path
-- @treturn function the next time in ns and frame, or nil
function M.frames(path)
  local file = assert(io.open(path, "rb"))
  assert(string.unpack("<I4", file:read(24)) == MAGIC_NS, "not nanoseconds")
  return function()
    while true do
      local head = file:read(16)
      if not head or #head < 16 then
        file:close()
        return nil
      end
      local s, ns, length = string.unpack("<I4I4I4", head)
      local frame = file:read(length)
      if #frame >= 42 and frame:byte(M.IP) >> 4 == 4 then
        return s * 1000000000 + ns, frame
      end
    end
  end
end

--- Errors in order, and how they are told.
-- @tparam {number,...} errors none negative; sorted in place
-- @treturn number median
-- @treturn number p99
-- @treturn number worst
function M.summary(errors)
  assert(#errors > 0, "nothing of the report is in the capture")
  table.sort(errors)
  local function quantile(p)
    return errors[math.max(1, math.ceil(p * #errors))]
  end
  return quantile(0.5), quantile(0.99), errors[#errors]
end

return M
