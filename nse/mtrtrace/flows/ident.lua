-- SPDX-License-Identifier: BSD-2-Clause

--- Identifier of a path: the same in every run with the same responders. Pure.
--
-- The hashed text has a line for each TTL from the first one probed to the
-- last one with a reply, each ended by a line feed: the TTL in decimals, a
-- blank, and the address without an IPv6 zone, or "*" for a silent hop. With
-- per-packet load balancing of one flow the line has all addresses, sorted as
-- text and separated by commas; else it has the address with the most replies.
-- "1 10.0.0.1\n2 *\n3 192.0.2.9\n" is a path of three hops.
-- @module mtrtrace.flows.ident
local runs = require "mtrtrace.flows.runs"
local sha256 = require "mtrtrace.base.sha256"

local M = {}

--- CRC-32 as in IEEE 802.3 and zlib.
-- @tparam string text
-- @treturn string 8 hexadecimal digits, lower case
function M.crc32(text)
  local crc = 0xffffffff
  for i = 1, #text do
    crc = crc ~ text:byte(i)
    for _ = 1, 8 do
      crc = crc >> 1 ~ (crc & 1) * 0xedb88320
    end
  end
  return ("%08x"):format(crc ~ 0xffffffff)
end

--- Returns an address without its zone, which differs between hosts.
-- @tparam string address
-- @treturn string without the zone
function M.plain(address)
  return (address:gsub("%%.*", ""))
end

local function all_of(hop)
  local set = {}
  for _, responder in ipairs(hop.responders) do
    set[M.plain(responder.address)] = true
  end
  return table.concat(runs.keys(set), ",")
end

--- Whether a hop has per-packet load balancing: replies to one flow alternate
-- between responders.
-- @tparam table hop of the flow's result
-- @treturn boolean
function M.is_mixed(hop)
  for _, list in pairs(runs.by_flow(hop)) do
    if runs.alternate(list) then
      return true
    end
  end
  return false
end

--- Returns the path of a flow.
-- @tparam table result of one flow, as given by trace:result()
-- @treturn table array from first_hop to the last hop with a reply: an
--   address; several separated by commas with per-packet load balancing; false
--   for a silent hop
function M.path(result)
  local path, last = {}, 0
  for i, hop in ipairs(result.hops) do
    local main = hop.responders[1]
    last = main and i or last
    path[i] = main and (M.is_mixed(hop) and all_of(hop)
      or M.plain(main.address)) or false
  end
  for i = #path, last + 1, -1 do
    path[i] = nil
  end
  return path
end

--- Returns the text that is hashed.
-- @tparam table path as above
-- @tparam ?integer first TTL of its first entry; 1 where nil
-- @treturn string
function M.text(path, first)
  local lines = {}
  for i, address in ipairs(path) do
    lines[i] = ("%d %s\n"):format((first or 1) + i - 1, address or "*")
  end
  return table.concat(lines)
end

--- Returns the identifiers of a path.
-- @tparam table path as above
-- @tparam ?integer first TTL of its first entry; 1 where nil
-- @treturn table { crc32, sha256 }: lower-case hexadecimal digits
function M.of(path, first)
  local text = M.text(path, first)
  return { crc32 = M.crc32(text), sha256 = sha256.hex(text) }
end

--- Returns the identifier of a path as a number, for metrics and rows: the
-- first 48 bits of its SHA-256.
-- @tparam table path as above
-- @tparam ?integer first TTL of its first entry; 1 where nil
-- @treturn integer
function M.number(path, first)
  return sha256.number(sha256.hex(M.text(path, first)))
end

-- Returns the number of a path from its SHA-256 where that is known, else from
-- the path; nil for a path without a reply.
local function number_of(path, id, first)
  return #path > 0 and (id and sha256.number(id.sha256)
    or M.number(path, first)) or nil
end

--- Returns the identifiers of the paths of a result as numbers, without
-- duplicates, in the order of the flows.
-- @tparam table result of one flow, or of several by mtrtrace.flows.group
-- @treturn {integer,...} none where nothing replied
function M.numbers(result)
  local list, seen = {}, {}
  for _, flow in ipairs(result.flows or {}) do
    local number = M.number_of_flow(flow)
    list[#list + 1] = not seen[number or ""] and number or nil
    seen[number or ""] = true
  end
  if not result.flows then
    list[1] = number_of(M.path(result), nil, result.first_hop)
  end
  return list
end

--- Returns the identifier of a flow's path as a number.
-- @tparam table flow `path` and `path_id`, see mtrtrace.flows.group
-- @treturn ?integer nil where nothing replied
function M.number_of_flow(flow)
  return number_of(flow.path, flow.path_id)
end

return M
