-- SPDX-License-Identifier: BSD-2-Clause
--- The errors of the RTTs in a CSV report of many ICMP traces against an
-- independent capture of them: thousands_rtt.lua FILE.pcap FILE.csv PACKETS.
-- FILE.pcap is tcpdump's, nanoseconds, IPv4. Of each hop three RTTs are
-- single probes': the last, the best and the worst of its first PACKETS
-- probes, which are those that count where no router rate-limits. Prints
-- median, p99 and worst of |error| in microseconds, how many RTTs were
-- compared, and how many lines of the report could not be, as the capture
-- lacks a packet.
local pcap_name, csv_name, packets = arg[1], arg[2], tonumber(arg[3])

package.path = arg[0]:match "^.*/" .. "?.lua;" .. package.path
local wire = require "wire"

-- Probes of a hop in the order in which they were sent, by target and TTL, and
-- the newest probe with each identifier and sequence number.
local hops, probes = {}, {}

local function take(ns, packet)
  local request, echo = wire.echo(packet)
  if request then
    local a, b, c, d = packet:byte(17, 20)
    local key = ("%d.%d.%d.%d %d"):format(a, b, c, d, packet:byte(9))
    local probe = { ns }
    hops[key] = hops[key] or {}
    table.insert(hops[key], probe)
    probes[echo] = probe
  elseif echo and probes[echo] and not probes[echo][2] then
    probes[echo][2] = ns
  end
end

-- Last, best and worst RTT of a hop in ms; nil where the capture lacks one.
local function truth_of(hop)
  local last, best, worst
  for i = 1, packets do
    local probe = hop and hop[i]
    if not (probe and probe[2]) then
      return nil
    end
    last = (probe[2] - probe[1]) / 1e6
    best, worst = math.min(best or last, last), math.max(worst or last, last)
  end
  return last, best, worst
end

local function cells_of(line)
  local cells = {}
  for cell in (line .. ","):gmatch "([^,]*)," do
    cells[#cells + 1] = cell
  end
  return cells
end

for ns, packet in wire.packets(pcap_name) do
  take(ns, packet)
end
local lines, place = io.lines(csv_name), {}
for i, name in ipairs(cells_of(lines())) do
  place[name] = i
end

local errors, missing = {}, 0
local function compare(reported, truth)
  errors[#errors + 1] = math.abs(tonumber(reported) - truth) * 1000
end

for line in lines do
  local cells = cells_of(line)
  local last, best, worst =
    truth_of(hops[cells[place.target] .. " " .. cells[place.hop]])
  if last and cells[place.last_ms] ~= "" then
    compare(cells[place.last_ms], last)
    compare(cells[place.best_ms], best)
    compare(cells[place.worst_ms], worst)
  else
    missing = missing + 1
  end
end
local median, p99, worst = wire.summary(errors)
print(("%.2f %.2f %.2f %d %d"):format(median, p99, worst, #errors, missing))
