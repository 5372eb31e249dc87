-- SPDX-License-Identifier: BSD-2-Clause
-- made_rows.lua KIND [TARGETS]: rows whose answers to queries are known. Two
-- vantage points trace ten targets (or so many) each minute of two hours over
-- five hops; from the second hour on every other target is reached by another
-- router at hop 3 and loses there. Hop 2 limits its replies, hop 4 is
-- balanced.
local lines = require "mtrtrace.rows.lines"

local START = 1795788000
local kind, targets = arg[1], tonumber(arg[2]) or 10

local function emit(row)
  io.write(lines.line(kind, row))
end

local function run_of(common, target, moved)
  return setmetatable({ row = "run", reached = true,
    loss_begins_hop = moved and 3 or 0, target_median_ms = target * 10.0,
    path_mtu = target == 1 and 1400 or nil, ttfb_ms = 50.5,
    target_avg_ms = 10.25 }, { __index = common })
end

local function address_of(common, ttl, minute, moved)
  if ttl == 5 then
    return common.target
  elseif ttl == 4 then
    return "10.0.4." .. minute % 2 + 1
  end
  return ttl == 3 and moved and "10.0.3.9" or "10.0." .. ttl .. ".1"
end

local function hop_of(common, ttl, minute, moved)
  return setmetatable({ row = "hop", ttl = ttl, first = true, sent = 10,
    received = moved and ttl >= 3 and 8 or 10, rate_limited = ttl == 2,
    untested = false, silent = false, better_beyond = false,
    is_target = ttl == 5, asn = 64500 + ttl,
    reply_ttl = ttl == 1 and common.vantage == "v2" and moved and 58 or 60,
    ip = address_of(common, ttl, minute, moved) }, { __index = common })
end

for minute = 0, 119 do
  for target = 1, targets do
    for vantage = 1, 2 do
      local moved = minute >= 60 and target % 2 == 0
      local common = { vantage = "v" .. vantage, labels = "",
        run_id = (minute * 100000 + target) * 10 + vantage,
        time_s = START + minute * 60, name = "t" .. target,
        protocol = "icmp", target = "192.0.2." .. target,
        path_id = moved and 2 or 1 }
      if kind == "runs" then
        emit(run_of(common, target, moved))
      else
        for ttl = 1, 5 do
          emit(hop_of(common, ttl, minute, moved))
        end
      end
    end
  end
end
