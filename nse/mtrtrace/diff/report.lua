-- SPDX-License-Identifier: BSD-2-Clause

--- Formats a comparison as text, Markdown and JSON, and describes the JSON in
-- a schema. Pure; dkjson is passed in.
-- @module mtrtrace.diff.report
local args = require "mtrtrace.options.args"
local format = require "mtrtrace.base.format"
local jsonschema = require "mtrtrace.report.jsonschema"
local keys = require "mtrtrace.diff.keys"
local ordered = require "mtrtrace.base.ordered"
local shifts = require "mtrtrace.diff.shifts"
local words = require "mtrtrace.diff.words"

local M = {}

--- Format number of the JSON document, raised by incompatible changes.
M.FORMAT = 1

local function title_of(target)
  local name = format.clean(target.name)
  local who = not target.target and name or name and name ~= target.target
    and ("%s (%s)"):format(name, target.target) or target.target
  local what = target.protocol and (" by %s%s"):format(target.protocol,
    target.port and (", port %d"):format(target.port) or "") or ""
  return (who or "?") .. what
end

local function count_text(n)
  return n == 0 and "no difference"
    or n == 1 and "1 difference" or ("%d differences"):format(n)
end

local function id_text(id)
  return id and ("%012x"):format(id) or "-"
end

local function path_text(target)
  local before, after = target.path_id_before, target.path_id_after
  if not before and not after then
    return nil
  elseif before == after then
    return "Path " .. id_text(before)
  end
  return ("Path %s instead of %s"):format(id_text(after), id_text(before))
end

-- ---- text -----------------------------------------------------------------

