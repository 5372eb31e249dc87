-- SPDX-License-Identifier: BSD-2-Clause
-- tun_core.lua TARGET PACKETS [INTERVAL]: traces with the plain core. Prints
-- a line per hop, "ttl address sent received best_ms median_ms", or with an
-- INTERVAL a line per answer, "ttl sequence rtt_us".
local core = require "mtrtrace.core"

local target, packets, interval = table.unpack(arg)
local trace = assert(core.trace { target = target,
  packets = tonumber(packets), interval = tonumber(interval),
  events = interval ~= nil })
assert(trace:wait(60), "no end")
if interval then
  for _, event in ipairs(trace:events()) do
    if event.kind == "reply" then
      print(event.ttl, event.index, event.rtt_ms * 1000)
    end
  end
else
  for _, hop in ipairs(trace:result().hops) do
    local first = hop.responders[1] or {}
    print(hop.ttl, first.address or "-", hop.sent, hop.received,
      first.best_ms or "-", first.median_ms or "-")
  end
end
