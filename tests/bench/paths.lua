-- SPDX-License-Identifier: BSD-2-Clause
--- Searches for paths: paths.lua TARGET SOURCE_PORT FILE. Prints how many
-- probes it sent, and how many addresses and links it found; the links go
-- into the file, sorted.
local core = require "mtrtrace.core"
local graph = require "mtrtrace.flows.graph"

local search = assert(core.paths { target = arg[1], protocol = "udp",
  source_port = tonumber(arg[2]), confidence = 0.95 })
while not search:done() do
  assert(os.execute "sleep 0.05")
end
local result = search:result()
local found, lines = graph.of_search(result), {}
for i, link in ipairs(found.links) do
  lines[i] = ("%s %s\n"):format(link.from:match "%S+$", link.to:match "%S+$")
end
table.sort(lines)
local file = assert(io.open(arg[3], "w"))
file:write(table.concat(lines))
file:close()
print(("%d %d %d"):format(result.sent, #found.nodes, #found.links))
