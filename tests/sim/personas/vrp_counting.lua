return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect" } } },
  want = { passive = "unknown", echo = "unknown",
    active = "H3C/HPE Comware or Huawei VRP?" },
  rules = { "R7b" },
  misses = {
    { name = "no_resets", router = { tcp = "filtered" },
      want = { active = "unknown" } },
    { name = "df_never", router = { replies = {} },
      want = { active = "unknown" } },
    { name = "random_identifications", router = { replies = { echo = {
      df = "reflect", ip_id = "random" } } }, want = { active = "unknown" } },
  },
}
