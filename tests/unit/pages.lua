-- SPDX-License-Identifier: BSD-2-Clause
--- Runs whose page of HTML the tests look at: name, then view and results.
-- As a program: pages.lua DIRECTORY writes each into DIRECTORY/NAME.html.
-- @module pages
local html = require "mtrtrace.report.html"
local loss = require "mtrtrace.base.proportion"
local sample = require "sample"
local verdict = require "mtrtrace.verdict.trace"

local M = {}

M.COLUMNS = { "hop", "host", "loss", "sent", "received", "avg", "stdev",
  "jitter", "asn", "organization", "os" }

-- 2026-11-21T14:00:00.5Z
local STARTED = 1795269600500000000

-- ---- hops -----------------------------------------------------------------

local function responder(address, base, changes)
  local r = sample.responder(address, {
    last_ms = base * 1.1, avg_ms = base * 1.15, best_ms = base,
    worst_ms = base * 1.9, stdev_ms = base * 0.2, jitter_ms = base * 0.15,
    median_ms = base * 1.1, p95_ms = base * 1.5,
  })
  for key, value in pairs(changes or {}) do
    r[key] = value
  end
  return r
end

local function hop(ttl, responders, received, changes)
  local low, high = loss.wilson(10 - received, 10, loss.Z95)
  local h = sample.hop(ttl, responders, { received = received,
    loss = (10 - received) / 10, loss_low = low, loss_high = high })
  for key, value in pairs(changes or {}) do
    h[key] = value
  end
  return h
end

local function result(hops, changes)
  local r = sample.result(hops, { started_ns = STARTED })
  for key, value in pairs(changes or {}) do
    r[key] = value
  end
  return verdict.judge(r)
end

local function network(asn, organization, name)
  return { asn = asn, organization = organization, name = name }
end

local function target(base, address)
  return responder(address or "93.184.216.34", base, { target = true,
    asn = "AS15133", organization = "Edgecast", name = "www.example.com",
    codes = { { type = 0, code = 0, name = "echo reply", count = 10 } } })
end

-- ---- pages ----------------------------------------------------------------

local function usual()
  return result {
    hop(1, { responder("192.168.1.1", 0.4, { special = "private",
      name = "gateway.home.arpa" }) }, 10),
    hop(2, { responder("62.20.1.1", 4.2, network("AS3301", "Telia")) }, 10,
      { rate_limit = { burst_sent = 16, burst_received = 6,
        sample_interval_s = 1.05,
        initial_sent = 10, initial_received = 6, shared = 0 },
        rate_limited = true }),
    sample.silent(3),
    hop(4, { responder("129.250.1.1", 11, network("AS2914", "NTT America",
      "ae-1.r20.frnkge13.de.bb.gin.ntt.net")),
      responder("129.250.2.1", 12.5, network("AS2914", "NTT America")) },
      10),
    hop(5, { responder("80.231.1.1", 14, network("AS6453",
      "Tata Communications", "if-ae-2-2.tcore1.fnm-frankfurt.as6453.net"))
      }, 7),
    hop(6, { responder("12.122.1.1", 92, network("AS7018", "AT&T")) }, 6),
    hop(7, { responder("5.5.5.5", 95, { worst_ms = 1450.0 }) }, 8),
    hop(8, { target(96) }, 7),
  }
end

local function deep()
  local hops = {}
  for ttl = 1, 29 do
    hops[ttl] = hop(ttl, { responder("10.0.0." .. ttl, ttl * 1.7,
      { special = "private" }) }, ttl % 7 == 0 and 9 or 10)
  end
  hops[30] = hop(30, { target(52) }, 10)
  return result(hops)
end

local function wide()
  local many = {}
  for i = 0, 255 do
    many[i + 1] = responder("10.1.0." .. i, 3 + i / 100, { flow = i,
      received = 10, special = "private" })
  end
  return result { hop(1, { responder("192.168.1.1", 0.4) }, 10),
    hop(2, many, 10, { sent = 2560, received = 2560 }),
    hop(3, many, 10, { sent = 2560, received = 2560 }),
    hop(4, { target(9) }, 10) }
end

