-- A name alone, without an answer to direct probes.
return {
  router = { ttl = 255, quote = 8, extension = { interfaces = {
    { role = 0, name = "XGigabitEthernet0/0/1" } } } },
  want = { passive = "Huawei VRP?", echo = "Huawei VRP?" },
  rules = { "R15e" },
  misses = {
    { name = "shared_by_three_vendors", router = { extension = {
      interfaces = { { role = 0, name = "GigabitEthernet0/0/1" } } } },
      want = { passive = "unknown" }, rules = { "R15c" } },
    { name = "of_ios", router = { extension = { interfaces = {
      { role = 0, name = "TenGigabitEthernet1/1" } } } },
      want = { passive = "Cisco IOS/XE?" }, rules = { "R15d" } },
  },
}
