-- SPDX-License-Identifier: BSD-2-Clause
-- tun.lua WORLD DEVICE [SECONDS [FILE]]: the model of a world on a TUN
-- device, in real time, for that long (60) or until standard input ends. Says
-- "ready" when it listens, and at the end how late the answers were. Into the
-- file go lines "SEQUENCE US": for how long an answer to a ping was held.
-- TUN_EXTENSIONS in the environment: numbers of extension headers that every
-- answer gets.
-- A probe leaves when it is read here: a bit after its prober's stamp, so no
-- RTT is below the true one.
local model = require "sim.model"
local mtrtun = require "mtrtun"
local packet = require "sim.packet"
local queue = require "sim.queue"
local world = require "sim.world"

local S = 1000000000
local MOST = 100000 -- answers under way
local LULL_NS = 30000 -- longer than between two probes of a burst

local ECHO = { [1] = 8, [58] = 128 }

-- The host sends other things too: router solicitations, resets, errors.
local function is_probe(bytes, prober)
  local at = bytes:byte() >> 4 == 6 and 40 or 20
  local from = at == 40 and bytes:sub(9, 24) or bytes:sub(13, 16)
  if #bytes < at + 8 or from ~= prober then
    return false
  end
  local protocol = bytes:byte(at == 40 and 7 or 10)
  if protocol == 6 then
    return #bytes >= at + 20 and bytes:byte(at + 14) & 0x3f == 2 -- a SYN
  end
  return protocol == 17 or ECHO[protocol] == bytes:byte(at + 1)
end

local function extensions()
  local chain = {}
  for number in (os.getenv "TUN_EXTENSIONS" or ""):gmatch "%d+" do
    chain[#chain + 1] = tonumber(number)
  end
  return chain
end

local function new_front(spec, device)
  return { device = device, chain = extensions(),
    prober = packet.address(spec.prober),
    model = model.new(spec, 1), answers = queue.new(), read = {}, first = 1,
    last = 0, under_way = 0, probes = 0, sent = 0, failed = 0, late = 0,
    worst = 0, held = {} }
end

local function next_answer_ns(front, latest_ns)
  local answer = front.answers.first()
  return answer and math.min(answer.at_ns, latest_ns) or latest_ns
end

-- A whole burst, each packet with the time it was there: answering one takes
-- longer than sending the next. False where standard input has ended.
local function read_burst(front, until_ns)
  local device = front.device
  local ready = device:wait(next_answer_ns(front, until_ns))
  while ready do
    local bytes, at = device:read()
    assert(bytes or not at, at)
    if bytes then
      front.last = front.last + 1
      front.read[front.last] = { bytes = bytes, at_ns = at }
    end
    ready = device:wait(next_answer_ns(front, mtrtun.now() + LULL_NS))
  end
  return ready == false
end

-- The model's time begins with the first probe.
local function take_one(front)
  local first = front.first
  if first > front.last then
    return
  end
  local item = front.read[first]
  front.read[first], front.first = nil, first + 1
  if not is_probe(item.bytes, front.prober) then
    return
  end
  front.began = front.began or item.at_ns
  front.probes = front.probes + 1
  local began = front.began
  for _, answer in ipairs(front.model:receive(item.bytes,
    item.at_ns - began)) do
    if front.under_way < MOST then
      answer.at_ns = answer.at_ns + began
      answer.probe = item
      front.answers.put(answer)
      front.under_way = front.under_way + 1
    end
  end
end

local function note(front, probe, now_ns)
  if #front.held < MOST then
    local at = probe.bytes:byte() >> 4 == 6 and 47 or 27
    front.held[#front.held + 1] = ("%d %.3f"):format(
      string.unpack(">I2", probe.bytes, at), (now_ns - probe.at_ns) / 1000)
  end
end

local function deliver(front)
  local answer, now = front.answers.first(), mtrtun.now()
  while answer and answer.at_ns <= now do
    front.answers.take()
    front.under_way = front.under_way - 1
    local late = now - answer.at_ns
    local bytes = packet.extended(answer.packet, front.chain)
    if front.device:write(bytes) then
      front.sent, front.late = front.sent + 1, front.late + late
      front.worst = math.max(front.worst, late)
      note(front, answer.probe, now)
    else
      front.failed = front.failed + 1 -- as when the device is down
    end
    answer, now = front.answers.first(), mtrtun.now()
  end
end

local function run(front, until_ns)
  local now = mtrtun.now()
  while now < until_ns do
    if not read_burst(front, front.first > front.last and until_ns or now) then
      return
    end
    take_one(front)
    deliver(front)
    now = mtrtun.now()
  end
end

local function main(file, name, seconds, held)
  if not name then
    io.stderr:write "usage: tun.lua WORLD DEVICE [SECONDS]\n"
    os.exit(2)
  end
  local front = new_front(world.load(file), assert(mtrtun.open(name)))
  print "ready"
  io.stdout:flush()
  run(front, mtrtun.now() + (tonumber(seconds or 60) * S // 1 | 0))
  print(("probes %d answers %d failed %d late_us mean %.1f worst %.1f")
    :format(front.probes, front.sent, front.failed,
      front.late / math.max(front.sent, 1) / 1000, front.worst / 1000))
  if held then
    local out = assert(io.open(held, "w"))
    out:write(table.concat(front.held, "\n"), "\n")
    out:close()
  end
end

main(table.unpack(arg))
