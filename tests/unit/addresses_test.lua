-- SPDX-License-Identifier: BSD-2-Clause
-- Every address of a name, and the family that is wanted.
local addresses = require "mtrtrace.session.addresses"
local check = require "check"

local function resolver(list, err)
  return { resolve = function(name, family)
    return list and { table.unpack(list) }, err and err:format(name, family)
  end }
end

check.case("addresses_of_a_name_come_once_in_their_order", function()
  check.equal(addresses.all(resolver { "2001:db8::1", "192.0.2.1",
    "192.0.2.2", "192.0.2.1" }, "a"), { "2001:db8::1", "192.0.2.1",
    "192.0.2.2" })
end)

check.case("addresses_beyond_the_most_are_left_out_and_counted", function()
  local many = {}
  for i = 1, addresses.MOST + 3 do
    many[i] = "192.0.2." .. i
  end
  many[#many + 1] = "192.0.2.1"
  local list, err = addresses.all(resolver(many), "a")
  check.equal(#list, addresses.MOST)
  check.equal(err, "3 of 67 addresses are left out: at most 64 are traced")
end)

check.case("a_name_without_addresses_has_the_resolver_s_reason", function()
  local list, err = addresses.all(resolver(nil, "%s: no IPv%d address"), "a",
    6)
  check.equal({ list, err }, { nil, "a: no IPv6 address" })
end)

local FAMILIES = {
  { name = "any", options = {}, want = nil },
  { name = "the_asked", options = { family = 6 }, want = 6 },
  { name = "the_source_s", options = { address = "2001:db8::1" }, want = 6 },
  { name = "the_source_s_ipv4", options = { address = "192.0.2.1" },
    want = 4 },
  { name = "a_mapped_source_s", options = { address = "::ffff:192.0.2.1" },
    want = 4 },
  { name = "the_asked_before_the_source_s", options = { family = 4,
    address = "2001:db8::1" }, want = 4 },
}

for _, row in ipairs(FAMILIES) do
  check.case("family_is_" .. row.name, function()
    check.equal(addresses.family(row.options), row.want)
  end)
end

check.finish()
