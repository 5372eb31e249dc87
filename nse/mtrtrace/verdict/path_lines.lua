-- SPDX-License-Identifier: BSD-2-Clause

--- Lines under the table of several flows: the search for paths, and each path
-- with its flows. Pure.
-- @module mtrtrace.verdict.path_lines
local format = require "mtrtrace.base.format"
local words = require "mtrtrace.verdict.words"
local path_words = require "mtrtrace.verdict.places"

local M = {}

-- The indexes of hops where at least two paths have different responders.
local function forks(groups)
  local ttls = {}
  for i = 1, 255 do
    local seen, kinds = {}, 0
    for _, group in ipairs(groups) do
      local address = group.path[i]
      if address ~= nil and not seen[address] then
        seen[address], kinds = true, kinds + 1
      end
    end
    ttls[#ttls + 1] = kinds > 1 and i or nil
  end
  return ttls
end

local function own_hops(group, ttls)
  local parts = {}
  for _, i in ipairs(ttls) do
    if group.path[i] ~= nil then
      parts[#parts + 1] = ("%s at hop %d"):format(group.path[i] or "*",
        group.first_hop + i - 1)
    end
  end
  return path_words.enumerate(parts)
end

-- The source ports with which another tool takes the same path.
local function keys_of(result, group)
  local list, by_flow = {}, {}
  for _, flow in ipairs(result.flows) do
    by_flow[flow.flow] = flow
  end
  for i, number in ipairs(group.flows) do
    list[i] = by_flow[number].source_port
  end
  return #list > 0 and (" (source %s %s)"):format(
    #list == 1 and "port" or "ports", path_words.ranges(list)) or ""
end

local function path_line(result, group, ttls)
  local own = own_hops(group, ttls)
  return ("Path %d of %d, id %s: %s%s%s."):format(group.number,
    #result.groups, group.path_id.crc32,
    words.plural(#group.flows, "flow", "flows"), keys_of(result, group),
    own ~= "" and ", by " .. own or "")
end

local function known(nodes)
  local count = 0
  for _, node in ipairs(nodes) do
    count = count + (node.address and 1 or 0)
  end
  return count
end

-- A search inside connections would need one for each of up to 1,024 flows.
local function by_syns(result)
  return result.protocol == "tcp-session" and " It sent SYNs with the "
    .. "connections' addresses and ports, not probes inside them." or ""
end

local function search_line(result)
  local graph = result.graph
  return ("The search for paths found %s and %s with %d probes in %s: "
    .. "confidence %s %% per node, %s %% for all.%s%s%s"):format(
    words.plural(known(graph.nodes), "address", "addresses"),
    words.plural(#graph.links, "link", "links"), graph.sent,
    words.plural(graph.flow_count, "flow", "flows"),
    format.decimal(graph.confidence_per_node * 100),
    format.decimal(math.floor(graph.confidence * 100)),
    graph.limited and " It reached a limit: there may be more." or "",
    graph.whole == false and " More flows than can be measured are needed to "
      .. "cover all links: some nodes and links have no figures." or "",
    by_syns(result))
end

--- Lines for a result of several flows; empty for one flow.
-- @tparam table result as mtrtrace.session.tracer returns it
-- @treturn {string,...} sentences
function M.list(result)
  local lines = {}
  if result.graph and result.graph.sent then
    lines[1] = search_line(result)
    lines[2] = ("The search assumes: %s."):format(
      table.concat(result.graph.assumptions, "; "))
  end
  local groups = result.groups or {}
  local ttls = forks(groups)
  for _, group in ipairs(#groups > 1 and groups or {}) do
    lines[#lines + 1] = path_line(result, group, ttls)
  end
  return lines
end

return M
