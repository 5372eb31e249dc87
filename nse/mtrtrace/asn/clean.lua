-- SPDX-License-Identifier: BSD-2-Clause

--- What a server sent, made fit to be kept: clean UTF-8 of bounded length.
-- Pure.
-- @module mtrtrace.asn.clean
local unicode = require "mtrtrace.base.unicode"

local M = {}

local LONGEST = 200

--- Text without control and invisible characters and needless blanks.
-- @tparam string text any bytes
-- @treturn ?string at most 200 bytes; nil where nothing is left
function M.text(text)
  local out = unicode.cut_bytes(text, 4 * LONGEST):gsub("[\t\r\n]", " ")
  out = unicode.clean(out):gsub("  +", " "):gsub("^ ", "")
  out = unicode.cut_bytes(out, LONGEST):gsub(" $", "")
  return out ~= "" and out or nil
end

--- Text without blanks at its ends, in time that grows with its length
-- alone, which the pattern "^%s*(.-)%s*$" does not keep to.
-- @tparam string text
-- @treturn string
function M.trim(text)
  local from = text:find("%S")
  return from and text:match(".*%S", from) or ""
end

return M
