-- SPDX-License-Identifier: BSD-2-Clause

--- Text from servers as clean UTF-8 of bounded length. Pure.
-- @module mtrtrace.asn.clean
local unicode = require "mtrtrace.base.unicode"

local M = {}

local LONGEST = 200

--- Text without control and invisible characters and repeated blanks.
-- @tparam string text any bytes
-- @treturn ?string at most 200 bytes; nil if nothing is left
function M.text(text)
  local out = unicode.cut_bytes(text, 4 * LONGEST):gsub("[\t\r\n]", " ")
  out = unicode.clean(out):gsub("  +", " "):gsub("^ ", "")
  out = unicode.cut_bytes(out, LONGEST):gsub(" $", "")
  return out ~= "" and out or nil
end

--- Text without blanks at its ends, in linear time: the usual pattern
-- "^%s*(.-)%s*$" needs quadratic time on a long run of blanks.
-- @tparam string text
-- @treturn string
function M.trim(text)
  local from = text:find("%S")
  return from and text:match(".*%S", from) or ""
end

return M
