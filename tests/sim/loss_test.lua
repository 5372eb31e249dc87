-- SPDX-License-Identifier: BSD-2-Clause
-- Real loss is reported without bias: the mean over many runs is within half a
-- point of the true loss at every hop beyond the lossy link, and hops before
-- it have none. The worlds are spread over two processes.
--
-- loss_test.lua           some of each kind
-- loss_test.lua PATTERN   of all, those whose names match, a line per hop
--
-- tests/bench/loss_bench runs all of them.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local link = require "sim.link"

local WORKERS = 2
local LOSSY = 2 -- the link that leads to this hop loses
local HOPS = 4
local MOST_OFF = 0.5 -- points

-- ---- the worlds ------------------------------------------------------------

local BURSTS = { [0.2] = { enter = 0.1, leave = 0.4 } }

-- Half of the loss in each direction.
local function both_ways(loss)
  local each = 1 - math.sqrt(1 - loss)
  return { loss_forward = each, loss_back = each }
end

local WAYS = {
  forward = function(loss) return { loss_forward = loss } end,
  back = function(loss) return { loss_back = loss } end,
  both = both_ways,
  bursts_forward = function(loss) return { loss_forward = BURSTS[loss] } end,
  bursts_back = function(loss) return { loss_back = BURSTS[loss] } end,
}

local function rate_limit(preset, start)
  return { rate_limit = { preset = preset, start = start } }
end

-- So many that the standard error stays below 0.2 points: half a point off is
-- then no accident. Fewer than 5,000 where that is enough.
local RUNS = { [10] = { [0.05] = 2500, [0.2] = 8000 },
  [50] = { [0.05] = 600, [0.2] = 1600 } }

local BOTH, LONG = { 0.05, 0.2 }, { 10, 50 }
local FORWARD, BACK = { "forward" }, { "forward", "back" }
local BURSTY = { "bursts_forward", "bursts_back" }

local GRID = {
  { name = "plain", packets = LONG, ways = BACK, losses = BOTH },
  { name = "linux4", each = rate_limit "linux4", packets = LONG, ways = BACK,
    losses = BOTH },
  { name = "linux4_empty", each = rate_limit("linux4", "empty"), ways = BACK },
  { name = "linux4_nothing_behind", each = rate_limit "linux4", ways = BACK,
    host = { echo = false }, last = HOPS - 1, trace = { max_silent = 1 } },
  { name = "linux4_udp", each = rate_limit "linux4",
    host = rate_limit "linux4",
    trace = { protocol = "udp", max_hops = 30 }, ways = { "both" } },
  { name = "plain_bursty", ways = BURSTY, runs = 12000 },
  { name = "linux4_bursty", each = rate_limit "linux4",
    ways = { "bursts_forward" } },
  -- Where replies are lost several in a row, tokens seem to come too seldom.
  -- The pace is known once bursts were answered, that is in good times: so the
  -- paced sample has an unsampled probe ahead.
  { name = "linux4_bursty", each = rate_limit "linux4",
    ways = { "bursts_back" },
    figures = 0.99 },
  { name = "bucket_of_10", each = rate_limit "iosxr", ways = BACK,
    losses = BOTH },
  { name = "bucket_of_10_empty", each = rate_limit("iosxr", "empty"),
    ways = FORWARD },
  { name = "bucket_of_10_fast", each = rate_limit "ios", ways = FORWARD },
  { name = "linux6", version = 6, each = rate_limit "linux6", ways = FORWARD },
}

