-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on how hops reply: silent, no token, rate-limited; and the marks
-- of hops whose unanswered probes are not loss on the path. Pure.
-- @module mtrtrace.verdict.replies
local format = require "mtrtrace.base.format"
local loss = require "mtrtrace.base.proportion"
local words = require "mtrtrace.verdict.words"

local M = {}

-- Standard errors by which the paced sample must be better than the burst, for
-- the hop alone and together with the hops beyond it. Real loss, which affects
-- bursts too, passes both thresholds on under 1 % of paths (measured by
-- tests/sim/verdict_quality.lua).
local Z_ALONE, Z_WITH_BEYOND = 2.58, 3.7

-- Significance level: a hop on a path without loss loses as much by chance
-- with this probability.
local ODD = 0.01

-- Probes of a hop beyond also pass this hop. If that hop replies to a
-- significantly larger share, the probes unanswered here are not loss on the
-- path.
local function mark_better_beyond(hops)
  local best, ttl = 0, nil
  for i = #hops, 1, -1 do
    local hop = hops[i]
    hop.better_beyond = nil
    if hop.sent > 0 and not hop.silent then
      local low, high = loss.wilson(hop.received, hop.sent, loss.Z99)
      hop.better_beyond = high < best and ttl or nil
      if low > best then
        best, ttl = low, hop.ttl
      end
    end
  end
end

-- Seconds between probes above which a trace takes no sample
-- (cext/engine/trace_limit.c).
local MOST_SPACING = 3.6

--- Whether a hop replies too rarely for a sample.
-- @tparam table hop
-- @treturn boolean
function M.is_too_seldom(hop)
  return hop.rate_limit ~= nil and hop.sent == 0
    and hop.rate_limit.sample_interval_s > MOST_SPACING
end

--- Whether the counts of a hop are no base for a verdict: a rate limit was not
-- ruled out, traces to other targets may have used its tokens, or the capture
-- may have dropped replies.
-- @tparam table hop of a trace result
-- @treturn boolean
function M.is_inconclusive(hop)
  return (hop.untested or hop.shared_rate_limit or hop.lost_during_drops)
    and true or false
end

-- Unanswered probes in a row, sent in bursts over several seconds. A rate
-- limit that grants any token replies to some of so many.
local STOPPED = 32

-- Whether the hop replied at first and then not even to the first probe of a
-- burst after a pause.
local function has_stopped(hop)
  return M.is_too_seldom(hop) and not hop.silent
    and hop.rate_limit.burst_received == 0
    and hop.rate_limit.sent_since >= STOPPED
end

local function burst(rate_limit)
  if rate_limit.burst_sent > 0 then
    return rate_limit.burst_received, rate_limit.burst_sent
  end
  return rate_limit.initial_received, rate_limit.initial_sent
end

-- Counted probes of the flows in the burst test; flows on other paths may lose
-- less.
local function sample(hop)
  return hop.rate_limit.received or hop.received,
    hop.rate_limit.sent or hop.sent
end

local function rate_limits(hop, answered, sent)
  local got, of = burst(hop.rate_limit)
  local received, counted = sample(hop)
  -- A pause of 1 s refills at least one token, so a burst without any reply
  -- coincided with an outage.
  return of > 0 and got > 0 and counted > 0
    and loss.z_above(got, of, received, counted) >= Z_ALONE
    and loss.z_above(got, of, answered, sent) >= Z_WITH_BEYOND
end

-- Probes answered from beyond were forwarded by the hop, so they count with
-- its own.
local function mark_rate_limited(hops)
  local answered, sent = 0, 0
  for i = #hops, 1, -1 do
    local hop = hops[i]
    if not (hop.silent or hop.better_beyond or M.is_inconclusive(hop)) then
      answered, sent = answered + hop.received, sent + hop.sent
    end
    hop.stopped = has_stopped(hop) or nil
    hop.rate_limited = hop.rate_limit and not hop.stopped
      and (M.is_too_seldom(hop) or rate_limits(hop, answered, sent)) or nil
  end
end

--- Marks hops: `better_beyond`, the TTL of a hop beyond with a larger share of
-- replies; `rate_limited`, true; `stopped`, true: it replied at first.
-- @tparam {table,...} hops of a trace result
function M.mark(hops)
  mark_better_beyond(hops)
  mark_rate_limited(hops)
end

local function farthest_replying(hops)
  for i = #hops, 1, -1 do
    if hops[i].sent > 0 and not (hops[i].silent
      or M.is_inconclusive(hops[i])) then
      return hops[i]
    end
  end
end

-- The first hop at which loss may begin by any verdict.
local function first_claimed(verdicts)
  local first = math.huge
  for _, v in ipairs(verdicts) do
    first = v.lost and math.min(first, v.from or v.hop) or first
  end
  return first
end

