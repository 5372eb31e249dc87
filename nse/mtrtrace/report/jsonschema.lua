-- SPDX-License-Identifier: BSD-2-Clause

--- Pieces of JSON Schema (draft 2020-12) for dkjson, with their keys in order.
-- Pure.
-- @module mtrtrace.report.jsonschema
local ordered = require "mtrtrace.base.ordered"

local M = {}

--- A table that keeps the order of its keys.
-- @tparam {table,...} rows { key, value }
-- @treturn table
function M.object(rows)
  local out = ordered.new()
  for _, row in ipairs(rows) do
    out[row[1]] = row[2]
  end
  return out
end

--- A single value.
-- @tparam string kind JSON's name of its type
-- @tparam string about what it means
-- @tparam ?boolean nullable whether it may be null
-- @treturn table
function M.value(kind, about, nullable)
  return M.object { { "description", about },
    { "type", nullable and { kind, "null" } or kind } }
end

--- An object that has all of its properties.
-- @tparam {table,...} rows { key, schema }
-- @treturn table
function M.record(rows)
  local required = {}
  for i, row in ipairs(rows) do
    required[i] = row[1]
  end
  return M.object { { "type", "object" }, { "required", required },
    { "properties", M.object(rows) } }
end

--- An array.
-- @tparam string about what it means
-- @tparam table items their schema
-- @treturn table
function M.list(about, items)
  return M.object { { "description", about }, { "type", "array" },
    { "items", items } }
end

--- A whole document that is a record.
-- @tparam string title
-- @tparam string about
-- @tparam {table,...} rows as of record
-- @treturn table
function M.document(title, about, rows)
  local out, body = M.object {
    { "$schema", "https://json-schema.org/draft/2020-12/schema" },
    { "title", title }, { "description", about },
  }, M.record(rows)
  for _, key in ipairs(ordered.keys(body)) do
    out[key] = body[key]
  end
  return out
end

return M
