-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local mac = require "mtrtrace.os.mac"

local KINDS = {
  { name = "vrrp", mac = "00:00:5e:00:01:0a", virtual = "VRRP" },
  { name = "vrrp_of_ipv6", mac = "00-00-5E-00-02-01", virtual = "VRRP" },
  { name = "hsrp", mac = "0000.0c07.ac01", virtual = "HSRP" },
  { name = "hsrp_2", mac = "00000c9ff123", virtual = "HSRP" },
  { name = "hsrp_2_of_ipv6", mac = "00:05:73:a0:00:01", virtual = "HSRP" },
  { name = "glbp", mac = "00:07:b4:00:01:02", virtual = "GLBP" },
  { name = "other_iana_address", mac = "00:00:5e:00:53:01" },
  { name = "other_address_of_the_vendor", mac = "00:00:0c:07:ab:01" },
  { name = "locally_administered", mac = "02:42:ac:11:00:02",
    here = true },
  { name = "random_of_a_phone", mac = "DA:a1:19:00:00:01", here = true },
  { name = "universally_administered", mac = "00:1b:54:00:00:01" },
  { name = "no_address", mac = "00:1b:54" },
  { name = "nothing" },
}
check.rows(KINDS, function(row)
  check.equal(mac.classify(row.mac), { virtual_router = row.virtual,
    local_mac = row.here or false })
end)

local PREFIXES = "# 00AA00 a comment\n001B54 Cisco Systems\n"
  .. "70B3D5 IEEE Registration Authority\n70B3D5F2F Small Maker\r\n"
  .. "8C1F640 Other Maker\nBroken\n00005E"

local VENDORS = {
  { name = "prefix_of_24_bits", mac = "00:1b:54:aa:bb:cc",
    want = "Cisco Systems" },
  { name = "prefix_of_36_bits_leads", mac = "70:b3:d5:f2:f1:23",
    want = "Small Maker" },
  { name = "prefix_of_28_bits", mac = "8c:1f:64:0a:bc:de",
    want = "Other Maker" },
  { name = "holder_of_the_rest", mac = "70:b3:d5:00:01:23",
    want = "IEEE Registration Authority" },
  { name = "prefix_without_a_name", mac = "00:00:5e:00:53:01" },
  { name = "comment_is_none", mac = "00:aa:00:00:00:01" },
  { name = "unknown_prefix", mac = "fe:ff:ff:00:00:01" },
  { name = "address_cut_short", mac = "00:1b:54" },
  { name = "no_address_at_all" },
}
check.rows(VENDORS, function(row)
  check.equal(mac.vendor(row.mac, PREFIXES), row.want)
end)

check.case("first_line_is_read", function()
  check.equal(mac.vendor("00:1b:54:00:00:01", "001B54 Cisco Systems"),
    "Cisco Systems")
end)

check.finish()
