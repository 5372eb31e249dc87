-- SPDX-License-Identifier: BSD-2-Clause

--- Traces as results of RIPE Atlas: one JSON object a line, one for each
-- flow, in the layout of firmware 5080. Sizes are counted as Atlas counts
-- them: without the IP header and the 8 bytes of ICMP or UDP, or the 20 of
-- TCP. Pure.
-- @module mtrtrace.report.atlas
local extension = require "mtrtrace.flows.extension"
local format = require "mtrtrace.base.format"
local ident = require "mtrtrace.flows.ident"
local ordered = require "mtrtrace.base.ordered"
local probes = require "mtrtrace.report.probes"

local M = {}

-- The layout that is written. No measurement and no probe of Atlas has the
-- number 0.
local FIRMWARE, NO_NUMBER = 5080, 0

local NS = 1000000000

local HEADER = { icmp = 8, udp = 8, tcp = 20 }

local function header_size(address)
  return address:find(":", 1, true) and 40 or 20
end

-- ---- replies --------------------------------------------------------------

-- Letters for codes of ICMP errors; any other code is written as a number.
local ERRORS = {
  [4] = { [3] = { [0] = "N", [1] = "H", [2] = "P", [3] = "p", [13] = "A" } },
  [6] = { [1] = { [0] = "N", [1] = "A", [3] = "H", [4] = "p" } },
}

local IS_ERROR = { ["time-exceeded"] = true, unreachable = true,
  ["too-big"] = true }

local function error_of(event)
  if event.target or event.reply ~= "unreachable" then
    return nil
  end
  local by_type = ERRORS[event.from:find(":", 1, true) and 6 or 4]
  local letters = by_type[event.type] or {}
  return letters[event.code] or event.code
end

local FLAGS = { ["syn-ack"] = "SA", rst = "RA", ["bare-rst"] = "R" }

local function payload(event)
  local inner = FLAGS[event.reply] and HEADER.tcp or HEADER.icmp
  return event.reply_size
    and event.reply_size - header_size(event.from) - inner
end

local function differs(value, usual)
  return value ~= usual and value or nil
end

local function object_of(stack)
  local object = ordered.new()
  object.class = 1
  object.type = 1
  object.mpls = {}
  for i, entry in ipairs(stack) do
    local label = ordered.new()
    label.label = entry.label
    label.exp = entry.tc
    label.s = entry.bottom and 1 or 0
    label.ttl = entry.ttl
    object.mpls[i] = label
  end
  return object
end

local function extension_of(responder)
  local stack = extension.stack(responder)
  if not stack then
    return nil
  end
  local out = ordered.new()
  out.version = 2
  out.rfc4884 = (extension.state(responder) or ""):find("old-style", 1, true)
    and 0 or 1
  out.obj = { object_of(stack) }
  return out
end

local function reply_of(result, ttl, probe)
  local event, out = probe.event, ordered.new()
  local address = ident.plain(event.from)
  out.from = address
  out.ttl = event.reply_ttl
  out.size = payload(event)
  out.late = probe.late_by
  out.rtt = not probe.late_by and probes.ms(event.rtt_ns) or nil
  out.flags = FLAGS[event.reply]
  out.err = error_of(event)
  out.mtu = event.mtu
  if IS_ERROR[event.reply] then
    out.ittl = differs(event.quoted_ttl, 1)
    out.itos = differs(event.quoted_tos, 0)
    out.icmpext = extension_of(probes.responder(result, ttl, event.from))
  end
  return out
end

local function no_reply()
  local out = ordered.new()
  out.x = "*"
  return out
end

-- A late reply follows the mark of its timeout, because Atlas writes both.
local function add_probe(list, result, ttl, probe)
  if not probe.event or probe.late_by then
    list[#list + 1] = no_reply()
  end
  if probe.event then
    list[#list + 1] = reply_of(result, ttl, probe)
  end
end

local function hop_of(result, hop)
  local out, list, unsent = ordered.new(), {}, nil
  out.hop = hop.ttl
  for _, probe in ipairs(hop.probes) do
    if probe.unsent then
      unsent = unsent or probe.unsent
    else
      add_probe(list, result, hop.ttl, probe)
    end
  end
  if #list == 0 and unsent then
    out.error = ("sendto failed: %s"):format(unsent == true and "dropped"
      or format.clean(unsent))
  else
    out.result = #list > 0 and list or { no_reply() }
  end
  return out
end

-- ---- results --------------------------------------------------------------

local function size_of(flow)
  return flow.size and flow.size - header_size(flow.target)
    - (HEADER[flow.protocol] or 0)
end

local function document(result, flow, view)
  local out, hops = ordered.new(), {}
  local began = (flow.started_ns or result.started_ns or 0)
  out.fw = FIRMWARE
  out.type = "traceroute"
  out.msm_name = "Traceroute"
  out.msm_id = NO_NUMBER
  out.prb_id = NO_NUMBER
  out.timestamp = began // NS
  out.endtime = (began + (flow.elapsed_ns
    or math.floor((flow.elapsed_s or 0) * NS))) // NS
  out.af = flow.target:find(":", 1, true) and 6 or 4
  out.proto = flow.protocol:upper()
  out.dst_name = format.clean(view.name or flow.target)
  out.dst_addr = ident.plain(flow.target)
  out.src_addr = flow.source and ident.plain(flow.source)
  out.from = out.src_addr
  out.paris_id = (flow.flow or 0) + 1
  out.size = size_of(flow)
  for i, hop in ipairs((view.probes or probes.new()):path(flow)) do
    hops[i] = hop_of(result, hop)
  end
  out.result = #hops > 0 and hops or setmetatable({},
    { __jsontype = "array" })
  return out
end

--- The lines of a trace.
-- @tparam table result judged
-- @tparam table view `name`; `probes` by mtrtrace.report.probes
-- @treturn string
function M.trace(result, view)
  local dkjson, lines = require "dkjson", {}
  for i, flow in ipairs(probes.each_flow(result)) do
    lines[i] = dkjson.encode(document(result, flow, view)) .. "\n"
  end
  return table.concat(lines)
end

--- The line of a target that was not traced, as Atlas writes that a name was
-- not found.
-- @tparam string err why, one sentence
-- @tparam table view `name`
-- @treturn string
function M.failure(err, view)
  local dkjson, out = require "dkjson", ordered.new()
  local now = os.time()
  out.fw = FIRMWARE
  out.type = "traceroute"
  out.msm_name = "Traceroute"
  out.msm_id = NO_NUMBER
  out.prb_id = NO_NUMBER
  out.timestamp = now
  out.endtime = now
  out.dst_name = format.clean(view.name)
  local reason = ordered.new()
  reason.error = format.clean(err)
  out.result = { reason }
  return dkjson.encode(out) .. "\n"
end

return M
