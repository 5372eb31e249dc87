-- SPDX-License-Identifier: BSD-2-Clause
-- The simulation itself: world files, buckets, links, bytes on the wire.
local bucket = require "sim.bucket"
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local link = require "sim.link"
local model = require "sim.model"
local mtrsim = require "mtrsim"
local packet = require "sim.packet"
local queue = require "sim.queue"
local random = require "sim.random"
local world = require "sim.world"

-- ---- world files -----------------------------------------------------------

local function changed(change)
  local w = { prober = "10.0.0.1", target = "10.0.9.2", path = { "a", "h" },
    nodes = { a = { address = "10.0.1.1" },
      h = { address = "10.0.9.2", host = true } } }
  change(w)
  return w
end

local REFUSED = {
  { name = "unknown_key_of_a_world", want = "world: unknown key 'routers'",
    change = function(w) w.routers = {} end
  },
  { name = "unknown_key_of_a_node",
    want = "world.nodes.a: unknown key 'adress'",
    change = function(w) w.nodes.a.adress = "x" end
  },
  { name = "unknown_key_of_a_link",
    want = "world.nodes.a.link: unknown key 'dealy_ms'",
    change = function(w) w.nodes.a.link = { dealy_ms = 1 } end
  },
  { name = "unknown_preset",
    want = "world.nodes.a.rate_limit is cisco: one of",
    change = function(w) w.nodes.a.rate_limit = "cisco" end
  },
  { name = "loss_above_1", want = "world.nodes.a.link.loss is 20",
    change = function(w) w.nodes.a.link = { loss = 20 } end
  },
  { name = "node_without_address", want = "world.nodes.a.address is nil",
    change = function(w) w.nodes.a.address = nil end
  },
  { name = "path_through_nobody",
    want = "world.path[2] is z: the name of a node expected",
    change = function(w) w.path[2] = "z" end
  },
  { name = "missing_path", want = "world.path is missing",
    change = function(w) w.path = nil end
  },
  { name = "unknown_forged_packet",
    want = "world.nodes.a.forged[1] is fib: one of",
    change = function(w) w.nodes.a.forged = { "fib" } end
  },
  { name = "unknown_key_of_a_change",
    want = "world.changes[1]: unknown key 'when'",
    change = function(w) w.changes = { { when = 3 } } end
  },
}

check.rows(REFUSED, function(row)
  local ok, err = pcall(world.check, changed(row.change))
  check.equal(ok, false)
  check.contains(err, row.want)
end)

check.case("world_files_are_read_and_sound", function()
  local pipe = assert(io.popen("ls tests/sim/worlds/*.lua"))
  local files = 0
  for file in pipe:lines() do
    files = files + 1
    local w = world.load(file)
    local result = driver.trace(w, {}, { limit_s = 100 })
    check.equal(result.done, true, file)
  end
  pipe:close()
  check.equal(files > 0, true, "there are some")
end)

check.case("a_world_file_sees_no_globals", function()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write("os.exit(3)")
  file:close()
  local ok, err = pcall(world.load, name)
  os.remove(name)
  check.equal(ok, false)
  check.contains(err, "global 'os'")
end)

-- ---- chance ----------------------------------------------------------------

check.case("a_seed_gives_the_same_numbers_in_every_lua", function()
  local R, list = random.new(42), {}
  for i = 1, 4 do
    list[i] = R.whole(0, 999999)
  end
  check.equal(list, { 536564, 514900, 855932, 87822 })
end)

check.case("chance_is_fair", function()
  local R, n = random.new(1), 200000
  local sum, normal, exponential = 0, 0, 0
  for _ = 1, n do
    sum = sum + R.unit()
    normal = normal + R.normal() ^ 2
    exponential = exponential + R.exponential(3)
  end
  check.equal(math.abs(sum / n - 0.5) < 0.003, true, "unit")
  check.equal(math.abs(normal / n - 1) < 0.02, true, "normal")
  check.equal(math.abs(exponential / n - 3) < 0.03, true, "exponential")
end)

for name, spec in pairs {
  plain = 0.2, bursts = { enter = 0.1, leave = 0.4 },
  periods = { good_ms = 400, bad_ms = 100 },
} do
  check.case("loss_is_what_it_says_" .. name, function()
    local R, lost, n = random.new(7), 0, 200000
    local _, cross = link.new({ loss = spec }, "forward", R)
    for i = 1, n do
      lost = lost + (cross(i * 10000000) and 0 or 1)
    end
    check.equal(link.loss_rate(spec), 0.2)
    check.equal(math.abs(lost / n - 0.2) < 0.006, true, tostring(lost / n))
  end)
end

-- M/D/1: half busy, so the mean wait is half a service time.
check.case("a_queue_waits_as_long_as_theory_says", function()
  local R, n, sum = random.new(5), 20000, 0
  local _, cross = link.new({ queue = { service_ms = 1 } }, "forward", R)
  for i = 1, n do
    local at = i * 10000000 - (i % 2) * 15000000 + 15000000 -- out of order
    sum = sum + cross(at) - at
  end
  check.equal(math.abs(sum / n / 1e6 - 1.5) < 0.03, true,
    tostring(sum / n / 1e6))
end)

-- ---- rate limiting, against published figures
-- ---------------------------------

