return {
  family = 6,
  router = { ttl = 64, extension = { interfaces = {
    { role = 0, name = "TenGigE0/0/0/1" } } } },
  want = { passive = "Cisco IOS XR?", echo = "Cisco IOS XR?" },
  rules = { "R15b" },
}
