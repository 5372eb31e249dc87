-- SPDX-License-Identifier: BSD-2-Clause
--- The errors of reported RTTs against an independent capture:
-- capture.lua FILE.pcap REPORT [PROTOCOL]; prints how many, median, p99 and
-- worst of |error| in microseconds. FILE is tcpdump's, Ethernet, nanoseconds,
-- IPv4; lines of REPORT are "sequence rtt_us" (others are passed over). Of
-- UDP and TCP the sequence is the number of the probe, from 0.
local pcap_name, report_name, protocol = arg[1], arg[2], arg[3] or "icmp"

local MAGIC_NS = 0xa1b23c4d

local function records(path)
  local file = assert(io.open(path, "rb"))
  assert(string.unpack("<I4", file:read(24)) == MAGIC_NS, "not nanoseconds")
  return function()
    local head = file:read(16)
    if not head or #head < 16 then
      file:close()
      return nil
    end
    local s, ns, length = string.unpack("<I4I4I4", head)
    return s * 1000000000 + ns, file:read(length)
  end
end

local IP = 15 -- behind the Ethernet header
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
for ns, frame in records(pcap_name) do
  local probe, sequence
  if #frame > 42 and frame:byte(IP) >> 4 == 4 then
    probe, sequence = READERS[protocol](frame)
  end
  if probe then
    sent[sequence] = ns
    truth[sequence] = nil
  elseif sequence and sent[sequence] and not truth[sequence] then
    truth[sequence] = (ns - sent[sequence]) / 1000
  end
end

local errors, low = {}, 0
for line in io.lines(report_name) do
  local sequence, rtt = line:match("^(%d+) ([%d.]+)$")
  sequence = tonumber(sequence)
  if sequence and truth[sequence] then
    local off = tonumber(rtt) - truth[sequence]
    low = low + (off < 0 and 1 or 0)
    errors[#errors + 1] = math.abs(off)
  end
end
assert(#errors > 0, "no probe of the report is in the capture")
table.sort(errors)
local function quantile(p)
  return errors[math.max(1, math.ceil(p * #errors))]
end
print(("%d probes: median %.2f us, p99 %.2f us, worst %.2f us"):format(
  #errors, quantile(0.5), quantile(0.99), errors[#errors]))
