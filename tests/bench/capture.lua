-- SPDX-License-Identifier: BSD-2-Clause
--- The errors of reported RTTs against an independent capture:
-- capture.lua FILE.pcap REPORT [PROTOCOL]; prints how many, median, p99 and
-- worst of |error| in microseconds. FILE is tcpdump's, nanoseconds, IPv4;
-- lines of REPORT are "sequence rtt_us" (others are passed over). Of UDP and
-- TCP the sequence is the number of the probe, from 0.
local pcap_name, report_name, protocol = arg[1], arg[2], arg[3] or "icmp"

package.path = arg[0]:match "^.*/" .. "?.lua;" .. package.path
local wire = require "wire"

local TCP, UDP = 6, 17

local READERS = {}

-- Each: whether it is a probe, and the sequence that it has or quotes.
function READERS.icmp(packet)
  local request, key = wire.echo(packet)
  if key then
    return request, (string.unpack(">I2", key, 3))
  end
end

-- Whose checksum may be left to the interface: the cookie tells them apart.
local datagrams, by_cookie = 0, {}

function READERS.udp(packet)
  local kind, at, quoted = wire.transport(packet)
  if kind ~= UDP then
    return nil
  end
  local cookie = packet:sub(at + 8, at + 13)
  if not quoted and not by_cookie[cookie] then
    by_cookie[cookie], datagrams = datagrams, datagrams + 1
  end
  return not quoted, by_cookie[cookie]
end

local syns, by_port = 0, {}

function READERS.tcp(packet)
  local kind, at, quoted = wire.transport(packet)
  if kind ~= TCP then
    return nil
  end
  local from, to = string.unpack(">I2I2", packet, at)
  if not quoted and packet:byte(at + 13) == 2 then
    by_port[from], syns = syns, syns + 1
    return true, by_port[from]
  end
  return false, by_port[quoted and from or to]
end

local sent, truth = {}, {}
for ns, packet in wire.packets(pcap_name) do
  local probe, sequence = READERS[protocol](packet)
  if probe then
    sent[sequence] = ns
    truth[sequence] = nil
  elseif sequence and sent[sequence] and not truth[sequence] then
    truth[sequence] = (ns - sent[sequence]) / 1000
  end
end

local errors = {}
for line in io.lines(report_name) do
  local sequence, rtt = line:match("^(%d+) ([%d.]+)$")
  sequence = tonumber(sequence)
  if sequence and truth[sequence] then
    errors[#errors + 1] = math.abs(tonumber(rtt) - truth[sequence])
  end
end
local median, p99, worst = wire.summary(errors)
print(("%d probes: median %.2f us, p99 %.2f us, worst %.2f us"):format(
  #errors, median, p99, worst))
