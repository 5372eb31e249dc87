-- SPDX-License-Identifier: BSD-2-Clause
-- graph.lua FILE WHAT...: the paths in Nmap's XML, the command's JSON or
-- scamper's text of a tracelb, for shell tests.
--   links        a line for each link: TTL, from, to; scamper has no TTL: -
--   ids          a line for each path: its identifiers
--   shares       a line for each address of a TTL that has several: TTL,
--                address, share in percent
--   counted      the same from the flows' own paths
--   verdicts     a line for each: kind, hop, text
--   per_packet   the TTLs that are balanced so
--   get KEY      of the graph
local function read_all(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function trace_of(path)
  local text = read_all(path)
  if text:find("^tracelb") then
    return { scamper = text }
  elseif text:find("^%s*{") then
    local document, _, err = require "dkjson".decode(text)
    return assert(document, err).traces[1]
  end
  local nmapxml = require "nmapxml"
  return nmapxml.trace(nmapxml.read(path)).data
end

local SHOW = {}

local function print_sorted(lines)
  table.sort(lines)
  for _, line in ipairs(lines) do
    print(line)
  end
end

function SHOW.links(trace)
  local lines = {}
  for from, to in (trace.scamper or ""):gmatch("(%S+) %-> (%S+)") do
    lines[#lines + 1] = ("- %s %s"):format(from, to)
  end
  for _, link in ipairs(trace.graph and trace.graph.links or {}) do
    lines[#lines + 1] = ("%s %s %s"):format(link.from:match "^%d+",
      link.from:match "%S+$", link.to:match "%S+$")
  end
  print_sorted(lines)
end

function SHOW.ids(trace)
  local lines, seen = {}, {}
  for _, flow in ipairs(trace.flows or {}) do
    local line = ("%s %s"):format(flow.crc32, flow.sha256)
    if not seen[line] then
      seen[line], lines[#lines + 1] = true, line
    end
  end
  print_sorted(lines)
end

local function print_shares(hops)
  local lines = {}
  for _, hop in ipairs(hops) do
    for _, address in ipairs(#hop.list > 1 and hop.list or {}) do
      lines[#lines + 1] = ("%d %s %.1f"):format(hop.ttl, address,
        hop.share[address])
    end
  end
  print_sorted(lines)
end

function SHOW.shares(trace)
  local hops = {}
  for i, hop in ipairs(trace.hops) do
    hops[i] = { ttl = tonumber(hop.hop), list = {}, share = {} }
    for j, responder in ipairs(hop.responders) do
      hops[i].list[j] = responder.ip
      hops[i].share[responder.ip] = tonumber(responder.share_percent)
    end
  end
  print_shares(hops)
end

function SHOW.counted(trace)
  local hops = {}
  for _, flow in ipairs(trace.flows) do
    for ttl, address in ipairs(flow.path) do
      hops[ttl] = hops[ttl] or { ttl = ttl, list = {}, share = {} }
      local share = hops[ttl].share
      if not share[address] then
        table.insert(hops[ttl].list, address)
      end
      share[address] = (share[address] or 0) + 100 / #trace.flows
    end
  end
  print_shares(hops)
end

function SHOW.verdicts(trace)
  for _, v in ipairs(trace.verdicts or {}) do
    print(v.kind, v.hop or "-", v.text)
  end
end

function SHOW.per_packet(trace)
  local list = {}
  for _, node in ipairs(trace.graph.nodes) do
    if node.per_packet == true or node.per_packet == "true" then
      list[node.ttl + 0] = node.ttl
    end
  end
  for ttl = 1, 255 do
    if list[ttl] then
      print(ttl)
    end
  end
end

function SHOW.get(trace, key)
  print(trace.graph[key])
end

local ok, err = pcall(function()
  SHOW[arg[2]](trace_of(arg[1]), arg[3])
end)
if not ok then
  print(err)
end
