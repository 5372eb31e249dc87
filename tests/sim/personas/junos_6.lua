return {
  family = 6,
  router = { direct = true, ttl = 64, extension = { interfaces = {
    { role = 0, name = "xe-0/0/1.0" } } } },
  want = { passive = "Juniper?", echo = "Juniper?", active = "Juniper?" },
  rules = { "R15a" },
  misses = {
    { name = "name_of_another_kind", router = { extension = {
      interfaces = { { role = 0, name = "eth0" } } } },
      want = { passive = "unknown" } },
  },
}
