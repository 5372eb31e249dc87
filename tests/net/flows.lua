-- SPDX-License-Identifier: BSD-2-Clause
--- flows.lua TARGET PROTOCOL FLOWS: traces that many flows by the library
-- alone, three rounds, with nothing beside that sends probes.
local core = require "mtrtrace.core"
local bundle = require "mtrtrace.flows.bundle"

local trace = assert(bundle.start(core, { target = arg[1],
  protocol = arg[2], packets = 3 }, bundle.first(tonumber(arg[3]))))
while not trace:done() do
  trace.traces[0]:wait(0.1)
end
print(trace:result().sent)
trace:close()
