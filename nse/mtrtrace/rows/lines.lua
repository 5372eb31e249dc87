-- SPDX-License-Identifier: BSD-2-Clause

--- Flat rows as lines of JSON, one object each, and their schema. Pure.
-- @module mtrtrace.rows.lines
local columns = require "mtrtrace.rows.columns"
local format = require "mtrtrace.base.format"
local ordered = require "mtrtrace.base.ordered"

local M = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function value_of(value)
  if value == nil then
    return "null"
  elseif type(value) == "string" then
    return '"' .. format.clean(value):gsub('["\\]', ESCAPES) .. '"'
  elseif math.type(value) == "float" then
    return format.decimal(value) or "null"
  end
  return tostring(value)
end

--- A row as a line: every key, in the order of the columns.
-- @tparam string kind runs, hops or probes
-- @tparam table row see mtrtrace.rows.make
-- @treturn string with a line feed
function M.line(kind, row)
  local parts = {}
  for i, column in ipairs(columns.of(kind)) do
    parts[i] = ('"%s":%s'):format(column[1], value_of(row[column[1]]))
  end
  return "{" .. table.concat(parts, ",") .. "}\n"
end

-- These have a value in every row.
local ALWAYS = { row = true, vantage = true, labels = true, run_id = true }

--- The JSON Schema of one kind of rows.
-- @tparam string kind
-- @treturn table for dkjson, in order
function M.schema(kind)
  local out, properties, required = ordered.new(), ordered.new(), {}
  for i, column in ipairs(columns.of(kind)) do
    local property = ordered.new()
    property.description = column[3]
    property.type = ALWAYS[column[1]] and column[2] or { column[2], "null" }
    properties[column[1]], required[i] = property, column[1]
  end
  out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
  out.title = "a line of mtr-trace --rows " .. kind
  out.description = "Unknown values are null. Later versions may add keys."
  out.type = "object"
  out.required = required
  out.properties = properties
  return out
end

return M
