-- SPDX-License-Identifier: BSD-2-Clause
-- tun_judge.lua WORLD NAME [PACKETS CAPTURE]: compares a trace with the truth
-- of a world. Standard input is lines "ttl address sent received best median",
-- what `mtr --raw` prints, or what `traceroute -n` does. Without PACKETS only
-- routers and the least RTTs are compared. One case per subject.
-- CAPTURE is tcpdump's, of the device. It has the RTTs as they were: on a
-- quiet machine the simulation reads a lone probe up to 1 ms after it left.
local truth = require "sim.truth"
local wire = require "bench.wire"
local world = require "sim.world"

local ROUNDING_MS = 0.0011 -- some print whole microseconds
local MEDIAN_MS = 0.1 -- from the median of a capture
local DOUBT = 1e-7 -- of each side of a range

local read = {} -- readers of a line, by its pattern

local function hop_at(hops, ttl)
  hops[ttl] = hops[ttl] or { address = "-", sent = 0, received = 0 }
  return hops[ttl]
end

local function add(hop, ms)
  hop.received = hop.received + 1
  hop.best = math.min(hop.best or math.huge, ms)
end

read["^(%d+)%s+(%S+)%s+(%d+)%s+(%d+)%s+(%S+)%s+(%S+)$"] =
  function(hops, ttl, address, sent, received, best, median)
    hops[tonumber(ttl)] = { address = address, sent = tonumber(sent),
      received = tonumber(received), best = tonumber(best),
      median = tonumber(median) }
  end

-- mtr: h position address; p position microseconds
read["^h (%d+) (%S+)$"] = function(hops, position, address)
  hop_at(hops, position + 1).address = address
end

read["^p (%d+) (%d+)"] = function(hops, position, us)
  add(hop_at(hops, position + 1), us / 1000)
end

-- traceroute: ttl  * address  1.234 ms * 1.345 ms
read["^ *(%d+)  [* ]*([%x.:]+)  (.*ms.*)$"] =
  function(hops, ttl, address, times)
    local hop = hop_at(hops, tonumber(ttl))
    hop.address = address
    for ms in times:gmatch "([%d.]+) ms" do
      add(hop, tonumber(ms))
    end
  end

-- mtr sends beyond the target before it knows where it is.
local function read_hops(target)
  local hops = {}
  for line in io.lines() do
    for pattern, reader in pairs(read) do
      if line:match(pattern) then
        reader(hops, line:match(pattern))
      end
    end
  end
  local list = {}
  for ttl = 1, 255 do
    list[ttl] = hops[ttl]
    if not hops[ttl] or hops[ttl].address == target then
      return list
    end
  end
end

-- How many of n may be lost, each with the chance p.
local function range(n, p)
  if p == 0 then
    return 0, 0
  end
  local low, high, below, chance = 0, n, 0, (1 - p) ^ n
  for k = 0, n do
    below = below + chance
    low = below < DOUBT and k + 1 or low
    if 1 - below < DOUBT then
      high = k
      break
    end
    chance = chance * (n - k) / (k + 1) * p / (1 - p)
  end
  return low, high
end

local wrong

local function complain(text, ...)
  wrong[#wrong + 1] = text:format(...)
end

local NOTHING = { sent = 0, received = 0 }
local subjects = {}

function subjects.routers(hops, want)
  local got, all = {}, {}
  for i, hop in ipairs(hops) do
    got[i] = hop.address
  end
  for i, hop in ipairs(want) do
    all[i] = hop.address
  end
  got, all = table.concat(got, " "), table.concat(all, " ")
  if got ~= all then
    complain("got %s, wanted %s", got, all)
  end
end

function subjects.least_rtt(hops, want)
  for i, wanted in ipairs(want) do
    local best, least = (hops[i] or NOTHING).best, wanted.rtt_ms
    if not best or best < least - ROUNDING_MS then
      complain("hop %d: %s ms, the true one is %g", i, best, least)
    end
  end
end

-- By TTL: the RTTs in the capture, in order.
local function captured_rtts(path)
  local probes, hops = {}, {}
  for ns, packet in wire.packets(path) do
    local request, echo = wire.echo(packet)
    if request then
      local ttl = packet:byte(packet:byte() >> 4 == 6 and 8 or 9)
      hops[ttl] = hops[ttl] or {}
      probes[echo] = { at_ns = ns, rtts = hops[ttl] }
    elseif echo and probes[echo] then
      table.insert(probes[echo].rtts, (ns - probes[echo].at_ns) / 1e6)
      probes[echo] = nil
    end
  end
  return hops
end

-- The probes that count are a hop's first, and where a rate limit was measured
-- before, its last.
local function captured_median(rtts, n)
  local first = table.move(rtts, 1, n, 1, {})
  local last = table.move(rtts, math.max(#rtts - n, 0) + 1, #rtts, 1, {})
  return math.max((wire.summary(first)), (wire.summary(last)))
end

function subjects.median_rtt(hops, want, _, capture)
  local captured = captured_rtts(capture)
  for i, wanted in ipairs(want) do
    local hop, least = hops[i] or NOTHING, wanted.rtt_ms
    local median = hop.median or math.huge
    local most = captured_median(captured[i], hop.received)
    if median < least - ROUNDING_MS or median > most + MEDIAN_MS then
      complain("hop %d: %.3f ms, the true one is %g, the captured one %.3f",
        i, median, least, most)
    end
  end
end

function subjects.loss(hops, want, packets)
  local n, lost, rate = 0, 0, 0
  local function judge(where, of, count, share)
    local low, high = range(of, share)
    if count < low or count > high then
      complain("%s: %d of %d lost, from %d to %d are likely", where, count,
        of, low, high)
    end
  end
  for i, wanted in ipairs(want) do
    local hop = hops[i] or NOTHING
    local gone = hop.sent - hop.received
    if hop.sent ~= packets then
      complain("hop %d: sent %d", i, hop.sent)
    end
    judge("hop " .. i, hop.sent, gone, wanted.lost)
    if wanted.lost > 0 then -- one lossy link: the same share for all
      n, lost, rate = n + hop.sent, lost + gone, wanted.lost
    end
  end
  judge("all behind the loss", n, lost, rate)
end

local file, name, packets, capture = table.unpack(arg)
local spec = world.load(file)
local want, hops = truth.hops(spec), read_hops(spec.target)
for _, subject in ipairs { "routers", "least_rtt", "median_rtt", "loss" } do
  if packets or subject == "routers" or subject == "least_rtt" then
    wrong = {}
    local ok, err = pcall(subjects[subject], hops, want, tonumber(packets),
      capture)
    if not ok then
      complain("%s", err)
    end
    print(wrong[1] and ("not ok %s_%s - %s"):format(name, subject,
      table.concat(wrong, "; ")) or ("ok %s_%s"):format(name, subject))
  end
end
