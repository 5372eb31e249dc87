-- One counter for TCP and UDP beside the echoed identification.
return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect", ip_id = "echo" } } },
  want = { passive = "unknown", echo = "Cisco IOS/XE or Huawei VRP?",
    active = "Huawei VRP?" },
  rules = { "R7a" },
  misses = {
    { name = "counters_apart", router = { counters = "apart" },
      want = { active = "Cisco IOS/XE or Huawei VRP?" } },
  },
}
