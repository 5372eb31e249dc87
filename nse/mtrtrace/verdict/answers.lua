-- SPDX-License-Identifier: BSD-2-Clause

--- Verdicts on how hops reply: silent, no token, rate-limited; and the marks
-- of hops whose unanswered probes are not loss on the path. Pure.
-- @module mtrtrace.verdict.answers
local format = require "mtrtrace.base.format"
local loss = require "mtrtrace.base.proportion"
local words = require "mtrtrace.verdict.words"

local M = {}

-- The slow sample must be better than the burst, and surely better when the
-- hops behind are taken with it. Measured by tests/sim/verdict_quality.lua:
-- real loss, which takes a burst's answers too, passes both in under 1 % of
-- paths.
local Z_ALONE, Z_WITH_BEHIND = 2.58, 3.7

-- Chance at which a hop on a path without loss shows as much.
local ODD = 0.01

-- Design, section 6, step 5: its replies surely fewer than some hop's
-- beyond it.
local function mark_better_beyond(hops)
  local best, behind = 0, nil
  for i = #hops, 1, -1 do
    local hop = hops[i]
    hop.better_beyond = nil
    if hop.sent > 0 and not hop.silent then
      local low, high = loss.wilson(hop.received, hop.sent, loss.Z99)
      hop.better_beyond = high < best and behind or nil
      if low > best then
        best, behind = low, hop.ttl
      end
    end
  end
end

-- Seconds between probes for which nobody waits (cext/engine/trace_limit.c).
local MOST_SPACING = 3.6

--- Whether a hop replies too seldom for a sample.
-- @tparam table hop
-- @treturn boolean
function M.is_too_seldom(hop)
  return hop.rate_limit ~= nil and hop.sent == 0
    and hop.rate_limit.sample_interval_s > MOST_SPACING
end

--- Whether no verdict may rest on a hop's counts: a rate limit was not ruled
-- out, other targets may have used it up, or the capture may have dropped
-- replies.
-- @tparam table hop of a trace result
-- @treturn boolean
function M.is_inconclusive(hop)
  return (hop.untested or hop.shared_rate_limit or hop.lost_during_drops)
    and true or false
end

-- More probes than this in a row, over several seconds: bursts that test
-- how fast tokens come. No rate limit that grants any is silent for so long.
local STOPPED = 32

-- It replied, and then no more, not even to the first of a burst after rests.
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

-- Counted probes of the flows that were tested: those on other paths may
-- lose less.
local function sample(hop)
  return hop.rate_limit.received or hop.received,
    hop.rate_limit.sent or hop.sent
end

local function rate_limits(hop, answered, sent)
  local got, of = burst(hop.rate_limit)
  local received, counted = sample(hop)
  -- A second's rest leaves a token: a burst without any reply met an outage.
  return of > 0 and got > 0 and counted > 0
    and loss.z_above(got, of, received, counted) >= Z_ALONE
    and loss.z_above(got, of, answered, sent) >= Z_WITH_BEHIND
end

-- Replies from beyond came through the hop, so they count with its own.
local function mark_rate_limited(hops)
  local answered, sent = 0, 0
  for i = #hops, 1, -1 do
    local hop = hops[i]
    if not (hop.silent or hop.better_beyond or M.is_inconclusive(hop)) then
      answered, sent = answered + hop.received, sent + hop.sent
    end
    hop.rate_limited = hop.rate_limit and not has_stopped(hop)
      and (M.is_too_seldom(hop) or rate_limits(hop, answered, sent)) or nil
  end
end

--- Marks hops: `better_beyond`, TTL of the hop that shows it; `rate_limited`,
-- true.
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

-- The first hop at which a verdict says that loss may begin.
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

--- Marks further hops as `better_beyond`: those that left more probes
-- unanswered than a path without loss does and than the last hop that
-- replies, where no verdict finds loss.
-- @tparam {table,...} hops of a trace result, marked by mark
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
    .. "loss is not known."):format(v.hop, format.decimal(v.at),
    words.plural(v.sent, "probe", "probes"))
  return v
end

-- Probes that may have come to the hop: those that left, and of which
-- nobody said that they did not arrive.
local function asked(hop)
  local n = hop.total_sent
  for _, report in ipairs(hop.reports or {}) do
    n = n - report.count
  end
  return n
end

local function silent_verdict(hops, first, last)
  local from, to, sent = hops[first].ttl, hops[last].ttl, 0
  for i = first, last do
    sent = sent + asked(hops[i])
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

-- A hop none of whose probes is finished or may have come to it, or that may
-- have had no token for them, is not known to be silent.
local function is_silent(hop)
  return hop.silent and hop.sent > 0 and not hop.untested and asked(hop) > 0
end

-- No reply, but not silent: the routers that other traces of the run met at
-- these TTLs reply, and their rate limit left nothing for this trace.
local function no_token_verdict(hops, first, last)
  local from, to, sent = hops[first].ttl, hops[last].ttl, 0
  for i = first, last do
    sent = sent + hops[i].total_sent
  end
  local one = from == to
  return {
    kind = "no_token", hop = one and from or nil,
    from = not one and from or nil, to = not one and to or nil, sent = sent,
    text = ("Cannot tell who is at %s: no reply to %s; routers that other "
      .. "traces of this run met there rate-limit their replies."):format(
      words.hops(from, to), words.plural(sent, "probe", "probes")),
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

-- One verdict for neighbours that are without replies for the same reason;
-- silence beyond which nothing replies is none.
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

--- Verdicts on answers.
-- @tparam table result as given by trace:result(), its hops marked
-- @treturn {table,...} of the kinds silent, no_token, stopped and rate_limited
function M.list(result)
  local out = {}
  add_silent(out, result.hops)
  for _, hop in ipairs(result.hops) do
    out[#out + 1] = hop.rate_limited and rate_limited_verdict(hop)
      or has_stopped(hop) and stopped_verdict(hop) or nil
  end
  return out
end

return M