-- Answers to `pps` a second for `seconds`, in whole seconds.
local function answers(spec, pps, seconds, seed)
  local take, list = bucket.new(spec, random.new(seed or 1)), {}
  for i = 0, pps * seconds - 1 do
    local second = i // pps + 1
    list[second] = (list[second] or 0)
      + (take(i * 1000000000 // pps, "me") and 1 or 0)
  end
  return list
end

local function total(list)
  local sum = 0
  for _, n in ipairs(list) do
    sum = sum + n
  end
  return sum
end

check.case("linux4_answers_as_measured", function()
  check.equal(answers("linux4", 200, 10), { 6, 1, 1, 1, 1, 1, 1, 1, 1, 1 })
  check.equal(total(answers("linux4", 1, 30)), 30)
end)

check.rows({
  { name = "linux6", preset = "linux6", least = 105, most = 106 },
  { name = "linux6_48", preset = "linux6_48", least = 45, most = 46 },
  { name = "ios", preset = "ios", least = 105, most = 110 },
  { name = "iosxr", preset = "iosxr", least = 19, most = 20 },
  { name = "junos", preset = "junos", least = 510, most = 572 },
  { name = "freebsd", preset = "freebsd", least = 1000, most = 1100 },
}, function(row)
  for seed = 1, 5 do
    local n = total(answers(row.preset, 200, 10, seed))
    check.equal(n >= row.least and n <= row.most, true, tostring(n))
  end
end)

check.case("a_bucket_per_source_is_per_source", function()
  local take = bucket.new("linux4", random.new(1))
  for _ = 1, 6 do
    check.equal({ take(0, "a"), take(0, "b") }, { true, true })
  end
  check.equal({ take(0, "a"), take(0, "b"), take(0, "c") },
    { false, false, true })
end)

check.case("empty_buckets_begin_empty", function()
  local take = bucket.new({ preset = "linux4", start = "empty" },
    random.new(1))
  check.equal({ take(0, "a"), take(999000000, "a"), take(1000000000, "a") },
    { false, false, true })
end)

-- ---- order -----------------------------------------------------------------

check.case("the_queue_is_in_order_and_stable", function()
  local Q, R = queue.new(), random.new(3)
  for i = 1, 1000 do
    Q.put { at_ns = R.whole(0, 50), i = i }
  end
  local last = { at_ns = -1, i = 0 }
  for _ = 1, 1000 do
    local item = Q.take()
    check.equal(item.at_ns > last.at_ns
      or item.at_ns == last.at_ns and item.i > last.i, true)
    last = item
  end
  check.equal(Q.first(), nil)
end)

-- ---- bytes -----------------------------------------------------------------

local function folds_to_0(total_)
  check.equal(packet.checksum(total_), 0, "checksum")
end

local function assert_sound(bytes)
  local p = {}
  packet.read(p, bytes)
  check.equal(p.length, #bytes, "length")
  local body = bytes:sub(p.header + 1)
  local sum = packet.sum(body)
  if p.version == 4 then
    folds_to_0(packet.sum(bytes:sub(1, 20)))
  end
  if p.protocol ~= 1 then
    sum = sum + packet.sum(p.source) + packet.sum(p.target) + p.protocol
      + #body
  end
  folds_to_0(sum)
  return p
end

local BEFORE_NEXT_ROUND = 50000000 -- ns; the window leaves in short trains

-- A real kernel has to take what the model sends: every checksum is right,
-- and what is quoted is as long as asked for.
check.case("answers_are_sound_packets", function()
  for _, version in ipairs { 4, 6 } do
    for _, protocol in ipairs { "icmp", "udp", "tcp" } do
      local w = build.line(3, { version = version, nodes = {
        r1 = { quote = 8, ip_id = "echo" }, r2 = { df = true,
          extension = { labels = { { label = 17 } } } } } })
      local net = model.new(w, 1)
      local engine = mtrsim.pace():trace(driver.options(w, 1,
        { protocol = protocol, size = 200, tos = 0x28 }))
      local now, seen = 0, 0
      while now < BEFORE_NEXT_ROUND do
        local bytes, at, ttl = engine:turn(now, 0)
        for _, answer in ipairs(bytes and net:receive(bytes, now) or {}) do
          local p = assert_sound(answer.packet)
          seen = seen + 1
          if ttl == 1 then
            check.equal(#answer.packet, 2 * p.header + 16)
          end
        end
        now = bytes and now or at
      end
      check.equal(seen, 6)
    end
  end
end)

check.case("replies_lose_a_ttl_at_each_router_on_the_way_back", function()
  local w = build.line(4, { each = { ttl = 255 }, host = { ttl = 128 },
    back = { hops = 2, delay_ms = 3 } })
  local result = driver.trace(w)
  local ttls = {}
  for i, hop in ipairs(result.hops) do
    ttls[i] = hop.responders[1].reply_ttl
    check.equal(hop.responders[1].avg_ms, 2.0 * i + 3)
  end
  check.equal(ttls, { 253, 252, 251, 250, 122 })
end)

check.case("balancing_per_packet_and_per_destination", function()
  local function responders(balance)
    local w = build.line(2, { path = { "r1", { balance = balance, { "x" },
      { "y" } }, "r2", "host" }, nodes = { x = { address = "10.5.0.1" },
      y = { address = "10.5.0.2" } } })
    return #driver.trace(w, { packets = 30 }).hops[2].responders
  end
  check.equal({ responders "packet", responders "destination" }, { 2, 1 })
end)

check.finish()
