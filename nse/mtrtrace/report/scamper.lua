-- SPDX-License-Identifier: BSD-2-Clause

--- Traces as sc_warts2json writes those of scamper: one JSON object a line.
-- Each trace is a cycle: its begin, a `trace` for each flow, or a `tracelb`
-- after a search for all paths, and its end. Pure.
-- @module mtrtrace.report.scamper
local extension = require "mtrtrace.flows.extension"
local format = require "mtrtrace.base.format"
local ident = require "mtrtrace.flows.ident"
local ordered = require "mtrtrace.base.ordered"
local probes = require "mtrtrace.report.probes"

local M = {}

local NS = 1000000000

-- What probes wait for a reply where no timeout was set, seconds.
local LONGEST_WAIT_S = 5

-- ---- values ---------------------------------------------------------------

local function moment(ns)
  local out = ordered.new()
  out.sec = ns // NS
  out.usec = ns % NS // 1000
  return out
end

local function started(ns)
  local out = moment(ns)
  out.ftime = os.date("!%Y-%m-%d %H:%M:%S", ns // NS)
  return out
end

local function began_ns(result, flow)
  return flow.started_ns or result.started_ns or 0
end

local FLAGS = { ["syn-ack"] = 0x12, rst = 0x14, ["bare-rst"] = 0x04 }

local function extension_of(responder)
  local stack = extension.stack(responder)
  if not stack then
    return nil
  end
  local object, labels = ordered.new(), {}
  for i, entry in ipairs(stack) do
    local label = ordered.new()
    label.mpls_ttl = entry.ttl
    label.mpls_s = entry.bottom and 1 or 0
    label.mpls_exp = entry.tc
    label.mpls_label = entry.label
    labels[i] = label
  end
  object.ie_cn = 1
  object.ie_ct = 1
  object.ie_dl = 4 * #stack
  object.mpls_labels = labels
  return { object }
end

-- ---- trace ----------------------------------------------------------------

local METHODS = { icmp = "icmp-echo-paris", udp = "udp-paris", tcp = "tcp" }

-- IPv6 has no identification; scamper writes 0, and no traffic class of a
-- quote.
local function is_v6(address)
  return address:find(":", 1, true) ~= nil
end

local function add_icmp(out, event)
  out.icmp_type = event.type
  out.icmp_code = event.code
  if event.quoted_size then
    out.icmp_q_ttl = event.quoted_ttl
    out.icmp_q_ipl = event.quoted_size
    out.icmp_q_tos = not is_v6(event.from) and event.quoted_tos or nil
  end
  out.icmp_nhmtu = event.mtu
end

local function hop_of(result, flow, ttl, attempt, probe)
  local event, out = probe.event, ordered.new()
  local responder = probes.responder(result, ttl, event.from)
  out.addr = ident.plain(event.from)
  out.name = format.clean(responder.name)
  out.probe_ttl = ttl
  out.probe_id = attempt
  out.probe_size = flow.size
  out.tx = moment(began_ns(result, flow)
    + (probe.sent_ns or event.at_ns - (event.rtt_ns or 0)))
  out.rtt = probes.ms(event.rtt_ns)
  out.reply_ttl = event.reply_ttl
  out.reply_tos = event.reply_tos
  out.reply_ipid = is_v6(event.from) and 0 or event.reply_ip_id
  out.reply_size = event.reply_size
  out.tcp_flags = FLAGS[event.reply]
  if not out.tcp_flags then
    add_icmp(out, event)
    out.icmpext = event.quoted_size and extension_of(responder)
  end
  return out
end

local function hops_of(result, flow, seen)
  local list, last = {}, 0
  for _, hop in ipairs(seen:path(flow)) do
    last = hop.ttl
    for attempt, probe in ipairs(hop.probes) do
      list[#list + 1] = probe.event
        and hop_of(result, flow, hop.ttl, attempt, probe) or nil
    end
  end
  return list, last
end

local function most_hops(view)
  return view.options and view.options.max_hops
end

local function stop_of(flow, view, last)
  if flow.reached then
    return "COMPLETED", 0
  elseif flow.ending == "unreachable" then
    return "UNREACH", flow.ending_code or 0
  elseif flow.stopped or not flow.ending then
    return "HALTED", 0
  end
  return last == most_hops(view) and "HOPLIMIT" or "GAPLIMIT", 0
end

local function add_addresses(out, flow)
  out.src = flow.source and ident.plain(flow.source)
  out.dst = ident.plain(flow.target)
end

local function wait_s(view)
  return math.ceil(view.options and view.options.timeout or LONGEST_WAIT_S)
end

local function trace_of(result, flow, view)
  local out = ordered.new()
  local hops, last = hops_of(result, flow, view.probes or probes.new())
  out.type = "trace"
  out.version = "0.1"
  out.userid = 0
  out.method = METHODS[flow.protocol]
  add_addresses(out, flow)
  out.sport = flow.source_port
  out.dport = flow.port
  out.icmp_sum = flow.checksum
  local reason, data = stop_of(flow, view, last)
  out.stop_reason = reason
  out.stop_data = data
  out.start = started(began_ns(result, flow))
  out.hop_count = last
  out.attempts = flow.packets
  out.hoplimit = most_hops(view)
  out.firsthop = flow.first_hop
  out.wait = wait_s(view)
  out.wait_probe = 0
  out.tos = view.options and view.options.tos or 0
  out.probe_size = flow.size
  out.probe_count = flow.sent
  out.hops = #hops > 0 and hops or nil
  return out
end

-- ---- tracelb --------------------------------------------------------------

local LB_METHODS = { icmp = "icmp-echo", udp = "udp-sport", tcp = "tcp-sport" }

local function flow_id(flow)
  return flow.protocol == "icmp" and flow.checksum or flow.source_port
end

local function lb_reply(flow, began, event)
  local out = ordered.new()
  out.rx = moment(began + event.at_ns)
  out.ttl = event.reply_ttl
  out.rtt = probes.ms(event.rtt_ns)
  out.ipid = event.reply_ip_id
  out.tcp_flags = FLAGS[event.reply]
  if flow.protocol ~= "tcp" or not out.tcp_flags then
    out.icmp_type = event.type
    out.icmp_code = event.code
    out.icmp_q_tos = event.quoted_tos
    out.icmp_q_ttl = event.quoted_ttl
  end
  return out
end

local function lb_probe(result, flow, ttl, attempt, probe)
  local out, event = ordered.new(), probe.event
  local began = began_ns(result, flow)
  out.tx = moment(began + (probe.sent_ns or event.at_ns
    - (event.rtt_ns or 0)))
  out.replyc = event and 1 or 0
  out.ttl = ttl
  out.attempt = attempt - 1
  out.flowid = flow_id(flow)
  out.replies = event and { lb_reply(flow, began, event) } or nil
  return out
end

-- Returns the probes of a link: those of its flows at its far end, answered
-- from there or unanswered.
local function link_probes(context, node, flows)
  local wanted, list = {}, {}
  for _, number in ipairs(flows) do
    wanted[number] = true
  end
  for _, flow in ipairs(context.flows) do
    for attempt, probe in ipairs(wanted[flow.flow]
      and context.seen:of(node.ttl, flow.flow) or {}) do
      local from = probe.event and ident.plain(probe.event.from)
      if not probe.unsent and (not from or from == node.plain) then
        list[#list + 1] = lb_probe(context.result, flow, node.ttl, attempt,
          probe)
      end
    end
  end
  return #list > 0 and list or setmetatable({}, { __jsontype = "array" })
end

local function entry_of(context, node, flows)
  local out = ordered.new()
  out.addr = node and node.plain or "*"
  out.probes = node and link_probes(context, node, flows)
  return out
end

-- Returns the next nodes with an address: { node, flows, hops: distance in
-- hops }; without `node` where no hop beyond replies.
local function next_nodes(context, id, hops, list)
  for _, link in ipairs(context.from[id] or {}) do
    local node = context.nodes[link.to]
    if node.plain then
      list[#list + 1] = { node = node, flows = link.flows, hops = hops }
    elseif context.from[link.to] then
      next_nodes(context, link.to, hops + 1, list)
    else
      list[#list + 1] = { hops = hops }
    end
  end
  return list
end

-- As in scamper, links[n] are the addresses n hops away; silent hops between
-- are "*".
local function links_of(context, routes)
  local levels = {}
  for _, route in ipairs(routes) do
    for i = 1, route.hops do
      levels[i] = levels[i] or {}
      local is_end = i == route.hops
      table.insert(levels[i], entry_of(context, is_end and route.node or nil,
        is_end and route.flows or {}))
    end
  end
  return levels
end

local function node_of(context, node)
  local routes, out = next_nodes(context, node.id, 1, {}), ordered.new()
  out.addr = node.plain
  out.name = format.clean((node.responder or {}).name)
  out.q_ttl = context.quoted[node.id]
  out.linkc = #routes
  out.links = #routes > 0 and links_of(context, routes) or nil
  return out, #routes
end

-- The TTL that a node's replies quoted.
local function quoted_of(context, node)
  for _, probe in ipairs(context.seen:of(node.ttl)) do
    local event = probe.event
    if event and ident.plain(event.from) == node.plain then
      return event.quoted_ttl
    end
  end
end

local function context_of(result, seen)
  local out = { result = result, seen = seen, nodes = {}, from = {},
    quoted = {}, flows = probes.each_flow(result) }
  for _, node in ipairs(result.graph.nodes) do
    local known = setmetatable({ plain = node.address
      and ident.plain(node.address) }, { __index = node })
    out.nodes[node.id] = known
    out.quoted[node.id] = known.plain and quoted_of(out, known)
  end
  for _, link in ipairs(result.graph.links) do
    out.from[link.from] = out.from[link.from] or {}
    table.insert(out.from[link.from], link)
  end
  return out
end

local function nodes_of(context)
  local list, links = {}, 0
  for _, node in ipairs(context.result.graph.nodes) do
    if node.address and not node.target then
      local count
      list[#list + 1], count = node_of(context, context.nodes[node.id])
      links = links + count
    end
  end
  return list, links
end

local function nodec_of(graph)
  local count = 0
  for _, node in ipairs(graph.nodes) do
    count = count + (node.address and 1 or 0)
  end
  return count
end

local function tracelb_of(result, view)
  local out, flow = ordered.new(), probes.each_flow(result)[1]
  local options, null = view.options or {}, require "dkjson".null
  local nodes, links = nodes_of(context_of(result, view.probes
    or probes.new()))
  out.type = "tracelb"
  out.version = "0.1"
  out.userid = 0
  out.method = LB_METHODS[result.protocol]
  add_addresses(out, result)
  out.sport = flow.source_port
  out.dport = result.port
  out.start = started(began_ns(result, result))
  out.probe_size = result.size
  out.firsthop = result.first_hop
  out.attempts = result.packets
  out.confidence = options.paths
  out.tos = options.tos or 0
  out.gaplimit = options.max_silent or null
  out.wait_timeout = wait_s(view)
  out.wait_probe = math.floor(100 * (options.interval or 0.1))
  out.probec = result.sent
  out.probec_max = null
  out.nodec = nodec_of(result.graph)
  out.linkc = links
  out.nodes = nodes
  return out
end

-- ---- lines ----------------------------------------------------------------

local function cycle(kind, key, ns)
  local out = ordered.new()
  out.type = kind
  out.list_name = "default"
  out.id = 0
  out[key] = ns // NS
  return out
end

--- The lines of a trace.
-- @tparam table result judged
-- @tparam table view `name`; `probes` by mtrtrace.report.probes; `options`
--   of the trace
-- @treturn string
function M.trace(result, view)
  local dkjson = require "dkjson"
  local began = began_ns(result, result)
  local list = { cycle("cycle-start", "start_time", began) }
  if result.graph and view.searched then
    list[2] = tracelb_of(result, view)
  else
    for _, flow in ipairs(probes.each_flow(result)) do
      list[#list + 1] = trace_of(result, flow, view)
    end
  end
  list[#list + 1] = cycle("cycle-stop", "stop_time",
    began + math.floor((result.elapsed_s or 0) * NS))
  for i, object in ipairs(list) do
    list[i] = dkjson.encode(object) .. "\n"
  end
  return table.concat(list)
end

return M
