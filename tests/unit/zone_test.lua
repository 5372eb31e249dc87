-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local zone = require "mtrtrace.base.zone"

local function interface(device, address, changes)
  local out = { device = device, address = address, up = "up",
    link = "ethernet" }
  for key, value in pairs(changes or {}) do
    out[key] = value
  end
  return out
end

local LO = interface("lo", "::1", { link = "loopback" })
local ETH0 = interface("eth0", "fe80::1:1")
local ETH1 = interface("eth1", "fe80::1:2")

local MISSING = {
  { name = "link_local_lacks_a_zone", address = "fe80::2", want = true },
  { name = "zone_is_there", address = "fe80::2%eth0", want = false },
  { name = "global_needs_none", address = "2001:db8::2", want = false },
  { name = "ipv4_link_local_needs_none", address = "169.254.1.1",
    want = false },
}
check.rows(MISSING, function(row)
  check.equal(zone.missing(row.address), row.want)
  check.equal({ zone.with(row.address, "eth1"), zone.with(row.address) },
    { row.address .. (row.want and "%eth1" or ""),
      not row.want and row.address or nil })
end)

local PICKS = {
  { name = "interface_of_the_user_comes_first", forced = "eth1",
    routed = "eth0", list = { ETH0 }, want = "eth1" },
  { name = "interface_of_nmap_comes_second", routed = "eth1",
    list = { ETH0 }, want = "eth1" },
  { name = "loopback_of_nmap_means_this_host", routed = "lo",
    target = "fe80:0::1:2", list = { LO, ETH0, ETH1 }, want = "eth1" },
  { name = "only_interface_is_taken", list = { LO, ETH0 }, want = "eth0" },
  { name = "two_addresses_of_one_interface_are_one",
    list = { ETH0, interface("eth0", "fe80::9") }, want = "eth0" },
  { name = "several_interfaces_are_not_guessed_between",
    list = { ETH0, ETH1 } },
  { name = "interface_that_is_down_does_not_count",
    list = { ETH0, interface("eth1", "fe80::3", { up = "down" }) },
    want = "eth0" },
  { name = "interface_without_link_local_does_not_count",
    list = { ETH0, interface("eth1", "2001:db8::1"), { device = "eth2",
      up = "up", link = "ethernet" } }, want = "eth0" },
  { name = "none_at_all", list = { LO } },
}
check.rows(PICKS, function(row)
  check.equal(zone.pick(row.target or "fe80::2", row.forced, row.routed,
    row.list), row.want)
end)

check.finish()
