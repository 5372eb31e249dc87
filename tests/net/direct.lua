-- SPDX-License-Identifier: BSD-2-Clause
-- direct.lua FILE ADDRESS: how many packets of tcpdump -v went to this address
-- with a TTL of 64: echo requests, TCP ACKs, UDP. No trace in the lab has
-- probes of that TTL.
local KINDS = { "echo request", "Flags [.]", "UDP," }
local counts, ttl = { 0, 0, 0 }, nil

-- Behind the address of TCP and UDP stands a port.
local function address_of(line, kind)
  local target = (line:match("> (%S+)") or ""):gsub(":$", "")
  return kind == 1 and target or target:match("^(.*)%.%d+$")
end

for line in io.lines(arg[1]) do
  ttl = line:match("ttl (%d+)") or line:match("hlim (%d+)") or ttl
  for i, text in ipairs(KINDS) do
    if ttl == "64" and line:find(text, 1, true)
      and address_of(line, i) == arg[2] then
      counts[i] = counts[i] + 1
    end
  end
end
print(table.concat(counts, " "))
