-- SPDX-License-Identifier: BSD-2-Clause

--- Summary of the traces of one port: how far its probes got, whether the
-- target replied, which router rejected them. Pure.
-- @module mtrtrace.ports.fold
local reverse = require "mtrtrace.verdict.reverse"

local M = {}

local EXCEEDED = { [4] = 11, [6] = 3 }

local function family_of(result)
  return result.target:find(":", 1, true) and 6 or 4
end

local function has_exceeded(responder, family)
  for _, code in ipairs(responder.codes or {}) do
    if code.type == EXCEEDED[family] and code.count > 0 then
      return true
    end
  end
  return false
end

-- The routers that sent time exceeded, by TTL.
local function add_routers(out, result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      if not responder.target
        and has_exceeded(responder, family_of(result)) then
        out.routers[hop.ttl] = out.routers[hop.ttl] or {}
        out.routers[hop.ttl][responder.address] = true
        out.last = math.max(out.last, hop.ttl)
      end
    end
  end
end

local function add_sent(out, result)
  for _, hop in ipairs(result.hops) do
    out.sent[hop.ttl] = (out.sent[hop.ttl] or 0) + hop.total_sent
  end
end

-- The errors of routers about probes that did not arrive.
local function add_errors(out, result)
  for _, hop in ipairs(result.hops) do
    for _, report in ipairs(hop.reports or {}) do
      if report.address ~= result.target then
        local key = ("%s %d/%d"):format(report.address, report.type,
          report.code)
        local error = out.errors[key] or { address = report.address,
          type = report.type, code = report.code, name = report.name,
          count = 0, ttl = hop.ttl }
        error.count = error.count + report.count
        error.ttl = math.min(error.ttl, hop.ttl)
        out.errors[key] = error
      end
    end
  end
end

-- The reply of the target.
local function target_reply(result)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.ttl == result.target_ttl
      and hop.responders or {}) do
      local code = responder.target and responder.codes and responder.codes[1]
      if code then
        return { name = code.name, type = code.type, code = code.code,
          ttl = result.target_ttl, reply_ttl = responder.reply_ttl,
          return_hops = reverse.return_hops(responder),
          address = responder.address }
      end
    end
  end
end

local function loss_of_target(result)
  for _, hop in ipairs(result.hops) do
    if hop.ttl == result.target_ttl and hop.sent > 0 then
      return 1 - hop.received / hop.sent
    end
  end
  return 0
end

-- The most frequent error; of equally frequent ones that of the lowest TTL.
local function chief(errors)
  local best
  for _, error in pairs(errors) do
    if not best or error.count > best.count or error.count == best.count
      and (error.ttl < best.ttl or error.ttl == best.ttl
        and error.address < best.address) then
      best = error
    end
  end
  return best
end

local function add_reached(out, result)
  local reply = result.reached and target_reply(result)
  if not reply then
    return
  end
  out.loss = math.max(out.loss, loss_of_target(result))
  out.replies[#out.replies + 1] = reply
  out.target_ttl = math.min(out.target_ttl or 255, reply.ttl)
  out.target_ttl_most = math.max(out.target_ttl_most or 0, reply.ttl)
end

local function new()
  return { flows = 0, reached = 0, last = 0, routers = {}, sent = {},
    errors = {}, replies = {}, loss = 0 }
end

-- The flows with at least one trace that reached the target.
local function reached_flows(results)
  local reached = {}
  for _, result in ipairs(results) do
    reached[result.flow] = reached[result.flow]
      or result.reached and target_reply(result) ~= nil
  end
  return reached
end

--- Folds the results of one port's flows.
-- @tparam {table,...} results of one flow each, as trace:result() gives them;
--   a flow may have several
-- @treturn table `flows`, and of them `reached`; `target_ttl` and
--   `target_ttl_most`, the lowest and highest TTL of the target's replies;
--   `replies` of the target; `routers`: by TTL, the addresses that sent time
--   exceeded; `last`: the highest of these TTLs, 0 for none; `sent`: probes by
--   TTL; `error`: the most frequent error of routers; `loss` at the target;
--   `send_error`; `missed`: the same for the flows that did not reach the
--   target; `arrived`: the same for those that did
function M.of(results)
  local all, missed, arrived = new(), new(), new()
  local reached, counted = reached_flows(results), {}
  for _, result in ipairs(results) do
    local part = reached[result.flow] and arrived or missed
    for _, into in ipairs { all, part } do
      into.flows = into.flows + (counted[result.flow] and 0 or 1)
      add_routers(into, result)
      add_sent(into, result)
      add_errors(into, result)
      add_reached(into, result)
      into.send_error = into.send_error or result.send_error
    end
    counted[result.flow] = true
  end
  all.error, missed.error = chief(all.errors), chief(missed.errors)
  all.reached, arrived.reached = arrived.flows, arrived.flows
  all.missed, all.arrived = missed, arrived
  return all
end

return M
