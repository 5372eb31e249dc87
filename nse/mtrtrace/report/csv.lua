-- SPDX-License-Identifier: BSD-2-Clause

--- The report as CSV (RFC 4180, lines end with a line feed): a header, then
-- a line for each address that answered, one for each silent hop, and one for
-- a target without hops, which says why where it was not traced.
-- Figures of the hop stand in each of its lines, but where several flows gave
-- its addresses figures of their own. Pure.
-- @module mtrtrace.report.csv
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"
local tables = require "mtrtrace.base.tables"

local M = {}

local concat = table.concat

-- Characters at which spreadsheets start a formula, also in full width.
local FORMULA = { ["="] = true, ["+"] = true, ["-"] = true, ["@"] = true,
  ["\u{ff1d}"] = true, ["\u{ff0b}"] = true, ["\u{ff0d}"] = true,
  ["\u{ff20}"] = true }

-- Protects a text from outside from being read as a formula.
local function guarded(text)
  local first = text:match "^[ \t\r\n]*([\1-\127\194-\244][\128-\191]*)"
  return FORMULA[first] and "'" .. text or text
end

-- Formats a cell. Semicolons are quoted, too, because some spreadsheets split
-- lines at them.
local function quoted(value)
  if type(value) ~= "string" then
    return value == nil and "" or tostring(value)
  end
  return value:find('[,;"]') and '"' .. value:gsub('"', '""') .. '"' or value
end

local function text_cell(text)
  return text and guarded(format.clean(text))
end

local function line(values, count)
  local parts = {}
  for i = 1, count do
    parts[i] = quoted(values[i])
  end
  return table.concat(parts, ",") .. "\n"
end

local function columns_of(view)
  local list = {}
  for _, field in ipairs(fields.all()) do
    list[#list + 1] = not field.text_only and not field.derived
      and field or nil
  end
  if view.chosen then
    list = {}
    for i, key in ipairs(view.columns) do
      list[i] = fields.get(key)
    end
  end
  return list
end

local LEAD = { "target", "target_name", "started", "reached", "error" }

--- The header.
-- @tparam table view `columns` where `chosen`; else there are all
-- @treturn string
function M.head(view)
  local titles = { table.unpack(LEAD) }
  for _, field in ipairs(columns_of(view)) do
    titles[#titles + 1] = field.key
  end
  return line(titles, #titles)
end

-- ---- rows -----------------------------------------------------------------

-- Nearly all counts are small: a text that is there needs not be made.
local DIGITS = {}
for number = 0, 255 do
  DIGITS[number] = tostring(number)
end

-- Cells as text between commas: nothing for nil, a number as format.decimal
-- writes it. The reference of the engine's, which does the same without a text
-- for each cell.
local function line_of(cells, count)
  local texts = {}
  for i = 1, count do
    local value = cells[i]
    if type(value) == "number" then
      value = format.decimal(value)
    end
    texts[i] = value or ""
  end
  return concat(texts, ",")
end

-- Thousands of traces pass the same routers: their names are made once.
local NAMES_KEPT = 1000

-- Source code of a cell by the kind of its field; `raws` give a text, or
-- nothing for what is no number.
local WRITE = {
  count = "DIGITS[value] or value and raws[%d](value)",
  name = "value and name_cell(value)",
  flag = 'value ~= nil and (value and "yes" or "no") or nil',
}

local function write_of(field, place)
  local scale = format.kinds[field.kind].scale
  return scale and ("value and value * %d"):format(scale)
    or WRITE[field.kind]:format(place)
end

-- Source code that reads one scope's value; nil where the scope has none.
-- `reads` takes what is read by a function.
local function reading(field, scope, place, reads)
  local key, read = fields.source(field, scope)
  if read then
    reads[scope][place] = read
  end
  return key and ("value = %s[%q]"):format(scope, key)
    or read and ("value = reads.%s[%d](%s)"):format(scope, place, scope)
    or nil
end

-- The hop's value where it has one, else the responder's; what both count,
-- such as `late`, is the hop's, unless an address has figures of its own
-- flows.
local function cell(field, place, is_silent, reads)
  local hop = reading(field, "hop", place, reads)
  local responder = not is_silent and reading(field, "responder", place, reads)
  local read = hop and responder
    and ("if own then %s else %s end"):format(responder, hop)
    or hop or responder
  return read and ("  %s\n  cells[%d] = %s\n"):format(read, place,
    write_of(field, place)) or ""
end

local ROW = [[
local raws, reads, count, DIGITS, line, name_cell = ...
local cells = {}
return function(lead, hop, responder)
  local own, value = responder and responder.sent and #hop.responders > 1
%s  return lead .. "," .. line(cells, count) .. "\n"
end
]]

-- A function of a row, (lead, hop, responder), without a responder where it is
-- of silent hops. Written as code for these columns: thousands of traces have
-- each of them read ten times, and most are empty.
local function row_of(list, tools, is_silent)
  local body, raws, reads = {}, {}, { hop = {}, responder = {} }
  for place, field in ipairs(list) do
    raws[place] = format.kinds[field.kind].raw
    body[place] = cell(field, place, is_silent, reads)
  end
  return assert(load(ROW:format(concat(body)), "=row", "t", {}))(raws, reads,
    #list, DIGITS, tools.line, tools.name_cell)
end

-- What stands in front of each row of a trace.
local function lead_of(result, view)
  local values = { result.target, text_cell(view.name),
    result.started_ns and format.moment(result.started_ns),
    result.reached and "yes" or "no", text_cell(result.error) }
  for i = 1, #LEAD do
    values[i] = quoted(values[i])
  end
  return concat(values, ",")
end

local function empty_row(lead, count)
  return lead .. (","):rep(count) .. "\n"
end

--- What writes the lines of many traces with the same columns.
-- @tparam table view as for head; `line`: core.line, if there is one
-- @treturn table `trace`, `failure`: as below
function M.open(view)
  local list = columns_of(view)
  local tools = { line = view.line or line_of,
    name_cell = tables.remembered(function(text)
      return quoted(text_cell(text))
    end, NAMES_KEPT) }
  local row, silent_row = row_of(list, tools), row_of(list, tools, true)
  local count = #list
  local function trace(result, of_trace)
    local lines, lead = {}, lead_of(result, of_trace)
    for _, hop in ipairs(result.hops) do
      if #hop.responders == 0 then
        lines[#lines + 1] = silent_row(lead, hop)
      end
      for _, responder in ipairs(hop.responders) do
        lines[#lines + 1] = row(lead, hop, responder)
      end
    end
    return lines[1] and concat(lines) or empty_row(lead, count)
  end
  return { trace = trace, failure = function(err, of_trace)
    return empty_row(lead_of({ error = err }, of_trace), count)
  end }
end

--- The lines of a trace.
-- @tparam table result judged
-- @tparam table view `name`, and as above
-- @treturn string
function M.trace(result, view)
  return M.open(view).trace(result, view)
end

--- The line of a target that was not traced.
-- @tparam string err why, one sentence
-- @tparam table view as above
-- @treturn string
function M.failure(err, view)
  return M.open(view).failure(err, view)
end

return M
