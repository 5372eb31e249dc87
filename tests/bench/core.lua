-- SPDX-License-Identifier: BSD-2-Clause
--- Traces for the benchmarks: core.lua TRACES PACKETS INTERVAL TARGET...
-- [protocol=WORD]
-- TRACES at once, spread over the targets. Prints a line per answered probe
-- of the first trace, "index rtt_us" (udp, tcp:
-- its number), then lines "# key value".
local core = require "mtrtrace.core"

local count, packets, interval = table.unpack(arg, 1, 3)
local targets = { table.unpack(arg, 4) }
local traces = {}
local protocol = targets[#targets]:match "^protocol=(.*)"
targets[#targets] = not protocol and targets[#targets] or nil

-- VmHWM, the peak of the resident set, in KiB.
local function peak_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmHWM:%s*(%d+)")
    if kib then
      return kib
    end
  end
end

local function start(i)
  return assert(core.trace({
    target = targets[(i - 1) % #targets + 1],
    protocol = protocol, packets = tonumber(packets),
    interval = tonumber(interval),
    events = i == 1,
  }))
end

local before = peak_kib()
for i = 1, tonumber(count) do
  traces[i] = start(i)
end
local sent, longest, answers = 0, 0, {}
for i, trace in ipairs(traces) do
  while not trace:wait(0.25) do
    for j = i + 1, #traces do
      traces[j]:done()
    end
  end
  local result = trace:result()
  sent = sent + result.sent
  longest = math.max(longest, result.elapsed_s)
end
for _, event in ipairs(traces[1]:events()) do
  if event.rtt_ms and event.kind == "reply" then
    answers[#answers + 1] = ("%d %.3f"):format(protocol
      and protocol ~= "icmp" and event.probe or event.index,
        event.rtt_ms * 1e3)
  end
end
print(table.concat(answers, "\n"))
print("# sent " .. sent)
print(("# elapsed_s %.3f"):format(longest))
print(("# cpu %.6f"):format(os.clock()))
print("# peak_before_kib " .. before)
print("# peak_kib " .. peak_kib())
