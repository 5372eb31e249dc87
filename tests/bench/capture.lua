-- SPDX-License-Identifier: BSD-2-Clause
--- The errors of reported RTTs against an independent capture:
-- capture.lua FILE.pcap REPORT [PROTOCOL]; prints how many, median, p99 and
-- worst of |error| in microseconds. FILE is tcpdump's, Ethernet, nanoseconds,
-- IPv4; lines of REPORT are "sequence rtt_us" (others are passed over). Of
-- UDP and TCP the sequence is the number of the probe, from 0.
local pcap_name, report_name, protocol = arg[1], arg[2], arg[3] or "icmp"

package.path = arg[0]:match "^.*/" .. "?.lua;" .. package.path
local wire = require "wire"

local IP = wire.IP
local ICMP, TCP, UDP = 1, 6, 17

-- The protocol, where its header begins, and whether that is quoted.
local function transport(frame)
  local kind, at = frame:byte(IP + 9), IP + (frame:byte(IP) & 15) * 4
  local quoted = kind == ICMP and (frame:byte(at) == 11 or frame:byte(at) == 3)
  if quoted then
    kind, at = frame:byte(at + 8 + 9), at + 8 + (frame:byte(at + 8) & 15) * 4
  end
  return kind, at, quoted
end

local READERS = {}

-- Each: whether it is a probe, and the sequence that it has or quotes.
function READERS.icmp(frame)
  local kind, at, quoted = transport(frame)
  if kind == ICMP then
    return frame:byte(at) == 8 and not quoted,
      (string.unpack(">I2", frame, at + 6))
  end
end

-- Whose checksum may be left to the interface: the cookie tells them apart.
local datagrams, by_cookie = 0, {}

function READERS.udp(frame)
  local kind, at, quoted = transport(frame)
  if kind ~= UDP then
    return nil
  end
  local cookie = frame:sub(at + 8, at + 13)
  if not quoted and not by_cookie[cookie] then
    by_cookie[cookie], datagrams = datagrams, datagrams + 1
  end
  return not quoted, by_cookie[cookie]
end

local syns, by_port = 0, {}

function READERS.tcp(frame)
  local kind, at, quoted = transport(frame)
  if kind ~= TCP then
    return nil
  end
  local from, to = string.unpack(">I2I2", frame, at)
  if not quoted and frame:byte(at + 13) == 2 then
    by_port[from], syns = syns, syns + 1
    return true, by_port[from]
  end
  return false, by_port[quoted and from or to]
end

local sent, truth = {}, {}
for ns, frame in wire.frames(pcap_name) do
  local probe, sequence = READERS[protocol](frame)
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
