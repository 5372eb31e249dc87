-- SPDX-License-Identifier: BSD-2-Clause

--- The checks of --doctor as text and as JSON. Pure; JSON by dkjson.
-- @module mtrtrace.doctor.report
local format = require "mtrtrace.base.format"
local ordered = require "mtrtrace.base.ordered"

local M = {}

local WIDTH = 15

--- Formats the checks as text.
-- @tparam {table,...} rows of mtrtrace.doctor.checks
-- @treturn string lines
function M.text(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = ("%-8s %-" .. WIDTH .. "s %s\n"):format(row.state, row.name,
      format.clean(row.text))
  end
  return table.concat(lines)
end

--- Formats the checks as JSON: {"format": "mtr-trace-doctor",
-- "format_version": 1, "usable": whether traces are possible, "checks":
-- [{"name", "state": ok, note, lacking or broken, "text"}]}.
-- @tparam {table,...} rows
-- @tparam boolean usable
-- @tparam table dkjson the module
-- @treturn string
function M.json(rows, usable, dkjson)
  local out, checks = ordered.new(), {}
  out.format = "mtr-trace-doctor"
  out.format_version = 1
  out.usable = usable
  for i, row in ipairs(rows) do
    checks[i] = ordered.new()
    checks[i].name = row.name
    checks[i].state = row.state
    checks[i].text = format.clean(row.text)
  end
  out.checks = checks
  return dkjson.encode(out) .. "\n"
end

return M
