-- SPDX-License-Identifier: BSD-2-Clause

--- The report as CSV (RFC 4180, lines end with a line feed): a header, then
-- a line for each address that answered, one for each silent hop, and one for
-- a target without hops, which says why where it was not traced.
-- Figures of the hop stand in each of its lines, but where several flows gave
-- its addresses figures of their own. Pure.
-- @module mtrtrace.report.csv
local fields = require "mtrtrace.table.fields"
local format = require "mtrtrace.base.format"

local M = {}

local concat, math_type = table.concat, math.type

-- What spreadsheets take for the beginning of a formula, in either width.
local FORMULA = { ["="] = true, ["+"] = true, ["-"] = true, ["@"] = true,
  ["\u{ff1d}"] = true, ["\u{ff0b}"] = true, ["\u{ff0d}"] = true,
  ["\u{ff20}"] = true }

-- A text from outside, which a spreadsheet is to take for a text.
local function guarded(text)
  local first = text:match "^[ \t\r\n]*([\1-\127\194-\244][\128-\191]*)"
  return FORMULA[first] and "'" .. text or text
end

-- A cell. Spreadsheets may also part a line at a semicolon.
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

-- How one scope's value is read; nil where the scope has none.
local function reading(field, scope)
  local key, read, to_raw = fields.source(field, scope)
  return (key or read) and { key = key, read = read, to_raw = to_raw,
    is_count = field.kind == "count", is_name = field.kind == "name" }
    or nil
end

local function column(field)
  return { key = field.key, hop = reading(field, "hop"),
    responder = reading(field, "responder") }
end

local function columns(view)
  local list = {}
  for i, field in ipairs(columns_of(view)) do
    list[i] = column(field)
  end
  return list
end

local LEAD = { "target", "target_name", "started", "reached", "error" }

--- The header.
-- @tparam table view `columns` where `chosen`; else there are all
-- @treturn string
function M.head(view)
  local titles = { table.unpack(LEAD) }
  for _, field in ipairs(columns(view)) do
    titles[#titles + 1] = field.key
  end
  return line(titles, #titles)
end

local function text_of(reading_of, value)
  if reading_of.is_count and math_type(value) == "integer" then
    return value
  end
  value = reading_of.to_raw(value)
  if value == true or value == false then
    return value and "yes" or "no"
  end
  return reading_of.is_name and quoted(text_cell(value)) or value or ""
end

-- The hop's value where it has one, else the responder's; what both count,
-- such as `late`, is the hop's, unless an address has figures of its own
-- flows.
local function row(lead, list, hop, responder)
  local parts = { lead }
  local own = responder and responder.sent and #hop.responders > 1
  for i = 1, #list do
    local col, from, value = list[i], hop, nil
    local how = col.hop
    if not how or own and col.responder then
      how, from = col.responder, responder
    end
    if how and from then
      local key = how.key
      if key then
        value = from[key]
      else
        value = how.read(from)
      end
    end
    parts[i + 1] = value == nil and "" or text_of(how, value)
  end
  return concat(parts, ",") .. "\n"
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

local function empty_row(lead, list)
  return lead .. (","):rep(#list) .. "\n"
end

--- The lines of a trace.
-- @tparam table result judged
-- @tparam table view `name`, and as above
-- @treturn string
function M.trace(result, view)
  local lines, lead, list = {}, lead_of(result, view), columns(view)
  for _, hop in ipairs(result.hops) do
    if #hop.responders == 0 then
      lines[#lines + 1] = row(lead, list, hop)
    end
    for _, responder in ipairs(hop.responders) do
      lines[#lines + 1] = row(lead, list, hop, responder)
    end
  end
  return lines[1] and table.concat(lines) or empty_row(lead, list)
end

--- The line of a target that was not traced.
-- @tparam string err why, one sentence
-- @tparam table view as above
-- @treturn string
function M.failure(err, view)
  return empty_row(lead_of({ error = err }, view), columns(view))
end

return M
