-- SPDX-License-Identifier: BSD-2-Clause
--- The report for programs: ordered tables of raw values under the keys of
-- the field table (times in ms, shares in %), every responder and every
-- ICMP code included. Pure: a result in, tables out.
-- @module mtrtrace.report.structured
local fields = require "mtrtrace.fields"
local format = require "mtrtrace.format"
local notes = require "mtrtrace.notes"
local os_table = require "mtrtrace.report.os_table"

local M = {}

-- Keys of a result that are shown as they are, in this order.
local HEAD = {
  "protocol", "port", "source_port", "source", "interface", "mtu", "size",
  "packets", "reached", "ending", "ending_type", "ending_code",
  "target_ttl", "first_hop", "probed_hop", "elapsed", "sent", "send_error",
  "capture_drops", "clock_steps", "unstamped",
}

local function plain(value)
  if math.type(value) == "float" then
    return format.decimal(value)
  elseif type(value) == "string" then
    return format.clean(value)
  end
  return value
end

local function add_fields(out, scope, from)
  for _, field in ipairs(fields.all()) do
    out[field.key] = fields.raw(field, scope, from)
  end
end

local function each(list, new, convert)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = convert(item, new)
  end
  return out
end

local function some(list)
  return #list > 0 and list or nil
end

local function code_table(code, new)
  local out = new()
  out.type = code.type
  out.code = code.code
  out.name = format.clean(code.name)
  out.count = code.count
  return out
end

-- Keys of an origin, in this order.
local ORIGIN = {
  "asn", "prefix", "source", "server", "irr_source", "rpki", "organization",
  "country", "registry", "allocated",
}

local function origin_table(origin, new)
  local out = new()
  for _, key in ipairs(ORIGIN) do
    out[key] = plain(origin[key])
  end
  return out
end

local function responder_table(responder, new)
  local out = new()
  add_fields(out, "responder", responder)
  out.target = responder.target or false
  out.origins = some(each(responder.origins, new, origin_table))
  out.codes = some(each(responder.codes, new, code_table))
  out.os_guess = responder.os and os_table.build(responder.os, new)
  return out
end

local function hop_table(hop, new)
  local out = new()
  add_fields(out, "hop", hop)
  out.silent = hop.silent or false
  out.responders = each(hop.responders, new, responder_table)
  return out
end

local function verdict_table(verdict, new)
  local out = new()
  for _, field in ipairs(fields.of_verdicts()) do
    out[field.key] = fields.raw(field, "verdict", verdict)
  end
  return out
end

--- Builds the structured output.
-- @tparam table result as given by trace:result(), judged
-- @tparam table view `name`: the target as the user typed it, may be nil
-- @tparam function new makes an empty table that keeps the order of its
--   keys, such as stdnse.output_table
-- @treturn table
function M.build(result, view, new)
  local out = new()
  out.target = result.target
  out.name = format.clean(view.name)
  for _, key in ipairs(HEAD) do
    out[key] = plain(result[key])
  end
  out.hops = each(result.hops, new, hop_table)
  out.verdicts = some(each(result.verdicts, new, verdict_table))
  out.notes = some(each(notes.list(result), new, plain))
  return out
end

return M
