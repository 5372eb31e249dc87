-- SPDX-License-Identifier: BSD-2-Clause
--- Traces with look-ups in virtual time, and their servers, for tests.
-- @module lookups
package.path = "tests/net/servers/?.lua;" .. package.path
local fake_net = require "fake_net"
local lookup = require "mtrtrace.asn.lookup"
local registry = require "registry"
local sample = require "sample"
local tracer = require "mtrtrace.session.tracer"
local world = require "world"

local DELAY_S = 0.05

-- A server that answers each line with a function of the registry.
local function honest(answer, delay)
  return function(remote)
    local session, rest = {}, ""
    function remote.heard(bytes)
      rest = rest .. bytes
      for line in rest:gmatch("([^\n]*)\n") do
        local text, over = answer(world, line, session)
        if text ~= "" then
          remote.say(text, delay or DELAY_S)
        end
        if over then
          remote.hang_up(delay or DELAY_S)
        end
      end
      rest = rest:match("[^\n]*$")
    end
  end
end

local IRR = "irr.test:43"
local SECOND = "second.test:43"
local BULK = "bulk.test:43"
local LAST = "last.test:43"

local function servers_of(changes)
  local servers = {
    [IRR] = honest(registry.irrd), [SECOND] = honest(registry.irrd),
    [BULK] = honest(registry.bulk), [LAST] = honest(registry.ripe),
  }
  for name, server in pairs(changes or {}) do
    servers[name] = server
  end
  return servers
end

local function settings_of(changes)
  local settings = {
    order = { "irr", "cymru" }, version = "1.0", names = true,
    servers = {
      irr = { { host = "irr.test", port = 43 },
        { host = "second.test", port = 43 } },
      cymru = { { host = "bulk.test", port = 43 } },
      ripe = { { host = "last.test", port = 43 } },
      ["cymru-dns"] = { { host = "asn.cymru.com", zones = {
        [4] = "nmap.asn.cymru.com", [16] = "nmap6.asn.cymru.com" } } },
    },
  }
  for key, value in pairs(changes or {}) do
    settings[key] = value
  end
  return settings
end

-- A single source, whose first server the user named.
local function named(name)
  local servers = settings_of().servers
  servers[name] = { { host = servers[name][1].host, port = 43,
    named = true } }
  return { servers = servers, order = { name } }
end

local HOPS = { "192.168.1.1", "62.20.1.1", "129.250.1.1", "129.250.2.1",
  "80.231.1.1", "12.122.1.1", "80.81.192.5", "5.5.5.5", "93.184.216.34" }

local V6 = { "fe80::1", "2a00:1::1", "2001:418:1::1", "2001:418:2::1",
  "2a01:3e0::1", "2600:300::1", "2001:7f8::5", "2a0f::1",
  "2606:2800:220::1" }

local function result_of(addresses)
  local hops = {}
  for ttl, address in ipairs(addresses) do
    hops[ttl] = sample.hop(ttl, { sample.responder(address) })
  end
  return sample.result(hops)
end

-- A trace of 1 s that finds its hops in the first tenths of a second.
local function trace(host, addresses, settings, store, seconds)
  local looks = lookup.new(host, settings, store)
  local tenth, last = 0, (seconds or 1) * 10
  return (tracer.run(host, { interval_s = 0.1, packets = 10, trace = function()
    return {
      done = function()
        tenth = tenth + 1
        return tenth >= last
      end,
      result = function()
        local known = tenth < last and 3 * tenth or #addresses
        local result = result_of({ table.unpack(addresses, 1, known) })
        result.done = tenth >= last
        return result
      end,
      close = function() end,
    }
  end }, {}, { looks }))
end

-- One trace: its rows "ASN|Organization", the network, and the seconds spent
-- beyond the trace.
local function run(changes)
  changes = changes or {}
  local net = fake_net.new(servers_of(changes.servers), changes.names,
    changes.texts)
  local result
  local ended, all_ended = net:run(function(host)
    result = trace(host, changes.hops or HOPS,
      settings_of(changes.settings), {}, changes.seconds)
  end)
  local rows, by_address = {}, {}
  for i, hop in ipairs(result.hops) do
    local r = hop.responders[1]
    rows[i] = (r.asn or "-") .. "|" .. (r.organization or "-")
    by_address[r.address] = r
  end
  return rows, net, ended - (changes.seconds or 1), by_address, all_ended,
    result
end

--- The answers of bulk whois for HOPS.
local BULK_ONLY = {
  "-|-", "AS3301|ACCESS-NET, SE", "AS2914|TRANSIT-1, US",
  "AS2915|CUSTOMER, US", "AS6453/AS6461|TWIN-A, GB / TWIN-B, GB",
  "AS7018|NEWHOLDER, US", "-|-", "-|-", "AS15133|EDGECAST, US",
}

return {
  BULK = BULK, BULK_ONLY = BULK_ONLY, HOPS = HOPS, IRR = IRR, LAST = LAST,
  SECOND = SECOND, V6 = V6, honest = honest, named = named, run = run,
  servers_of = servers_of, settings_of = settings_of, trace = trace,
}