local function add(worlds, row, way, loss, packets)
  local wire = WAYS[way](loss)
  wire.delay_ms = 1
  local trace = { packets = packets, max_hops = HOPS + 2 }
  for key, value in pairs(row.trace or {}) do
    trace[key] = value
  end
  worlds[#worlds + 1] = {
    name = ("%s_%s_%d_percent_%d_packets"):format(row.name, way,
      (loss * 100 + 0.5) // 1, packets),
    runs = row.runs or RUNS[packets][loss], row = row, way = way,
    truth = loss, trace = trace, last = row.last or HOPS,
    figures = row.figures or 0.998,
    world = build.line(HOPS - 1, { version = row.version, each = row.each,
      host = row.host, nodes = { ["r" .. LOSSY] = { link = wire } } }),
  }
  if BURSTS[loss] and way:find "^bursts" then
    local rate = link.loss_rate(BURSTS[loss])
    assert(math.abs(rate - loss) < 1e-9)
  end
end

local function all_worlds()
  local worlds = {}
  for _, row in ipairs(GRID) do
    for _, way in ipairs(row.ways) do
      for _, packets in ipairs(row.packets or { 10 }) do
        for _, loss in ipairs(row.losses or { 0.2 }) do
          add(worlds, row, way, loss, packets)
        end
      end
    end
  end
  return worlds
end

-- Of each row one way, with 20 % loss of 10 packets, and where it has them 5 %
-- of 50, which find the pace first.
local function some_worlds()
  local ways, worlds = {}, {}
  for _, world in ipairs(all_worlds()) do
    ways[world.row] = world.way -- the last
  end
  for _, world in ipairs(all_worlds()) do
    local packets = world.truth == 0.2 and 10 or 50
    worlds[#worlds + 1] = world.way == ways[world.row]
      and world.trace.packets == packets and world or nil
  end
  return worlds
end

-- ---- one world -------------------------------------------------------------

-- Mean and standard error of each hop's loss, in points.
local function measure(world)
  local hops = {}
  for ttl = 1, world.last do
    hops[ttl] = { n = 0, sum = 0, squares = 0, replaced = 0 }
  end
  for seed = 1, world.runs do
    local result = driver.trace(world.world, world.trace, { seed = seed })
    for ttl, hop in ipairs(hops) do
      local got = result.hops[ttl]
      hop.replaced = hop.replaced + (got.rate_limit and 1 or 0)
      if got.loss then
        local points = got.loss * 100
        hop.n, hop.sum = hop.n + 1, hop.sum + points
        hop.squares = hop.squares + points * points
      end
    end
  end
  for _, hop in ipairs(hops) do
    hop.mean = hop.sum / hop.n
    hop.error = math.sqrt((hop.squares / hop.n - hop.mean ^ 2) / hop.n)
  end
  return hops
end

local function judge(world, hops)
  for ttl, hop in ipairs(hops) do
    -- Elsewhere tokens came too seldom to tell.
    if hop.n < world.figures * world.runs then
      error(("hop %d: no figure in %d runs"):format(ttl, world.runs - hop.n),
        0)
    end
    local truth = ttl < LOSSY and 0 or world.truth * 100
    local allowed = ttl < LOSSY and 0 or MOST_OFF
    if math.abs(hop.mean - truth) > allowed then
      error(("hop %d: mean loss %.2f %% (standard error %.2f), "
        .. "truth %.2f %%, sample replaced in %.1f %% of %d runs"):format(
        ttl, hop.mean, hop.error, truth, 100 * hop.replaced / hop.n, hop.n),
        0)
    end
  end
end

local function run(world, verbose)
  local hops, began_s = nil, os.clock()
  check.case(world.name, function()
    hops = measure(world)
    judge(world, hops)
  end)
  if verbose then
    print(("  %.1f s of CPU"):format(os.clock() - began_s))
  end
  for ttl, hop in ipairs(verbose and hops or {}) do
    print(("  hop %d  mean %6.3f  error %.3f  replaced %.3f  figures %.4f")
      :format(ttl, hop.mean, hop.error, hop.replaced / hop.n,
      hop.n / world.runs))
  end
end

-- ---- processes -------------------------------------------------------------

local function worker(index)
  for i, world in ipairs(some_worlds()) do
    if (i + i // 2) % WORKERS == index then -- neighbours differ in loss
      run(world)
    end
  end
  check.finish()
end

local function all()
  local processes, good = {}, true
  for i = 0, WORKERS - 1 do
    processes[#processes + 1] = assert(io.popen(("'%s' '%s' --worker %d")
      :format(arg[-1], arg[0], i)))
  end
  for _, process in ipairs(processes) do
    for line in process:lines() do
      print(line)
    end
    good = process:close() and good
  end
  os.exit(good and 0 or 1)
end

if arg[1] == "--worker" then
  worker(tonumber(arg[2]))
elseif arg[1] then
  for _, world in ipairs(all_worlds()) do
    if world.name:find(arg[1]) then
      run(world, true)
    end
  end
  check.finish()
else
  all()
end
