-- SPDX-License-Identifier: BSD-2-Clause

--- The cells of the table for people, and the sentences under the table. Pure:
-- a result in, texts out; the field table formats every value.
-- @module mtrtrace.table.grid
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local marks = require "mtrtrace.table.marks"
local notes = require "mtrtrace.table.notes"
local os_lines = require "mtrtrace.os.lines"
local path_lines = require "mtrtrace.verdict.path_lines"
local pmtu = require "mtrtrace.pmtu.enricher"
local ports = require "mtrtrace.ports.words"
local rows = require "mtrtrace.table.rows"
local unicode = require "mtrtrace.base.unicode"
local verdict_lines = require "mtrtrace.verdict.lines"

local M = {}

local function forks(result)
  for _, hop in ipairs(result.flows and result.hops or {}) do
    if #hop.responders > 1 then
      return true
    end
  end
  return false
end

-- Returns the last column that identifies a hop's responder; nil where the
-- column `share` is already chosen.
local function last_identity(keys)
  local at
  for i, key in ipairs(keys) do
    at = (key == "ip" or key == "host") and i or at
    if key == "share" then
      return nil
    end
  end
  return at
end

--- Returns the columns of a result. Where flows take different paths, the
-- column `share` is added.
-- @tparam {string,...} keys
-- @tparam table result
-- @treturn {string,...} the same, or with `share`
function M.keys(keys, result)
  local at = forks(result) and last_identity(keys)
  if not at then
    return keys
  end
  local list = { table.unpack(keys) }
  table.insert(list, at + 1, "share")
  return list
end

local function columns_of(keys, result)
  local columns = {}
  for i, key in ipairs(M.keys(keys, result)) do
    columns[i] = fields.get(key)
  end
  return columns
end

local function cell_of(field, row, cut)
  local text = fields.cell(field, row)
  return cut and field.longest
    and unicode.shorten(text, field.longest, "..") or text
end

--- Returns the cells: titles first, then a row for each responder.
-- @tparam table result judged
-- @tparam table view `columns` and `max_silent`
-- @tparam ?boolean cut whether to cut texts at the field's `longest`
-- @treturn {{string,...},...}
function M.cells(result, view, cut)
  local columns, grid = columns_of(view.columns, result), { {} }
  for c, field in ipairs(columns) do
    grid[1][c] = field.title
  end
  for r, row in ipairs(rows.build(result, view.max_silent)) do
    grid[r + 1] = {}
    for c, field in ipairs(columns) do
      grid[r + 1][c] = cell_of(field, row, cut)
    end
  end
  return grid
end

local function has_loss(keys)
  for _, key in ipairs(keys) do
    if key == "loss" then
      return true
    end
  end
  return false
end

local function append(remarks, lines)
  for _, line in ipairs(lines) do
    remarks[#remarks + 1] = format.clean(line)
  end
end

--- Returns the sentences under the table: verdicts, path MTU, ports, notes,
-- the legend of the marks and, on request, the evidence of OS guesses.
-- @tparam table result judged
-- @tparam table view `columns`; `evidence`: whether to add the evidence of OS
--   guesses
-- @treturn {string,...} sentences
function M.remarks(result, view)
  local remarks = {}
  append(remarks, verdict_lines.list(result.verdicts or {}))
  append(remarks, path_lines.list(result))
  append(remarks, { pmtu.line(result) })
  append(remarks, ports.of(result))
  append(remarks, notes.list(result))
  append(remarks, has_loss(view.columns) and marks.legend(result.hops) or {})
  append(remarks, view.evidence and os_lines.list(result) or {})
  return remarks
end

--- Returns the target, with the name that the user gave.
-- @tparam table result
-- @tparam ?string name
-- @treturn string such as "example.com (192.0.2.1)"
function M.target(result, name)
  if name and name ~= "" and name ~= result.target then
    return ("%s (%s)"):format(format.clean(name), result.target)
  end
  return result.target
end

return M
