-- SPDX-License-Identifier: BSD-2-Clause

--- Wording shared by verdicts and notes. Pure.
-- @module mtrtrace.verdict.words
local format = require "mtrtrace.base.format"

local M = {}

--- A number and its noun.
-- @tparam integer n
-- @tparam string one the noun
-- @tparam string many its plural
-- @treturn string
function M.plural(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many)
end

--- The size of the probes.
-- @tparam table result `size`, `random_size`
-- @treturn string such as "64 bytes" or "random sizes up to 100 bytes"
function M.sizes(result)
  return ("%s%d bytes"):format(result.random_size and "random sizes up to "
    or "", result.size)
end

--- What ended a trace whose run was stopped: a signal, or an output that was
-- closed.
M.INTERRUPT = "interrupt"

--- The end of a trace that was not done.
-- @tparam string name of the time limit, or INTERRUPT
-- @tparam number seconds since the trace began
-- @treturn string such as "Ended after 3.0 s by max-time"
function M.ended(name, seconds)
  if name == M.INTERRUPT then
    return ("Interrupted after %.1f s"):format(seconds)
  end
  return ("Ended after %.1f s by %s"):format(seconds, name)
end

--- One hop or several in a row.
-- @tparam integer from TTL
-- @tparam integer to TTL
-- @treturn string such as "hop 3" or "hops 3 to 5"
function M.hops(from, to)
  if from == to then
    return ("hop %d"):format(from)
  end
  return ("hops %d to %d"):format(from, to)
end

--- The likeliest hop of a range, with the range.
-- @tparam integer hop TTL
-- @tparam integer from TTL
-- @tparam integer to TTL
-- @treturn string such as "hop 6" or "hop 6 (5 to 7 possible)"
function M.likely(hop, from, to)
  local text = ("hop %d"):format(hop)
  return from == to and text
    or ("%s (%d to %d possible)"):format(text, from, to)
end

--- Several hops by their TTLs.
-- @tparam {integer,...} ttls rising
-- @treturn string such as "hop 3", "hops 3 to 5", "hops 1, 3 to 5 and 8"
function M.these_hops(ttls)
  local parts, first = {}, nil
  for i, ttl in ipairs(ttls) do
    first = first or ttl
    if ttls[i + 1] ~= ttl + 1 then
      parts[#parts + 1] = first == ttl and ("%d"):format(ttl)
        or ("%d to %d"):format(first, ttl)
      first = nil
    end
  end
  local last = table.remove(parts)
  return (#ttls == 1 and "hop " or "hops ")
    .. (#parts > 0 and table.concat(parts, ", ") .. " and " or "") .. last
end

--- The figures of a rate limit: burst test, initial sample and rate-limited
-- sample.
-- @tparam table v a verdict of kind "rate_limited"
-- @treturn string such as "1 of 16 in a burst, 11 of 60 in the initial
--   sample, 60 of 60 at 1.05 s"
function M.rate_limited(v)
  local parts = {}
  if v.burst_sent > 0 then
    parts[1] = ("%d of %d in a burst"):format(v.burst_received, v.burst_sent)
  end
  if v.initial_sent > 0 then
    parts[#parts + 1] = ("%d of %d in the initial sample"):format(
      v.initial_received, v.initial_sent)
  end
  if v.sent == 0 then
    return table.concat(parts, ", ")
      .. ", and too few replies after that to measure loss"
  end
  parts[#parts + 1] = ("%d of %d at %s s"):format(v.received, v.sent,
    format.short_s(v.sample_interval_s))
  local shared = v.inferred and "; all of these from other traces, which "
    .. "met this router on the same path: this trace got no reply here"
    or v.shared > 0 and ("; %d of these from another trace"):format(v.shared)
    or ""
  return table.concat(parts, ", ") .. shared
end

-- Longest list shown in full, and the addresses shown of a longer one.
local MOST, SHOWN = 8, 4

--- A list of addresses; the first ones only of a long list.
-- @tparam {string,...} list
-- @treturn string such as "10.0.0.1, 10.0.0.2 and 14 more"
function M.addresses(list)
  if #list <= MOST then
    return table.concat(list, ", ")
  end
  return ("%s and %d more"):format(table.concat(list, ", ", 1, SHOWN),
    #list - SHOWN)
end

--- Capitalizes the first letter.
-- @tparam string text
-- @treturn string
function M.sentence(text)
  return (text:gsub("^%l", string.upper))
end

return M
