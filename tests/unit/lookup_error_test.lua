-- SPDX-License-Identifier: BSD-2-Clause
-- Errors of servers about one address: the other addresses are still looked
-- up, and errors of a server that the user named are reported.
local check = require "check"
local lookups = require "lookups"
local registry = require "registry"

local BULK, BULK_ONLY, IRR, LAST = lookups.BULK, lookups.BULK_ONLY,
  lookups.IRR, lookups.LAST
local honest, named, run = lookups.honest, lookups.named, lookups.run

-- A server that returns an error for one address and may close after it.
local function refusing(answer, pattern, text, closes)
  return honest(function(own, line, session)
    if line:find(pattern) then
      return text, closes
    end
    return answer(own, line, session)
  end)
end

local REGISTERED = { "-|-", "AS3301|Access Networks AB",
  "AS2914|Transit Incorporated", "AS2915|Customer of Transit",
  "AS6453/AS6461|Twin A / Twin B", "AS1239|Old Holder",
  "AS6695|Exchange Point", "-|-", "AS15133|Edge Network" }

local function without(rows, at)
  local list = { table.unpack(rows) }
  list[at] = "-|-"
  return list
end

for name, closes in pairs { goes_on = false, closes = true } do
  check.case("irr_error_about_one_address_and_" .. name, function()
    local rows, net, _, _, _, result = run { settings = named "irr",
      servers = { [IRR] = refusing(registry.irrd, "^!r129%.250%.1%.1",
        "F No such thing\n", closes) }, seconds = 4 }
    check.equal(rows, without(REGISTERED, 3), table.concat(net.lines, ";"))
    check.equal(result.lookup_errors,
      { "irr: irr.test:43: refused: No such thing" })
    check.equal(net.connects["irr.test"] <= 3, true)
  end)
end

check.case("bulk_error_about_one_address", function()
  local rows, net, _, _, _, result = run { settings = named "cymru",
    servers = { [BULK] = refusing(registry.bulk, "^129%.250%.1%.1",
      "Error: no ASN or IP match on line 3.\n") } }
  check.equal(rows, without(BULK_ONLY, 3))
  check.equal(result.lookup_errors, { "cymru: bulk.test:43: refused: Error: "
    .. "no ASN or IP match on line 3." })
  check.equal(net.connects["bulk.test"], 1)
end)

check.case("bulk_server_leaves_one_address_out", function()
  local rows, _, _, _, _, result = run { settings = named "cymru",
    servers = { [BULK] = refusing(registry.bulk, "^129%.250%.1%.1", "") } }
  check.equal(rows, without(BULK_ONLY, 3))
  check.equal(result.lookup_errors,
    { "cymru: bulk.test:43: no answer for 1 of 8 addresses" })
end)

check.case("ripe_error_about_one_address", function()
  local rows, _, _, _, _, result = run { settings = named "ripe",
    hops = { "62.20.1.1", "129.250.1.1", "80.81.192.5" }, seconds = 6,
    servers = { [LAST] = refusing(registry.ripe, "62%.20%.1%.1",
      "%ERROR:108: bad character in input\n\n\n", true) } }
  check.equal(rows, { "-|-", "AS2914|-", "AS6695|-" })
  check.equal(result.lookup_errors, { "ripe: last.test:43: refused: "
    .. "ERROR:108: bad character in input" })
end)

check.case("ripe_denies_access_to_all", function()
  local rows, net, _, _, _, result = run { settings = named "ripe",
    servers = { [LAST] = refusing(registry.ripe, ".",
      "%ERROR:201: access denied\n\n\n", true) }, seconds = 4 }
  check.equal(rows[2], "-|-")
  check.equal(net.connects["last.test"], 1)
  check.equal(result.lookup_errors,
    { "ripe: last.test:43: ERROR:201: access denied" })
end)

check.case("servers_that_nobody_named_are_not_complained_of", function()
  local _, _, _, _, _, result = run { servers = { [IRR] = "refuse" } }
  check.equal(result.lookup_errors, nil)
end)

check.case("a_named_server_that_refuses_is_said", function()
  local _, _, _, _, _, result = run { settings = named "irr",
    servers = { [IRR] = "refuse" } }
  check.equal(result.lookup_errors,
    { "irr: irr.test:43: connection refused" })
end)

check.finish()
