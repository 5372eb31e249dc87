-- SPDX-License-Identifier: BSD-2-Clause
--- Searches for paths: paths.lua TARGET SOURCE_PORT. Prints how many probes
-- it sent and how many addresses it found.
local core = require "mtrtrace.core"

local search = assert(core.paths { target = arg[1], protocol = "udp",
  source_port = tonumber(arg[2]), confidence = 0.95 })
while not search:done() do
  assert(os.execute "sleep 0.05")
end
local result, addresses = search:result(), 0
for _, hop in ipairs(result.hops) do
  addresses = addresses + #hop.vertices
end
print(("%d %d"):format(result.sent, addresses))