local function add_lines(lines, target)
  lines[#lines + 1] = ("%s: %s"):format(title_of(target),
    count_text(#target.differences))
  for _, d in ipairs(target.differences) do
    lines[#lines + 1] = "  " .. d.text
  end
  for _, d in ipairs(target.remarks) do
    lines[#lines + 1] = "  Remark: " .. d.text
  end
  local path = path_text(target)
  lines[#lines + 1] = path and ("  %s"):format(path)
end

--- Formats a comparison as text for people.
-- @tparam table report as mtrtrace.diff.compare gives it
-- @treturn string lines
function M.text(report)
  local lines = {}
  for _, target in ipairs(report.targets) do
    add_lines(lines, target)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Returns the lines of the differences, without remarks.
-- @tparam table target of a report
-- @treturn {string,...}
function M.lines(target)
  local lines = {}
  for i, d in ipairs(target.differences) do
    lines[i] = d.text
  end
  return lines
end

-- ---- Markdown -------------------------------------------------------------

local function markdown_clean(text)
  return (text:gsub("[\\`*_{}%[%]<>()#+!|~]", "\\%0"))
end

--- Formats a comparison as Markdown: a table of differences, then the remarks.
-- @tparam table report
-- @treturn string
function M.markdown(report)
  local lines = { "| Target | Path | Difference |", "|---|---|---|" }
  for _, target in ipairs(report.targets) do
    local title = markdown_clean(title_of(target))
    local path = markdown_clean(path_text(target) or "-")
    for _, text in ipairs(target.differs and M.lines(target)
      or { "no difference" }) do
      lines[#lines + 1] = ("| %s | %s | %s |"):format(title, path,
        markdown_clean(text))
    end
  end
  for _, target in ipairs(report.targets) do
    for _, d in ipairs(target.remarks) do
      lines[#lines + 1] = ("\n%s: %s"):format(
        markdown_clean(title_of(target)), markdown_clean(d.text))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- JSON -----------------------------------------------------------------

local DIGITS = { __tojson = function(self) return self[1] end }

local function probability(value)
  return ("%.6g"):format(value)
end

local function value_of(row, value, null)
  if value == nil then
    return null
  elseif row.kind == "name" then
    return format.clean(value)
  end
  local digits = row.kind == "probability" and probability(value)
    or format.kinds[row.kind].raw(value)
  return digits and setmetatable({ digits }, DIGITS) or null
end

local function difference_of(d, null)
  local out = ordered.new()
  for _, row in ipairs(keys) do
    out[row.key] = value_of(row, d[row.from], null)
  end
  return out
end

local function list_of(list, null)
  local out = setmetatable({}, { __jsontype = "array" })
  for i, d in ipairs(list) do
    out[i] = difference_of(d, null)
  end
  return out
end

local function or_null(value, null)
  if value == nil then
    return null
  end
  return type(value) == "string" and format.clean(value) or value
end

local function target_of(target, null)
  local out = ordered.new()
  for _, key in ipairs { "target", "name", "protocol", "port",
    "path_id_before", "path_id_after" } do
    out[key] = or_null(target[key], null)
  end
  out.differs = target.differs
  out.differences = list_of(target.differences, null)
  out.remarks = list_of(target.remarks, null)
  return out
end

--- Formats a comparison as JSON; see schema.
-- @tparam table report
-- @tparam table view `version` of this program, `before` and `after`: the
--   names of the files
-- @tparam table dkjson the module
-- @treturn string
function M.json(report, view, dkjson)
  local out, null = ordered.new(), dkjson.null
  for _, member in ipairs { { "format", "mtr-trace-diff" },
    { "format_version", M.FORMAT }, { "version", view.version },
    { "before", format.clean(view.before) },
    { "after", format.clean(view.after) }, { "differs", report.differs },
    { "tests", report.tests } } do
    out[member[1]] = member[2]
  end
  out.false_alarm_rate = setmetatable({ probability(shifts.ALPHA) }, DIGITS)
  out.targets = setmetatable({}, { __jsontype = "array" })
  for i, target in ipairs(report.targets) do
    out.targets[i] = target_of(target, null)
  end
  return dkjson.encode(out) .. "\n"
end

-- ---- schema ---------------------------------------------------------------

local TYPES = { count = "integer", name = "string" }

local object, value = jsonschema.object, jsonschema.value
local record, list = jsonschema.record, jsonschema.list

local function difference_schema()
  local rows = {}
  for i, row in ipairs(keys) do
    rows[i] = { row.key, value(TYPES[row.kind] or "number", row.about, true) }
  end
  rows[1][2] = object { { "description", keys[1].about },
    { "type", "string" }, { "enum", words.kinds() } }
  return record(rows)
end

local function target_schema()
  local difference = difference_schema()
  return record {
    { "target", value("string", "address that was traced", true) },
    { "name", value("string", "target as the user named it", true) },
    { "protocol", value("string", args.accepted "protocol", true) },
    { "port", value("integer", "destination port; null for icmp", true) },
    { "path_id_before", value("integer", "identifier of the path, 48 bits",
      true) },
    { "path_id_after", value("integer", "the same after", true) },
    { "differs", value("boolean", "whether there are differences") },
    { "differences", list("what differs by more than chance", difference) },
    { "remarks", list("what is no difference of the path", difference) },
  }
end

--- Returns the JSON Schema of M.json's document.
-- @treturn table for dkjson, in order
function M.schema()
  return jsonschema.document("mtr-trace --diff --json", "Times are in ms, "
    .. "losses in percent. Unknown values are null. Later versions may add "
    .. "keys.", {
      { "format", object { { "const", "mtr-trace-diff" } } },
      { "format_version", object { { "const", M.FORMAT } } },
      { "version", value("string", "of the program") },
      { "before", value("string", "name of the first file") },
      { "after", value("string", "name of the second file") },
      { "differs", value("boolean", "whether any target differs") },
      { "tests", value("integer", "tests of significance, all controlled "
        .. "together") },
      { "false_alarm_rate", value("number", "probability that two runs "
        .. "without a difference are reported to differ") },
      { "targets", list("in the order of the files", target_schema()) },
    })
end

return M
