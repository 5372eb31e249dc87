-- SPDX-License-Identifier: BSD-2-Clause

--- Hints on the return path and on tunnels, from the TTLs in replies, in
-- quotes and in label stacks (Vanaubel et al., TNT). They are hints, no
-- proofs, and include their numbers. Pure.
-- @module mtrtrace.verdict.reverse
local extension = require "mtrtrace.flows.extension"
local tunnels = require "mtrtrace.verdict.tunnels"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Least difference in hops for a hint; above ABSURD the guess of the initial
-- TTL was wrong (Vanaubel et al., TNT).
local WORTH, ABSURD = 3, 10

--- The initial TTL of a reply: the next higher one of the usual values.
-- @tparam integer left TTL of the received reply
-- @treturn integer 32, 64, 128 or 255
function M.initial(left)
  return left > 128 and 255 or left > 64 and 128 or left > 32 and 64 or 32
end

--- Hops of the return path from a responder; 1 from a neighbour.
-- @tparam table responder
-- @treturn ?integer nil if the TTL of its replies is unknown
function M.return_hops(responder)
  local left = responder.reply_ttl
  return left and left > 0 and M.initial(left) - left + 1 or nil
end

--- By how many hops the return path is longer than the forward path.
-- @tparam integer ttl of the hop
-- @tparam table responder
-- @treturn ?integer nil if unknown
function M.excess(ttl, responder)
  local back = M.return_hops(responder)
  local excess = back and back - ttl
  return excess and math.abs(excess) <= ABSURD and excess or nil
end

-- Verdict on adjacent hops with a longer return path.
local function longer_verdict(first, last, least, most)
  local one = first == last
  local by = least == most and ("%d hops"):format(least)
    or ("%d to %d hops"):format(least, most)
  return {
    kind = "longer_way_back", hop = one and first or nil,
    from = not one and first or nil, to = not one and last or nil,
    what = "frpla", hops = most,
    text = ("Hint: replies of %s seem to come back over %s more than the "
      .. "probes went: another return path, or a hidden tunnel."):format(
      words.hops(first, last), by),
  }
end

local function add_longer(out, hops)
  local run
  local function close()
    out[#out + 1] = run and longer_verdict(run.first, run.last, run.least,
      run.most) or nil
    run = nil
  end
  for _, hop in ipairs(hops) do
    local main = hop.responders[1]
    local excess = main and M.excess(hop.ttl, main)
    if excess and excess >= WORTH then
      run = run or { first = hop.ttl, least = excess, most = excess }
      run.last = hop.ttl
      run.least = math.min(run.least, excess)
      run.most = math.max(run.most, excess)
    elseif excess then
      close()
    end
  end
  close()
end

-- Junos sends ICMP errors with TTL 255 and echo replies with 64. A tunnel on
-- the return path propagates the smaller of its label TTL and the IP TTL, so
-- its hops are subtracted from the TTL of the errors only (RTLA in TNT).
local function return_tunnel(hop, responder)
  local left, echo = responder.reply_ttl, responder.echo_ttl
  if not (left and echo) or left <= 128 or M.initial(echo) == 255
    or responder.target then
    return nil
  end
  local errors = 255 - left + 1
  local echoes = M.initial(echo) - echo + 1
  local hidden = errors - echoes
  if hidden < 1 or hidden > ABSURD + WORTH then
    return nil
  end
  return { kind = "hidden_tunnel", hop = hop.ttl, what = "rtla",
    hops = hidden,
    text = ("Hint: a hidden tunnel of about %s on the return path from hop "
      .. "%d: its errors come over %d hops, its echo replies over %d.")
      :format(words.plural(hidden, "hop", "hops"), hop.ttl, errors,
        echoes) }
end

--- The hints of a flow.
-- @tparam table result of one flow; `answers` and `echo_ttl` as far as known
-- @treturn {table,...} verdicts of the kinds longer_way_back, hidden_tunnel
--   and tunnel, with `hops` and the method as `what`
function M.list(result)
  local out = tunnels.list(result.hops, extension.stack,
    result.target)
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      out[#out + 1] = return_tunnel(hop, responder)
    end
  end
  add_longer(out, result.hops)
  return out
end

return M
