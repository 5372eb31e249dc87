return {
  router = { direct = true, ttl = 255, quote = 500, tcp = "closed",
    replies = { echo = { df = "reflect" } } },
  want = { passive = "unknown", echo = "unknown",
    active = "H3C/HPE Comware?" },
  rules = { "R8", "W7" },
  misses = {
    { name = "no_resets", router = { tcp = "filtered" },
      want = { active = "unknown" } },
    { name = "resets_from_64", router = { replies = { echo = {
      df = "reflect" }, tcp = { ttl = 64 } } },
      want = { active = "unknown" } },
    { name = "quote_of_the_minimum", router = { quote = 8 },
      want = { active = "H3C/HPE Comware or Huawei VRP?" } },
  },
}
