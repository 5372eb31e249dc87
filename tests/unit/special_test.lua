-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local special = require "mtrtrace.base.special"

-- First and last address of the ranges, and their neighbours.
local CLASSES = {
  { "0.0.0.0", "reserved" }, { "0.255.255.255", "reserved" },
  { "1.0.0.0" }, { "9.255.255.255" },
  { "10.0.0.0", "private" }, { "10.255.255.255", "private" },
  { "11.0.0.0" }, { "100.63.255.255" },
  { "100.64.0.0", "cgn" }, { "100.127.255.255", "cgn" },
  { "100.128.0.0" }, { "126.255.255.255" },
  { "127.0.0.1", "loopback" }, { "128.0.0.0" },
  { "169.253.255.255" }, { "169.254.0.0", "link-local" },
  { "169.254.255.255", "link-local" }, { "169.255.0.0" },
  { "172.15.255.255" }, { "172.16.0.0", "private" },
  { "172.31.255.255", "private" }, { "172.32.0.0" },
  { "192.0.0.0", "reserved" }, { "192.0.0.8", "reserved" },
  { "192.0.0.9" }, { "192.0.0.10" }, { "192.0.0.11", "reserved" },
  { "192.0.1.0" }, { "192.0.2.1", "documentation" }, { "192.0.3.0" },
  { "192.31.196.1" }, { "192.52.193.1" }, { "192.175.48.1" },
  { "192.88.99.1", "reserved" }, { "192.167.255.255" },
  { "192.168.0.0", "private" }, { "192.169.0.0" },
  { "198.17.255.255" }, { "198.18.0.0", "benchmark" },
  { "198.19.255.255", "benchmark" }, { "198.20.0.0" },
  { "198.51.100.7", "documentation" }, { "203.0.113.7", "documentation" },
  { "223.255.255.255" }, { "224.0.0.1", "multicast" },
  { "239.255.255.255", "multicast" }, { "240.0.0.0", "reserved" },
  { "255.255.255.254", "reserved" }, { "255.255.255.255", "broadcast" },

  { "::", "unspecified" }, { "::1", "loopback" }, { "::2", "unassigned" },
  { "::ffff:8.8.8.8", "mapped" }, { "::ffff:808:808", "mapped" },
  { "64:ff9b::8.8.8.8" }, { "64:ff9b::808:808" },
  { "64:ff9b::10.0.0.1", "private" }, { "64:ff9b::a00:1", "private" },
  { "64:ff9b::100.64.0.1", "cgn" }, { "64:ff9b::", "reserved" },
  { "64:ff9b::1:808:808", "unassigned" },
  { "64:ff9b:1::1", "translation" },
  { "64:ff9b:2::1", "unassigned" },
  { "100::1", "discard" }, { "100:0:0:1::1", "reserved" },
  { "100:0:0:2::", "unassigned" }, { "1fff:ffff::", "unassigned" },
  { "2000::" }, { "2001::1", "teredo" },
  { "2001:1::", "reserved" }, { "2001:1::1" }, { "2001:1::2" },
  { "2001:1::3" }, { "2001:1::4", "reserved" },
  { "2001:2::1", "benchmark" }, { "2001:2:1::1", "reserved" },
  { "2001:3::1" }, { "2001:4:112::1" }, { "2001:4:113::1", "reserved" },
  { "2001:10::1", "reserved" }, { "2001:20::1" }, { "2001:2f:ffff::1" },
  { "2001:30::1" }, { "2001:3f:ffff::1" }, { "2001:40::1", "reserved" },
  { "2001:1ff:ffff::1", "reserved" }, { "2001:200::1" },
  { "2001:db7:ffff::1" }, { "2001:db8::1", "documentation" },
  { "2001:DB8:FFFF::1", "documentation" }, { "2001:db9::1" },
  { "2002::1", "6to4" }, { "2003::1" }, { "2620:4f:8000::1" },
  { "3ffe::1" }, { "3fff::1", "documentation" },
  { "3fff:fff:ffff::1", "documentation" }, { "3fff:1000::1" },
  { "4000::1", "unassigned" }, { "5eff::1", "unassigned" },
  { "5f00::1", "srv6" }, { "5f01::1", "unassigned" },
  { "fbff::1", "unassigned" }, { "fc00::1", "private" },
  { "fdff::1", "private" }, { "fe00::1", "unassigned" },
  { "fe80::1", "link-local" }, { "fe80::1%eth0", "link-local" },
  { "febf::1", "link-local" }, { "fec0::1", "reserved" },
  { "ff02::1", "multicast" },
  { "1:2:3:4:5:6:7:8", "unassigned" },
}
for _, row in ipairs(CLASSES) do
  check.case("class_of_" .. row[1], function()
    check.equal(special.class(row[1]), row[2])
  end)
end

local NO_ADDRESS = {
  "", "*", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.0004", "1.2.3.-4",
  ":", ":::", "1::2::3", "1:2:3", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
  "::1.2.3.256", "1:2:3:4:5:6:7::8:9", "%eth0",
}
for _, text in ipairs(NO_ADDRESS) do
  check.case(("no_address_'%s'_has_no_class"):format(text), function()
    check.equal(special.class(text), nil)
    check.equal(special.bytes(text), nil)
  end)
end

check.case("bytes_of_an_ipv4_address", function()
  check.equal(special.bytes("192.0.2.255"), "\192\0\2\255")
end)

check.case("bytes_of_an_ipv6_address", function()
  check.equal(special.bytes("2001:db8::ff:1.2.3.4"),
    "\32\1\13\184" .. ("\0"):rep(6) .. "\0\255\1\2\3\4")
end)

local UNMAPPED = {
  { "::ffff:192.0.2.1", "192.0.2.1", 4 }, { "::ffff:c000:201", "192.0.2.1",
    4 }, { "0:0:0:0:0:FFFF:192.0.2.1", "192.0.2.1", 4 },
  { "::192.0.2.1", nil, 6 }, { "::fffe:c000:201", nil, 6 },
  { "192.0.2.1", nil, 4 }, { "64:ff9b::192.0.2.1", nil, 6 },
  { "fe80::1%eth0", nil, 6 },
}
for _, row in ipairs(UNMAPPED) do
  check.case("ipv4_address_that_is_mapped_as_" .. row[1], function()
    check.equal({ special.unmapped(row[1]), special.family(row[1]) },
      { row[2], row[3] })
  end)
end

check.case("every_class_has_a_label", function()
  for _, row in ipairs(CLASSES) do
    local asn, organization = special.label(row[2])
    check.equal({ asn ~= nil, organization ~= nil },
      { row[2] ~= nil, row[2] ~= nil }, row[1])
  end
  check.equal({ special.label "private" }, { "Private", "Private Network" })
  check.equal(special.label(nil), nil)
end)

-- The rows that small_test.c reads too.
check.case("addresses_are_the_same_in_c_and_lua", function()
  local rows = 0
  for line in io.lines "tests/unit/addresses.txt" do
    local given, hex, text = line:match "(%S+) (%S+) (%S+)"
    local bytes = special.bytes(given)
    check.equal(bytes and bytes:gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end) or "-", hex, given)
    check.equal(bytes and special.text(bytes) or "-", text, given)
    rows = rows + 1
  end
  check.equal(rows, 62)
end)

check.finish()
