-- SPDX-License-Identifier: BSD-2-Clause

--- The report as XML: an element for each key of mtrtrace.report.structured,
-- lists as elements of elements; what is unknown is left out. Pure.
-- @module mtrtrace.report.xml
local format = require "mtrtrace.base.format"
local ordered = require "mtrtrace.base.ordered"
local structured = require "mtrtrace.report.structured"

local M = {}

-- Elements of a list are called by the singular of its name, where that has
-- one.
local ELEMENT = { path = "address" }

local function element_of(name)
  return ELEMENT[name] or name:match "^(.*ss)es$" or name:match "^(.*)s$"
    or "item"
end

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;" }

local function escape(value)
  return (format.clean(value):gsub('[&<>"]', ESCAPES))
end

local add

local function add_members(lines, value, name, indent)
  local keys = ordered.keys(value)
  for _, key in ipairs(keys or {}) do
    add(lines, key, value[key], indent)
  end
  for _, item in ipairs(not keys and value or {}) do
    add(lines, element_of(name), item, indent)
  end
end

function add(lines, name, value, indent)
  if type(value) ~= "table" then
    lines[#lines + 1] = ("%s<%s>%s</%s>\n"):format(indent, name,
      escape(value), name)
  elseif next(value) == nil then
    lines[#lines + 1] = ("%s<%s/>\n"):format(indent, name)
  else
    lines[#lines + 1] = ("%s<%s>\n"):format(indent, name)
    add_members(lines, value, name, indent .. "  ")
    lines[#lines + 1] = ("%s</%s>\n"):format(indent, name)
  end
end

--- What stands before the traces.
-- @tparam table view `version` of this program
-- @treturn string
function M.head(view)
  return ('<?xml version="1.0" encoding="UTF-8"?>\n'
    .. '<mtr-trace version="%s">\n'):format(view.version)
end

--- A trace.
-- @tparam table result judged
-- @tparam table view `name`
-- @treturn string
function M.trace(result, view)
  local out = structured.build(result, view, ordered.new)
  if result.started_ns then
    out.started = format.moment(result.started_ns)
  end
  local lines = {}
  add(lines, "trace", out, "  ")
  return table.concat(lines)
end

--- A target that was not traced.
-- @tparam string err why
-- @tparam table view `name`
-- @treturn string
function M.failure(err, view)
  local out, lines = ordered.new(), {}
  out.name, out.error = view.name, err
  add(lines, "failure", out, "  ")
  return table.concat(lines)
end

M.tail = "</mtr-trace>\n"

return M
