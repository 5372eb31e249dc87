-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that writes the traces of a run as one document, in the order of
-- the targets, each as soon as those before it are done.
--
-- A reader is an output of a run: a table with these methods, each optional.
-- targets(self, labels): called first, where the targets differ from the words
-- of the command line. start(self, trace). search(self, trace): multipath
-- detection is done, trace has `search`. events(self, trace, list, dropped).
-- finish(self, trace, result or nil, text). close(self). A trace is { index,
-- name, target, options, head, peek }, with several flows also { flows, search
-- }: see mtrtrace.cli.run. Fields of a reader: `wants_events`, to get events;
-- `shows_web`, to show the time to first byte, which is measured only if a
-- reader has this field; `figures`, to show no verdicts, which are left out if
-- all readers have this field. A reader writes to its `out`, see
-- mtrtrace.report.out, and never blocks.
-- @module mtrtrace.cli.document
local probes = require "mtrtrace.report.probes"
local serial = require "mtrtrace.cli.serial"

local M = {}

local Document = {}
Document.__index = Document

local function part(self, what)
  local value = self.format[what]
  if type(value) == "function" then
    return value(self.view)
  end
  return value or ""
end

function Document:targets(labels)
  self.view.targets = #labels
end

-- Collects single probes for formats that show them.
local function collect(self, trace)
  local flows
  for i, flow in ipairs(trace.flows or {}) do
    flows = flows or {}
    flows[i] = flow.flow
  end
  self.probes[trace.index] = probes.new(flows)
end

local function take(self, trace, list)
  local seen = self.probes[trace.index]
  for _, event in ipairs(seen and list or {}) do
    seen:event(event)
  end
end

function Document:finish(trace, result, err)
  local view = setmetatable({ name = trace.name, options = trace.options,
    probes = self.probes[trace.index], searched = trace.search ~= nil },
    { __index = self.view })
  self.probes[trace.index] = nil
  local text
  if result then
    text = self.writer.trace(result, view)
  elseif self.writer.failure then
    text = self.writer.failure(err, view)
  end
  self.texts:put(trace.index, text or "")
  self.texts:finish(trace.index)
end

function Document:close()
  self.texts:close()
  self.out:write(part(self, "tail"))
end

--- Returns a reader that starts a document.
-- @tparam table out see mtrtrace.report.out
-- @tparam table format a row of mtrtrace.report.formats
-- @tparam table view of the reports, see mtrtrace.screen.view
-- @treturn table a reader
function M.new(out, format, view)
  local self = setmetatable({ out = out, format = format, view = view,
    writer = format.open and format.open(view) or format,
    shows_web = format.shows_web, figures = format.figures,
    wants_events = format.wants_events, probes = {},
    start = format.wants_events and collect,
    events = format.wants_events and take }, Document)
  self.texts = serial.new(out, part(self, "between"))
  out:write(part(self, "head"))
  return self
end

return M