local function is_unexplained(hop, last)
  local lost = hop.sent - hop.received
  return hop.sent > 0
    and not (hop.silent or hop.better_beyond or M.is_inconclusive(hop))
    and lost * last.sent > (last.sent - last.received) * hop.sent
    and loss.at_least(lost, hop.sent, loss.BACKGROUND) <= ODD
end

--- Marks further hops as `better_beyond`: hops before any loss found by a
-- verdict that left more probes unanswered than a path without loss and than
-- the last replying hop.
-- @tparam {table,...} hops of a trace result, already marked by `mark`
-- @tparam {table,...} verdicts on loss
function M.mark_unexplained(hops, verdicts)
  local last, first = farthest_replying(hops), first_claimed(verdicts)
  for _, hop in ipairs(hops) do
    if last and hop.ttl < math.min(first, last.ttl)
      and is_unexplained(hop, last) then
      hop.better_beyond = last.ttl
    end
  end
end

local function rate_limited_verdict(hop)
  local rate_limit = hop.rate_limit
  local received, sent = sample(hop)
  local v = {
    kind = "rate_limited", hop = hop.ttl, burst_sent = rate_limit.burst_sent,
    burst_received = rate_limit.burst_received,
    initial_sent = rate_limit.initial_sent,
    initial_received = rate_limit.initial_received,
    sample_interval_s = rate_limit.sample_interval_s,
    sent = sent, received = received, shared = rate_limit.shared,
    inferred = rate_limit.inferred,
  }
  v.text = ("Hop %d rate-limits its ICMP replies: %s."):format(v.hop,
    words.rate_limited(v))
  return v
end

local function stopped_verdict(hop)
  local v = { kind = "stopped", hop = hop.ttl, at = hop.rate_limit.answered_at,
    sent = hop.rate_limit.sent_since }
  v.text = ("Hop %d replied until %s s, and to none of %s after that: its "
    .. "loss is unknown."):format(v.hop, format.short_s(v.at),
    words.plural(v.sent, "probe", "probes"))
  return v
end

-- The number of probes that may have arrived at the hop: those sent, without
-- those that another router reported as undeliverable.
local function possible_arrivals(hop)
  local n = hop.total_sent
  for _, report in ipairs(hop.reports or {}) do
    n = n - report.count
  end
  return n
end

local function silent_verdict(hops, first, last)
  local from, to, sent = hops[first].ttl, hops[last].ttl, 0
  for i = first, last do
    sent = sent + possible_arrivals(hops[i])
  end
  local one = from == to
  return {
    kind = "silent", hop = one and from or nil, from = not one and from or nil,
    to = not one and to or nil, sent = sent,
    text = ("%s %s not reply (0 of %s), hops beyond do."):format(
      words.sentence(words.hops(from, to)), one and "does" or "do",
      words.plural(sent, "probe", "probes")),
  }
end

-- Whether the hop is known to be silent: at least one counted probe may have
-- arrived, and a rate limit was ruled out.
local function is_silent(hop)
  return hop.silent and hop.sent > 0 and not hop.untested
    and possible_arrivals(hop) > 0
end

-- For hops without a reply that are not silent: other traces of the run got
-- replies at these TTLs from routers whose rate limit left no token for this
-- trace.
local function no_token_verdict(hops, first, last)
  local from, to, sent = hops[first].ttl, hops[last].ttl, 0
  for i = first, last do
    sent = sent + hops[i].total_sent
  end
  local one = from == to
  return {
    kind = "no_token", hop = one and from or nil,
    from = not one and from or nil, to = not one and to or nil, sent = sent,
    text = ("%s %s unknown: no reply to %s; other traces of this run met "
      .. "routers there that rate-limit their replies."):format(
      words.sentence(words.hops(from, to)), one and "is" or "are",
      words.plural(sent, "probe", "probes")),
  }
end

local function why_none(hop)
  return hop.silent and hop.no_token and no_token_verdict
    or is_silent(hop) and silent_verdict or nil
end

local function last_heard(hops)
  local last = #hops
  while last > 0 and hops[last].silent do
    last = last - 1
  end
  return last
end

-- Adds one verdict for adjacent hops without replies for the same reason.
-- Silent hops beyond the last replying one get no verdict.
local function add_silent(out, hops)
  local heard, i = last_heard(hops), 1
  while i <= #hops do
    local why, last = why_none(hops[i]), i
    while why and hops[last + 1] and why_none(hops[last + 1]) == why do
      last = last + 1
    end
    if why and (why == no_token_verdict or last < heard) then
      out[#out + 1] = why(hops, i, last)
    end
    i = last + 1
  end
end

--- Verdicts on how hops reply.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} of the kinds silent, no_token, stopped and rate_limited
function M.list(result)
  local out = {}
  add_silent(out, result.hops)
  for _, hop in ipairs(result.hops) do
    out[#out + 1] = hop.rate_limited and rate_limited_verdict(hop)
      or hop.stopped and stopped_verdict(hop) or nil
  end
  return out
end

return M
