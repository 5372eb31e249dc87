-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that prints mtrtrace.report.classic as replies arrive; several
-- traces are printed one after the other.
-- @module mtrtrace.cli.classic
local bundle = require "mtrtrace.flows.bundle"
local classic = require "mtrtrace.report.classic"
local serial = require "mtrtrace.cli.serial"
local unicode = require "mtrtrace.base.unicode"

local M = {}

local Reader = { wants_events = true }
Reader.__index = Reader

local function put(self, index, text)
  self.texts:put(index, self.ascii and unicode.ascii(text) or text)
end

-- Whether addresses are annotated: with -n only where other data is requested.
local function is_annotated(options)
  return options.names == "yes" or #options.asn > 0
    or options.geo_db ~= nil
end

local function facts_of(self, trace)
  return function(address)
    if self.is_annotated and trace.peek then
      return trace.peek(address)
    end
    return nil, true
  end
end

function Reader:start(trace)
  local options = trace.options
  self.views[trace.index] = classic.new(options, facts_of(self, trace),
    { flows = trace.flows and bundle.numbers(trace.flows),
      no_names = self.no_names })
  put(self, trace.index, classic.title(trace, options, trace.head))
end

function Reader:events(trace, list)
  local view = self.views[trace.index]
  for _, event in ipairs(list) do
    view:event(event)
  end
  -- A recording has the data on addresses only at its end.
  local text = trace.live and view:take(self.now()) or ""
  if text ~= "" then
    put(self, trace.index, text)
  end
end

-- Returns a function that gives the data on an address from the result.
local function facts_of_result(result)
  local by_address = {}
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      by_address[responder.address] = responder
    end
  end
  return function(address) return by_address[address], true end
end

function Reader:finish(trace, result)
  local view = self.views[trace.index]
  if view and result then
    if self.is_annotated then
      view.facts = facts_of_result(result)
    end
    put(self, trace.index, view:take(nil, result))
  end
  self.views[trace.index] = nil
  self.texts:finish(trace.index)
end

function Reader:close()
  self.texts:close()
end

--- Returns a reader.
-- @tparam table out see mtrtrace.report.out
-- @tparam function now monotonic time in seconds
-- @tparam table options checked
-- @tparam boolean ascii whether output is limited to ASCII
-- @treturn table a reader
function M.new(out, now, options, ascii)
  return setmetatable({ texts = serial.new(out, "\n"), now = now,
    is_annotated = is_annotated(options), views = {},
    no_names = options.names == "no", ascii = ascii }, Reader)
end

return M
