-- SPDX-License-Identifier: BSD-2-Clause

--- Formats values as text. Pure: no locale, no I/O.
-- @module mtrtrace.base.format
local unicode = require "mtrtrace.base.unicode"

local M = {}

local math_type, string_format = math.type, string.format
local ZERO = ("0"):byte()

--- Makes text from the network safe to print, see mtrtrace.base.unicode.
-- @tparam ?string text any bytes
-- @treturn ?string UTF-8 without invisible characters
function M.clean(text)
  return text ~= nil and unicode.clean(text) or nil
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }

--- Formats text as a JSON string.
-- @tparam string text any bytes; invisible characters are left out
-- @treturn string with its quotes
function M.json_string(text)
  if not text:find('[%c"\\\127-\255]') then -- nearly all texts are plain
    return '"' .. text .. '"'
  end
  return '"' .. unicode.clean(text):gsub('["\\]', ESCAPES) .. '"'
end

--- Formats a number with at most six decimals, no exponent and no trailing
-- zeros.
-- @tparam number value
-- @treturn ?string nil for NaN and infinities
function M.decimal(value)
  if value ~= value or value == math.huge or value == -math.huge then
    return nil
  end
  if value == 0 then
    return "0"
  end
  local text = string_format("%.6f", value)
  if text:byte(-1) ~= ZERO then
    return text
  end
  text = text:match "^(.-)%.?0*$"
  return text == "-0" and "0" or text
end

--- Formats seconds for a sentence.
-- @tparam number value
-- @treturn ?string with at most two decimals, three below 0.1 s; as decimal
function M.short_s(value)
  return M.decimal(tonumber((value < 0.1 and "%.3f" or "%.2f"):format(value)))
end

local function count(value)
  return math_type(value) == "integer" and ("%d"):format(value)
    or ("%.0f"):format(value)
end

-- Rounding never turns some loss into 0 % nor incomplete loss into 100 %.
local function percent(share)
  if share > 0 and share < 0.0005 then
    return "<0.1%"
  elseif share < 1 and share >= 0.9995 then
    return ">99.9%"
  end
  return ("%.1f%%"):format(share * 100)
end

--- Formats milliseconds for a list of values: one decimal, two for small ones.
-- @tparam number value
-- @treturn string
function M.short_ms(value)
  return (value < 9.995 and "%.2f" or "%.1f"):format(value)
end

--- Formats an interval of shares, in percent.
-- @tparam number low 0 to 1
-- @tparam number high 0 to 1
-- @tparam ?integer decimals none where nil
-- @treturn string such as "(6-51)"
function M.interval(low, high, decimals)
  local number = ("%%.%df"):format(decimals or 0)
  return ("(" .. number .. "-" .. number .. ")"):format(low * 100,
    high * 100)
end

--- Formats a number without loss of precision.
-- @tparam number value
-- @treturn ?string nil for NaN and infinities
function M.exact(value)
  if math.type(value) == "integer" then
    return ("%d"):format(value)
  elseif value ~= value or value == math.huge or value == -math.huge then
    return nil
  end
  return ("%.17g"):format(value)
end

local EXACT = 1 << 53

--- Returns an integer for JSON: text beyond 2^53, because many JSON readers
-- parse numbers as doubles.
-- @tparam integer value
-- @treturn integer|string
function M.whole(value)
  return value > EXACT and ("%d"):format(value)
    or value < -EXACT and ("%d"):format(value) or value
end

local NS = 1000000000

--- Formats a time as ISO 8601 in UTC, to the nanosecond.
-- @tparam integer ns since 1970
-- @treturn string such as "2026-11-21T14:00:00.000000001Z"
function M.moment(ns)
  return os.date("!%Y-%m-%dT%H:%M:%S", ns // NS)
    .. (".%09dZ"):format(ns % NS)
end

--- Formats an elapsed time, to the second.
-- @tparam integer seconds
-- @treturn string such as "0:05" or "1:02:03"
function M.clock(seconds)
  local minutes = ("%d:%02d"):format(seconds // 60 % 60, seconds % 60)
  if seconds < 3600 then
    return minutes
  end
  return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60,
    seconds % 60)
end

--- Formats of each kind of value: `text` for people, `raw` for programs.
-- Times are in milliseconds; a share is 0 to 1 and written in percent. A kind
-- with a `scale` is written as M.decimal of the value times the scale.
-- `numeric` kinds are written as digits. `suffix` is the unit that ends the
-- key of a value in reports for programs.
M.kinds = {
  count = { text = count, raw = count, numeric = true },
  ms = {
    numeric = true, suffix = "_ms", scale = 1,
    precise = function(value) return ("%.3f"):format(value) end,
    text = function(value) return ("%.2f"):format(value) end,
    raw = M.decimal,
  },
  share = {
    numeric = true, suffix = "_percent", scale = 100,
    text = percent,
    raw = function(value) return M.decimal(value * 100) end,
  },
  seconds = {
    numeric = true, suffix = "_s", scale = 1,
    text = function(value) return ("%.2f"):format(value) end,
    raw = M.decimal,
  },
  degrees = {
    numeric = true, scale = 1,
    text = function(value) return ("%.4f"):format(value) end,
    raw = M.decimal,
  },
  flag = {
    text = function(value) return value and "yes" or "no" end,
    raw = function(value) return value end,
  },
  name = { text = M.clean, raw = M.clean },
}

--- Returns the key of a value in reports for programs: its name and unit.
-- @tparam string name such as "avg"
-- @tparam string kind one of kinds
-- @treturn string such as "avg_ms"
function M.key(name, kind)
  return name .. (M.kinds[kind].suffix or "")
end

return M
