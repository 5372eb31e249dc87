return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    counters = "apart",
    replies = { echo = { df = "reflect", ip_id = "echo" },
      tcp = { ip_id = "random" } } },
  want = { passive = "unknown", echo = "Cisco IOS/XE or Huawei VRP?",
    active = "Cisco IOS/XE or Huawei VRP?" },
  rules = { "R7", "W5" },
  misses = {
    { name = "identification_of_its_own", router = { replies = {
      echo = { df = "reflect" } } }, want = { echo = "unknown" } },
    { name = "df_never", router = { replies = { echo = {
      ip_id = "echo" } } }, want = { echo = "unknown" } },
    { name = "no_errors", router = { answers = 0 },
      want = { echo = "unknown" } },
  },
}
