-- SPDX-License-Identifier: BSD-2-Clause
--- first_hops.lua TARGET PROTOCOL FLOWS [SOURCE]: a line for each flow, by the
-- library alone: its source address, source port, target port and who
-- answered at hop 1.
local core = require "mtrtrace.core"
local bundle = require "mtrtrace.flows.bundle"

local trace = assert(bundle.start(core, { target = arg[1],
  protocol = arg[2], source = arg[4], packets = 1, max_hops = 2 },
  bundle.first(tonumber(arg[3]))))
while not trace:done() do
  trace.traces[0]:wait(0.1)
end
for _, flow in ipairs(trace:flows()) do
  local hop = flow.hops[1]
  print(flow.source, flow.source_port or 0, flow.port or 0,
    hop and hop.responders[1] and hop.responders[1].address or "*")
end
trace:close()
