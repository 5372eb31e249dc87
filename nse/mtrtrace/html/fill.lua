-- SPDX-License-Identifier: BSD-2-Clause

--- HTML templates, and the only place where text is escaped to HTML. Pure.
-- @module mtrtrace.html.fill
local format = require "mtrtrace.base.format"
local unicode = require "mtrtrace.base.unicode"

local M = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;", ["'"] = "&#39;" }

--- Escapes a text for an element or a quoted attribute.
-- @tparam any text any bytes from the network, or a number
-- @treturn string UTF-8 without invisible characters
function M.escape(text)
  return (format.clean(text):gsub("[&<>\"']", ENTITIES))
end

--- Fills a template: $(key) is escaped, $[key] is HTML already.
-- @tparam string template
-- @tparam table values texts by key; raises where one is missing
-- @treturn string
function M.fill(template, values)
  local function value(key)
    local text = values[key]
    assert(text ~= nil, key)
    return text
  end
  return (template:gsub("%$([%(%[])([%w_]+)[%)%]]", function(kind, key)
    return kind == "(" and M.escape(value(key)) or tostring(value(key))
  end))
end

--- Fills a template for each item and joins the results.
-- @tparam {any,...} list
-- @tparam function make HTML of an item and its index; nil leaves it out
-- @treturn string
function M.each(list, make)
  local parts = {}
  for i, item in ipairs(list) do
    parts[#parts + 1] = make(item, i)
  end
  return table.concat(parts)
end

--- A text of limited length.
-- @tparam string text
-- @tparam integer limit at least 4
-- @treturn string
function M.shorten(text, limit)
  return unicode.shorten(format.clean(text), limit, "...")
end

--- A coordinate of a drawing: to a tenth, without trailing zeros.
-- @tparam number value
-- @treturn string
function M.at(value)
  return format.decimal(math.floor(value * 10 + 0.5) / 10)
end

return M
