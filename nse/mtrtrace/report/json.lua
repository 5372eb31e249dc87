-- SPDX-License-Identifier: BSD-2-Clause

--- The report as JSON: numbers are numbers, what is unknown is null, nothing
-- is a display string; mtrtrace.report.schema describes it. Pure: results
-- in, text out, by dkjson.
-- @module mtrtrace.report.json
local format = require "mtrtrace.base.format"
local ordered = require "mtrtrace.base.ordered"
local structured = require "mtrtrace.report.structured"

local M = {}

--- Format number of the document, raised by incompatible changes.
M.FORMAT = 3

local DIGITS = { __tojson = function(self) return self[1] end }

local function number(digits)
  return digits and setmetatable({ digits }, DIGITS)
end

local function asn_number(text, null)
  local digits = text and text ~= null and text:match("^AS(%d+)")
  return digits and math.tointeger(tonumber(digits)) or null
end

-- Texts for people are replaced by the values in them.
local function retype(responder, null)
  responder.asn = asn_number(responder.asn, null)
  if responder.special ~= null then
    responder.organization = null
  end
  for _, origin in ipairs(responder.origins or {}) do
    origin.asn = asn_number(origin.asn, null)
  end
end

-- The moment leads the document's other figures.
local function with_moment(out, result, null)
  local ns = result.started_ns
  out.started = ns and format.moment(ns) or null
  out.started_ns = ns and format.whole(ns) or null
end

--- A result as an ordered table for dkjson.
-- @tparam table result judged
-- @tparam table view `name`: the target as the user typed it
-- @param null what dkjson takes for null
-- @treturn table
function M.build(result, view, null)
  local out = structured.build(result, view, ordered.new,
    { number = number, null = null })
  with_moment(out, result, null)
  for _, hop in ipairs(out.hops) do
    for _, responder in ipairs(hop.responders) do
      retype(responder, null)
    end
  end
  return out
end

--- What stands before the traces.
-- @tparam table view `version` of this program
-- @treturn string
function M.head(view)
  return ('{"format":"mtr-trace","format_version":%d,"version":"%s",'
    .. '"traces":[\n'):format(M.FORMAT, view.version)
end

--- A trace.
-- @tparam table result judged
-- @tparam table view
-- @treturn string
function M.trace(result, view)
  local dkjson = require "dkjson"
  return dkjson.encode(M.build(result, view, dkjson.null))
end

--- A target that was not traced.
-- @tparam string err why, one sentence
-- @tparam table view `name`
-- @treturn string
function M.failure(err, view)
  local dkjson = require "dkjson"
  local out = ordered.new()
  out.name, out.error = format.clean(view.name), format.clean(err)
  return dkjson.encode(out)
end

M.between = ",\n"
M.tail = "\n]}\n"

return M
