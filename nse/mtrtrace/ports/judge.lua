-- SPDX-License-Identifier: BSD-2-Clause

--- The hop that drops a port: compares the traces of ports with each other and
-- with the host's own trace. Pure. A finding states only that probes are lost
-- beyond the last hop that replied to them, as a hop that does not reply may
-- have forwarded them.
-- @module mtrtrace.ports.judge
local fold = require "mtrtrace.ports.fold"

local M = {}

-- Significance level: with this probability or more, ordinary loss explains
-- the missing replies.
local ODD = 0.01

--- The outcomes of a port, for the schema and the manual.
M.OUTCOMES = { "reached", "partly_reached", "dropped", "rejected",
  "answered_before_target", "unanswered", "unknown", "not_traced" }

local function name_of(protocol, port)
  return port and ("%s/%d"):format(protocol, port) or protocol:upper()
end

local function fold_main(main)
  local all = fold.of { main }
  all.name = name_of(main.protocol, main.port)
  return all
end

-- The traces that a port is compared with: those of all other ports and the
-- host's own.
local function others_of(all, self)
  local list = {}
  for _, one in ipairs(all) do
    if one ~= self and one.name ~= self.name and one.flows > 0 then
      list[#list + 1] = one
    end
  end
  return list
end

local function farthest(others)
  local ttl, loss = 0, 0
  for _, other in ipairs(others) do
    ttl = math.max(ttl, other.last, other.target_ttl_most or 0)
    loss = math.max(loss, other.loss)
  end
  return ttl, loss
end

-- A trace which shows that the replies to `one` come from a device before the
-- target: the target replies to it at a higher TTL and over a longer return
-- path.
local function shows_nearer(one, others)
  local reply = one.replies[1]
  for _, other in ipairs(reply and reply.return_hops and others or {}) do
    local theirs = other.replies[1]
    if theirs and theirs.return_hops and other.target_ttl > one.target_ttl_most
      and theirs.return_hops > reply.return_hops then
      return other
    end
  end
end

-- Whether any trace reached the target at a TTL.
local function is_target_at(others, ttl)
  for _, other in ipairs(others) do
    if other.reached > 0 and not other.nearer
      and ttl >= other.target_ttl and ttl <= other.target_ttl_most then
      return true
    end
  end
  return false
end

-- The first TTL beyond a hop at which routers reply to other traces, and the
-- names of these traces.
local function next_of(others, beyond)
  local first, names = nil, {}
  for _, other in ipairs(others) do
    for ttl in pairs(other.routers) do
      if ttl > beyond and ttl < (first or 256) then
        first = ttl
      end
    end
  end
  for _, other in ipairs(first and others or {}) do
    names[#names + 1] = other.routers[first] and other.name or nil
  end
  return first, names
end

local function addresses_at(one, ttl)
  local list = {}
  for address in pairs(one.routers[ttl] or {}) do
    list[#list + 1] = address
  end
  table.sort(list)
  return list
end

local function sent_beyond(one, ttl, most)
  local n = 0
  for at, sent in pairs(one.sent) do
    n = n + (at > ttl and at <= most and sent or 0)
  end
  return n
end

-- The first address of other traces at a TTL; nil if `one` has any of their
-- addresses there.
local function other_branch(one, others, ttl)
  local found = {}
  for _, other in ipairs(others) do
    for address in pairs(other.routers[ttl] or {}) do
      if (one.routers[ttl] or {})[address] then
        return nil
      end
      found[#found + 1] = address
    end
  end
  table.sort(found)
  return found[1]
end

-- The TTL of an address in the port's own traces, else in others.
local function place_of(address, one, others)
  for _, trace in ipairs { one, table.unpack(others) } do
    local at
    for ttl, list in pairs(trace.routers) do
      at = list[address] and math.min(at or 255, ttl) or at
    end
    if at then
      return at
    end
  end
end

-- ---- findings --------------------------------------------------------------

local function rejected(one, others)
  local error = one.error
  local hop = place_of(error.address, one, others)
  return { outcome = "rejected", hop = hop or one.last, ip = error.address,
    placed = hop ~= nil, icmp_type = error.type, icmp_code = error.code,
    error = error.name }
end

local function is_port_unreachable(reply)
  return reply.type == 3 and reply.code == 3
    or reply.type == 1 and reply.code == 4
end

-- A rejection by the target's own firewall; port unreachable for UDP is a
-- closed port, no rejection.
local function refused_by_target(port, one)
  local reply = one.replies[1]
  local closed = port.protocol == "udp" and is_port_unreachable(reply)
  if not reply.type or closed then
    return nil
  end
  return { outcome = "rejected", hop = one.target_ttl, ip = reply.address,
    placed = true, by_target = true, icmp_type = reply.type,
    icmp_code = reply.code, error = reply.name }
end

-- A TCP reply in the target's name by a device before it.
local function from_before(port, one)
  local other, reply = one.nearer, one.replies[1]
  if not other or port.protocol ~= "tcp" then
    return nil
  end
  local hop = one.target_ttl - 1
  return { outcome = "answered_before_target", hop = hop,
    ip = addresses_at(one, hop)[1], reply = reply.name,
    reply_ttl = reply.reply_ttl, return_hops = reply.return_hops,
    first_ttl = one.target_ttl, other = other.name,
    other_ttl = other.target_ttl,
    other_return_hops = other.replies[1].return_hops }
end

local function reached(port, one)
  local reply = one.replies[1]
  return refused_by_target(port, one) or from_before(port, one)
    or { outcome = "reached", target_ttl = one.target_ttl,
      target_ttl_most = one.target_ttl_most, reply = reply.name,
      reply_ttl = reply.reply_ttl, ip = reply.address }
end

-- Neither a reply of the target nor an error.
local function lost(port, one, others)
  local most, loss = farthest(others)
  local at_target = is_target_at(others, one.last + 1)
  local found = { outcome = "dropped", hop = one.last,
    ip = addresses_at(one, one.last)[1],
    probes_beyond = sent_beyond(one, one.last, most) }
  if one.send_error and found.probes_beyond == 0 then
    found.outcome, found.why = "unknown", one.send_error
  elseif most <= one.last then
    found.outcome, found.why = "unknown", "no farther"
  elseif loss ^ found.probes_beyond > ODD then
    found.outcome, found.why = "unknown", "loss"
    found.loss = loss
  elseif port.protocol == "udp" and at_target then
    found.outcome, found.target_ttl = "unanswered", one.last + 1
  end
  found.next_hop, found.next_names = next_of(others, one.last)
  found.at_target = at_target
  found.branch = other_branch(one, others, one.last)
  return found
end

-- The first hop at which flows that reach the target and flows that do not
-- pass different addresses.
local function divergence_of(one)
  for ttl = 1, one.missed.last do
    local theirs = addresses_at(one.arrived, ttl)
    local own = addresses_at(one.missed, ttl)
    local same = false
    for _, address in ipairs(own) do
      same = same or one.arrived.routers[ttl] ~= nil
        and one.arrived.routers[ttl][address] ~= nil
    end
    if not same and #own > 0 and #theirs > 0 then
      return { ttl = ttl, ip = own[1], other = theirs[1] }
    end
  end
end

local function partly(one, others)
  local missed = one.missed
  local error = missed.error
  return { outcome = "partly_reached", target_ttl = one.target_ttl,
    reply = one.replies[1].name, reply_ttl = one.replies[1].reply_ttl,
    hop = error and (place_of(error.address, missed, others) or missed.last)
      or missed.last,
    ip = error and error.address or addresses_at(missed, missed.last)[1],
    icmp_type = error and error.type, icmp_code = error and error.code,
    error = error and error.name, divergence = divergence_of(one),
    probes_beyond = sent_beyond(missed, missed.last, one.target_ttl_most) }
end

-- Whether the target's rate limit on ICMP errors (RFC 1122 section 3.2.2, RFC
-- 4443 section 2.4 f) explains the flows without a reply: only the target is
-- beyond their last hop.
local function is_rate_limit(port, one)
  return port.protocol == "udp" and is_port_unreachable(one.replies[1])
    and not one.missed.error and one.missed.last >= one.target_ttl - 1
end

local function finding(port, one, others)
  if one.flows == 0 then
    return { outcome = "not_traced", why = port.error or "no time" }
  elseif one.reached == one.flows
    or one.reached > 0 and is_rate_limit(port, one) then
    return reached(port, one)
  elseif one.reached > 0 then
    return partly(one, others)
  elseif one.error then
    return rejected(one, others)
  end
  return lost(port, one, others)
end

--- Judges ports.
-- @tparam table main result of the host's own trace
-- @tparam {table,...} ports `protocol`, `port`, `state` if known from Nmap,
--   `results` of its flows, `error` if there are none
-- @treturn {table,...} for each port `protocol`, `port`, `name`, `state`,
--   `flows`, `flows_reached`, `outcome` (one of OUTCOMES) and the details of
--   the outcome
-- @treturn table end of the host's own trace: `name`, `reached`, `target_ttl`
function M.list(main, ports)
  local all, list = { fold_main(main) }, {}
  for i, port in ipairs(ports) do
    all[i + 1] = fold.of(port.results or {})
    all[i + 1].name = name_of(port.protocol, port.port)
  end
  for _, one in ipairs(all) do
    one.nearer = shows_nearer(one, others_of(all, one))
  end
  for i, port in ipairs(ports) do
    local one = all[i + 1]
    local found = finding(port, one, others_of(all, one))
    found.protocol, found.port, found.name = port.protocol, port.port,
      one.name
    found.state, found.flows, found.flows_reached = port.state, one.flows,
      one.reached
    list[i] = found
  end
  return list, { name = all[1].name, reached = all[1].reached > 0,
    target_ttl = all[1].target_ttl }
end

return M
