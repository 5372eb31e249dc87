-- SPDX-License-Identifier: BSD-2-Clause

--- A reader that shows mtrtrace.report.classic as answers come in; of
-- several traces one after the other.
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

-- With -n addresses stand alone, unless something else is asked of them.
local function tells_more(options)
  return options.names == "yes" or #options.asn > 0
    or options.geo_db ~= nil
end

local function facts_of(self, trace)
  return function(address)
    if self.tells_more and trace.peek then
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
  -- A recording says what was found out of addresses at its end.
  local text = trace.live and view:take(self.now()) or ""
  if text ~= "" then
    put(self, trace.index, text)
  end
end

-- The result knows all that was found out.
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
    if self.tells_more then
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

--- Begins to show.
-- @tparam table out see mtrtrace.report.out
-- @tparam function now seconds that never fall
-- @tparam table options checked
-- @tparam boolean ascii whether nothing but ASCII can be shown
-- @treturn table a reader
function M.new(out, now, options, ascii)
  return setmetatable({ texts = serial.new(out, "\n"), now = now,
    tells_more = tells_more(options), views = {},
    no_names = options.names == "no", ascii = ascii }, Reader)
end

return M
