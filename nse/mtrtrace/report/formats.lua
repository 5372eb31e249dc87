-- SPDX-License-Identifier: BSD-2-Clause

--- The documents that the command writes once traces are done, one row each:
-- what stands before them all, for each trace, between two, and behind.
-- A row is { name, head, trace, between, tail }; `trace` is a function of the
-- result and a view, the others are texts or functions of the view, and may
-- be absent; `open`, a function of the view, gives trace and failure for many
-- results. `shows_web` where the time to first byte is in it; `figures`
-- where nothing else is: no verdicts; `wants_events` where it shows single
-- probes: the view of a trace has `probes` then.
-- @module mtrtrace.report.formats
local atlas = require "mtrtrace.report.atlas"
local csv = require "mtrtrace.report.csv"
local dot = require "mtrtrace.report.dot"
local html = require "mtrtrace.report.html"
local json = require "mtrtrace.report.json"
local markdown = require "mtrtrace.report.markdown"
local mermaid = require "mtrtrace.report.mermaid"
local scamper = require "mtrtrace.report.scamper"
local text = require "mtrtrace.report.text"
local xml = require "mtrtrace.report.xml"

local M = {}

local function report(result, view)
  return text.render(result, view) .. "\n"
end

local ROWS = {
  { name = "report", shows_web = true, between = "\n", trace = report },
  { name = "json", shows_web = true, head = json.head, trace = json.trace,
    failure = json.failure, between = json.between, tail = json.tail },
  { name = "csv", figures = true, head = csv.head, open = csv.open,
    trace = csv.trace, failure = csv.failure },
  { name = "xml", shows_web = true, head = xml.head, trace = xml.trace,
    failure = xml.failure, tail = xml.tail },
  { name = "markdown", shows_web = true, trace = markdown.trace,
    failure = markdown.failure, between = markdown.between },
  { name = "dot", head = dot.head, trace = dot.trace, tail = dot.tail },
  { name = "html", shows_web = true, trace = html.trace,
    failure = html.failure,
    tail = html.tail },
  { name = "mermaid", head = mermaid.head, trace = mermaid.trace },
  { name = "atlas", figures = true, wants_events = true,
    trace = atlas.trace, failure = atlas.failure },
  { name = "scamper-json", figures = true, wants_events = true,
    trace = scamper.trace },
}

local BY_NAME = {}
for _, row in ipairs(ROWS) do
  BY_NAME[row.name] = row
end

--- The names of all formats, in order.
-- @treturn {string,...}
function M.names()
  local names = {}
  for i, row in ipairs(ROWS) do
    names[i] = row.name
  end
  return names
end

--- The row of a format.
-- @tparam string name
-- @treturn ?table
function M.get(name)
  return BY_NAME[name]
end

return M
