-- SPDX-License-Identifier: BSD-2-Clause
--- The errors of reported RTTs against an independent capture:
-- capture.lua FILE.pcap REPORT; prints how many, median, p99 and worst of
-- |error| in microseconds. FILE is tcpdump's, Ethernet, nanoseconds, IPv4
-- ICMP; lines of REPORT are "sequence rtt_us" (others are passed over).
local pcap_name, report_name = arg[1], arg[2]

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

-- Type of an ICMP message and the echo sequence that it has or quotes.
local function icmp(frame)
  local ip = 15 -- behind the Ethernet header
  local at = ip + (frame:byte(ip) & 15) * 4
  local kind = frame:byte(at)
  if kind == 11 or kind == 3 then
    at = at + 8
    at = at + (frame:byte(at) & 15) * 4
  end
  return kind, (string.unpack(">I2", frame, at + 6))
end

local sent, truth = {}, {}
for ns, frame in records(pcap_name) do
  local kind, sequence = icmp(frame)
  if kind == 8 then
    sent[sequence] = ns
    truth[sequence] = nil
  elseif sent[sequence] and not truth[sequence] then
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
