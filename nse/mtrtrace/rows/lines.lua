-- SPDX-License-Identifier: BSD-2-Clause

--- Flat rows as lines of JSON, one object each, and their schema. Pure.
-- @module mtrtrace.rows.lines
local columns = require "mtrtrace.rows.columns"
local format = require "mtrtrace.base.format"
local jsonschema = require "mtrtrace.report.jsonschema"

local M = {}

local function value_of(value)
  if value == nil then
    return "null"
  elseif type(value) == "string" then
    return format.json_string(value)
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

-- Columns with a value in every row.
local ALWAYS = { row = true, vantage = true, labels = true, run_id = true }

--- The JSON Schema of one kind of rows.
-- @tparam string kind
-- @treturn table for dkjson, in order
function M.schema(kind)
  local rows = {}
  for i, column in ipairs(columns.of(kind)) do
    rows[i] = { column[1], jsonschema.value(column[2], column[3],
      not ALWAYS[column[1]]) }
  end
  return jsonschema.document("a line of mtr-trace --rows " .. kind,
    "Unknown values are null. Later versions may add keys.", rows)
end

return M
