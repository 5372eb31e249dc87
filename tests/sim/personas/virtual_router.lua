-- Addresses of a group of routers, and such as somebody chose.
return {
  router = { ttl = 255, quote = 8 },
  subject = { virtual_router = "HSRP", mac_vendor = "Cisco Systems" },
  want = { passive = "Cisco" },
  rules = { "R3a" },
  misses = {
    { name = "vrrp_names_no_vendor", subject = { virtual_router = "VRRP",
      mac_vendor = "ICANN, IANA Department" },
      want = { passive = "unknown" } },
    { name = "local_address_names_no_vendor", subject = { local_mac = true,
      mac_vendor = "Cisco Systems" }, want = { passive = "unknown" } },
    { name = "of_one_interface", subject = { mac_vendor = "Cisco Systems" },
      want = { passive = "Cisco?" }, rules = { "R3-cisco" } },
  },
}
