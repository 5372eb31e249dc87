-- SPDX-License-Identifier: BSD-2-Clause

--- Compares a finished trace with the traces of a baseline file; gives one
-- line per difference. Pure.
-- @module mtrtrace.diff.baseline
local compare = require "mtrtrace.diff.compare"
local match = require "mtrtrace.diff.match"
local report = require "mtrtrace.diff.report"
local snapshot = require "mtrtrace.diff.snapshot"
local structured = require "mtrtrace.report.structured"

local M = {}

local function new_table()
  return {}
end

local function partner_of(traces, shot)
  for _, pair in ipairs(match.of(traces, { shot })) do
    if pair.after and pair.before then
      return pair.before
    end
  end
end

--- Returns the differences from the file's trace of the same target.
-- @tparam {table,...} traces as mtrtrace.diff.load gives them
-- @tparam table result judged
-- @tparam ?string name of the target as the user typed it
-- @tparam string path of the file, for the text
-- @treturn {string,...} lines; a single line where there is no difference or
--   where the file lacks the target
function M.lines(traces, result, name, path)
  local shot = snapshot.of(structured.build(result, { name = name },
    new_table))
  local before = partner_of(traces, shot)
  if not before then
    return { ("%s has no trace of this target by %s."):format(path,
      shot.protocol) }
  end
  local target = compare.run({ before }, { shot }).targets[1]
  local lines = report.lines(target)
  for i, line in ipairs(lines) do
    lines[i] = ("Since %s: %s"):format(path, line)
  end
  lines[1] = lines[1] or ("Nothing differs from %s."):format(path)
  return lines
end

return M
