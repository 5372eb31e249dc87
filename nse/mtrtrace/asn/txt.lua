-- SPDX-License-Identifier: BSD-2-Clause

--- The data of DNS TXT records. Pure; accepts any bytes and never raises.
-- @module mtrtrace.asn.txt
local M = {}

--- The strings of a record as one text.
-- @tparam string data of the record: strings, each preceded by a length byte
--   (RFC 1035 section 3.3)
-- @treturn string
function M.text(data)
  local parts, at = {}, 1
  while at <= #data do
    local length = data:byte(at)
    parts[#parts + 1] = data:sub(at + 1, at + length)
    at = at + 1 + length
  end
  return table.concat(parts)
end

return M
