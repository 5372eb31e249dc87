-- SPDX-License-Identifier: BSD-2-Clause
-- Probes of random sizes (`size` below 0): each has one of its own between the
-- smallest and the largest, every reply is found, whatever is quoted of it,
-- and a narrow link is still seen.
local build = require "sim.build"
local check = require "check"
local driver = require "sim.driver"
local judge = require "mtrtrace.session.tracer"

local HOPS = 6
local LEAST = { icmp = 34, udp = 34, tcp = 44 } -- over IPv4; IPv6: 20 more

local function trace(row, packets, settings)
  settings = settings or {}
  local sizes = {}
  settings.on_send = function(_, _, _, _, bytes)
    sizes[#bytes] = (sizes[#bytes] or 0) + 1
  end
  local w = build.line(HOPS - 1, { version = row.version, link = row.link,
    nodes = { r2 = row.version == 4 and { quote = 8 } or {} } })
  local result = driver.trace(w, { protocol = row.protocol, size = -row.most,
    packets = packets }, settings)
  return judge.enrich(result), sizes
end

local function check_sizes(row, sizes)
  local least, distinct = LEAST[row.protocol] + (row.version - 4) * 10, 0
  for size in pairs(sizes) do
    distinct = distinct + 1
    check.equal(size >= least and size <= row.most, true, "size " .. size)
  end
  -- Of 200 probes; by the fixed seed, not by chance.
  check.equal(distinct > math.min(100, (row.most - least) // 2), true,
    distinct .. " sizes")
end

-- What the routers saw is what was sent.
local function check_answers(hop)
  for _, answer in ipairs(hop.responders[1].answers or {}) do
    check.equal(answer.quoted_size or answer.sent_size, answer.sent_size)
  end
end

for _, row in ipairs {
  { protocol = "icmp", most = 100 }, { protocol = "icmp", most = 1500 },
  { protocol = "udp", most = 100 }, { protocol = "udp", most = 1500 },
  { protocol = "tcp", most = 200 },
} do
  for _, version in ipairs { 4, 6 } do
    row.version = version
    check.case(("%s_up_to_%d_over_ipv%d"):format(row.protocol, row.most,
      version), function()
      local result, sizes = trace(row, 40)
      check.equal({ result.size, result.random_size, result.reached,
        #result.hops }, { row.most, true, true, HOPS })
      check_sizes(row, sizes)
      for _, hop in ipairs(result.hops) do
        check.equal({ hop.sent, hop.received, hop.duplicates, hop.late },
          { 40, 40, 0, 0 }, "hop " .. hop.ttl)
        check_answers(hop)
      end
    end)
  end
end

check.case("a_narrow_link_is_seen_and_loses_nothing", function()
  local result = trace({ protocol = "icmp", version = 4, most = 1000,
    link = { delay_ms = 1, rate_kbit = 1000, queue_packets = 50 } }, 60)
  for _, hop in ipairs(result.hops) do
    check.equal({ hop.loss, hop.rate_limit }, { 0.0, nil }, "hop " .. hop.ttl)
  end
  check.equal(result.link_rate ~= nil, true, "the link is not named")
  check.equal(result.link_rate < 2e6, true, "link_rate "
    .. tostring(result.link_rate))
end)

check.case("one_size_is_named_as_such", function()
  local result = driver.trace(build.line(2), { size = 100 })
  check.equal({ result.size, result.random_size }, { 100, nil })
end)

check.finish()