local function ipv6()
  local first = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111"
  return result({ hop(1, { responder("fe80::1234:5678:9abc:def0%enp0s31f6",
      0.3, { special = "link-local" }) }, 10),
    hop(2, { responder(first, 5.5, { special = "documentation" }),
      responder("2001:db8:aaaa:bbbb:cccc:dddd:eeee:2222", 5.6,
        { special = "documentation" }) }, 10),
    hop(3, { responder("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 9,
      { target = true, special = "documentation" }) }, 10) },
    { target = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", source = first })
end

local EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
  .. "]]>&amp;'\27[2J\0\255</style></title>$(name)$[name]%1"

local function hostile()
  return result({ hop(1, { responder("192.168.1.1", 0.4, { name = EVIL,
      asn = EVIL, organization = EVIL, os = EVIL }) }, 8),
    hop(2, { target(9) }, 10, { better_beyond = false }) },
    { send_error = EVIL, interface = EVIL, protocol = EVIL })
end

local function long_names()
  return result { hop(1, { responder("192.168.1.1", 0.4, {
    name = ("very-long-label-of-a-router."):rep(9) .. "example.com",
    asn = "AS64500/AS64501/AS64502/AS64503 (irr AS64504)",
    organization = ("Gesellschaft fuer Verbindungen "):rep(8),
    os = ("Router Operating System "):rep(6) }) }, 10),
    hop(2, { target(9) }, 10) }
end

local function silence(count)
  local hops = {}
  for ttl = 1, count do
    hops[ttl] = sample.silent(ttl)
  end
  return result(hops, { reached = false, ending = "silent" })
end

local function unreachable()
  local refuser = responder("62.20.1.1", 4.2, { codes = { { type = 3,
    code = 13, name = "administratively prohibited", count = 10 } } })
  return result({ hop(1, { responder("192.168.1.1", 0.4) }, 10),
    hop(2, { refuser }, 10) }, { reached = false, ending = "unreachable",
    ending_type = 3, ending_code = 13 })
end

local function nothing()
  return result({}, { reached = false, ending = "silent", sent = 0,
    send_error = "network is unreachable" })
end

-- Hops that could not be sent to have no loss, answers without a stamp no
-- round trip.
local function figureless()
  local bare = { address = "192.168.1.1", flow = 0, target = true,
    received = 3, late = 0, duplicates = 0, codes = {} }
  local unsent = sample.hop(1, {}, { sent = 0, received = 0, total_sent = 0,
    send_errors = 10, total_received = 0 })
  unsent.loss, unsent.loss_low, unsent.loss_high = nil, nil, nil
  return result { unsent, hop(2, { bare }, 3) }
end

local function one(name, make, typed)
  return { name = name, list = { { name = typed, make = make } } }
end

local function several(count)
  local list = {}
  for i = 1, count do
    list[i] = i % 10 == 4 and { name = "nosuch.invalid",
        err = "nosuch.invalid: no such <host>" }
      or i % 10 == 7 and { name = "192.0.2." .. i % 250,
        make = unreachable }
      or { name = ("host%d.example.com"):format(i), make = usual }
  end
  return list
end

M.PAGES = {
  one("usual", usual, "www.example.com"),
  one("deep", deep, "www.example.com"),
  one("wide", wide, "www.example.com"),
  one("ipv6", ipv6, "ipv6.example.com"),
  one("hostile", hostile, EVIL),
  one("long_names", long_names, ("a-long-name."):rep(20) .. "example.com"),
  one("silent", function() return silence(12) end, "silent.example.com"),
  one("silent_hop", function() return silence(1) end),
  one("one_hop", function() return result { hop(1, { target(0.2) }, 10) }
    end),
  one("unreachable", unreachable, "down.example.com"),
  one("nothing", nothing),
  one("figureless", figureless),
  { name = "not_traced", list = { { name = "nosuch.invalid",
    err = "no such host" } } },
  { name = "three", list = several(3) },
  { name = "thousand", list = several(1000) },
}

--- Writes a page.
-- @tparam table page of M.PAGES
-- @tparam ?table changes to the view
-- @treturn string
function M.render(page, changes)
  local view = { columns = M.COLUMNS, max_silent = 5, seen = {},
    version = "1.0", targets = #page.list }
  for key, value in pairs(changes or {}) do
    view[key] = value
  end
  for _, item in ipairs(page.list) do
    local own = setmetatable({ name = item.name }, { __index = view })
    if item.make then
      html.trace(item.make(), own)
    else
      html.failure(item.err, own)
    end
  end
  return html.tail(view)
end

if ... ~= "pages" then
  for _, page in ipairs(M.PAGES) do
    local file = assert(io.open((...) .. "/" .. page.name .. ".html", "w"))
    assert(file:write(M.render(page)))
    file:close()
  end
end

return M
