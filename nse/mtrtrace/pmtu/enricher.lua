-- SPDX-License-Identifier: BSD-2-Clause

--- Path MTU discovery during a trace: an enricher of mtrtrace.session.tracer
-- that drives core.pmtu, and the wording of its result. Probes that cause
-- rate-limited errors wait until the trace is done, so they change no figure
-- of the table.
-- @module mtrtrace.pmtu.enricher
local M = {}

-- The options that are passed to core.pmtu unchanged.
local OPTIONS = {
  "protocol", "port", "source_port", "timeout", "max_hops", "tos", "mark",
  "udp_payload",
}

-- Grace period, as long as the engine's own limit: a user who requested the
-- path MTU waits for it.
local LONGEST_S = 60

local Enricher = {}
Enricher.__index = Enricher

-- Starts the search at the first poll, because the engine stops a search that
-- is not polled.
local function begin(self)
  if not self.search and not self.failed then
    self.search, self.failed = self.core.pmtu(self.options)
  end
  return self.search
end

--- See mtrtrace.session.tracer.
function Enricher:see(result)
  if result.done and begin(self) then
    self.search:release()
  end
end

-- Sets the hop of a reduction from the trace. The TTL in the quote is less
-- reliable, as some routers decrement it before they reject a packet.
local function place(reduction, hops)
  for _, hop in ipairs(hops) do
    for _, responder in ipairs(hop.responders) do
      if responder.address == reduction.address then
        reduction.ttl, reduction.from = hop.ttl, hop.ttl
        reduction.to = hop.ttl + 1
        return
      end
    end
  end
end

-- The result so far, with the hops of the trace.
local function finding_of(self, result)
  local found = self.search:result()
  for _, reduction in ipairs(found.reductions) do
    if reduction.method ~= "search" then
      place(reduction, result.hops)
    end
  end
  return found
end

--- See mtrtrace.screen.live: the path MTU is searched before the live screen
-- counts probes.
Enricher.first = true

function Enricher:preview(result)
  result.pmtu = self.search and self.search:done()
    and finding_of(self, result) or nil
end

--- See mtrtrace.session.tracer.
function Enricher:poll()
  return begin(self) and not self.search:done() and 1 or 0
end

--- See mtrtrace.session.tracer.
function Enricher:leave() -- luacheck: no self
end

--- See mtrtrace.session.tracer.
function Enricher:grace() -- luacheck: no self
  return LONGEST_S, "path MTU: no router names it, so sizes are searched"
end

--- See mtrtrace.session.tracer: adds `pmtu` to the result.
function Enricher:annotate(result)
  if not self.search then
    result.pmtu = { error = self.failed, reductions = {} }
    return
  end
  result.pmtu = finding_of(self, result)
  self.search:close()
end

--- Makes the enricher of one trace.
-- @tparam table core the module mtrtrace.core
-- @tparam table options as mtrtrace.options.args gives them
-- @tparam table subject `address`; `source` and `interface` if chosen
-- @treturn table
function M.new(core, options, subject)
  local own = { hold = true, target = subject.address,
    source = subject.source, interface = subject.interface }
  for _, key in ipairs(OPTIONS) do
    own[key] = options[key]
  end
  return setmetatable({ core = core, options = own }, Enricher)
end

-- ---- wording

local function where(reduction)
  local from, to = reduction.from, reduction.to
  if not from then
    return "at an unknown hop"
  elseif from == 0 and to == 1 then
    return "on this host's own link"
  elseif from == 0 then
    return to and ("before hop %d"):format(to) or "at an unknown hop"
  elseif to == from + 1 then
    return ("beyond hop %d"):format(from)
  end
  return to and ("between hops %d and %d"):format(from, to)
    or ("somewhere beyond hop %d"):format(from)
end

local function why(reduction, size, several)
  local to = several and reduction.mtu and ("to %d, "
    .. ""):format(reduction.mtu) or ""
  if reduction.method == "search" then
    return ("%sPMTU black hole: no router reports it, packets of %d bytes "
      .. "get no reply"):format(to, size + 1)
  elseif reduction.ttl == 0 then
    return to .. "this host sends no more"
  end
  return ("%s%s sent Packet Too Big"):format(to, reduction.address)
end

local function reductions_text(pmtu)
  local list = {}
  for i, reduction in ipairs(pmtu.reductions) do
    list[i] = ("%s (%s)"):format(where(reduction),
      why(reduction, pmtu.mtu, #pmtu.reductions > 1))
  end
  return table.concat(list, ", then ")
end

local function last_is_known(pmtu)
  local last = pmtu.reductions[#pmtu.reductions]
  return last and last.mtu == pmtu.mtu
end

-- The proven range of an inexact path MTU.
local function range(pmtu)
  local pass = ("packets of %d bytes pass"):format(pmtu.mtu)
  return pmtu.upper_bound and pmtu.upper_bound < pmtu.link_mtu
    and ("it is between %d and %d (%s, none of %d was answered)"):format(
      pmtu.mtu, pmtu.upper_bound, pass, pmtu.upper_bound + 1) or pass
end

local function finding(pmtu)
  local reach = pmtu.probed == "hop" and (" as far as hop %d, as the target "
    .. "does not reply"):format(pmtu.hop.ttl) or ""
  if pmtu.error then
    return ("Path MTU not searched: %s."):format(pmtu.error)
  elseif not pmtu.mtu then
    return ("Path MTU not found%s."):format(pmtu.done
      and ": no reply" or " in time")
  elseif not pmtu.exact then
    return ("Path MTU not found%s%s: %s."):format(
      pmtu.done and "" or " in time", reach, range(pmtu))
  elseif pmtu.mtu == pmtu.link_mtu then
    return ("Path MTU %d%s: that of this host's link."):format(pmtu.mtu,
      reach)
  elseif last_is_known(pmtu) then
    return ("Path MTU %d%s: reduced %s."):format(pmtu.mtu, reach,
      reductions_text(pmtu))
  end
  return ("Path MTU %d%s: packets of %d bytes get no reply, the hop was not "
    .. "found%s."):format(pmtu.mtu, reach, pmtu.mtu + 1,
    pmtu.done and "" or " in time")
end

-- A note if the search could not use the trace's own kind of probe.
local function otherwise(result)
  if result.protocol == "tcp-session" then
    return " It was searched with SYNs, not inside the connection."
  elseif result.udp_payload then
    return (" It was searched with plain datagrams to the same port, not "
      .. "with %s requests: a firewall may drop them."):format(
        result.udp_payload)
  end
  return ""
end

--- The result as a line under the table.
-- @tparam table result with `pmtu` or without
-- @treturn ?string nil without a search
function M.line(result)
  local pmtu = result.pmtu
  if not pmtu then
    return nil
  end
  local invalid = (pmtu.invalid_messages or 0) > 0
    and (" Invalid Packet Too Big messages from %s were ignored."):format(
      pmtu.invalid_from) or ""
  local more = pmtu.unlisted and (" %d messages reported further reductions, "
    .. "which are not listed."):format(pmtu.unlisted) or ""
  return finding(pmtu) .. otherwise(result) .. more .. invalid
end

return M
