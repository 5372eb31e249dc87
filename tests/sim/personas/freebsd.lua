return {
  router = { direct = true, ttl = 64, tos = 0, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect" }, tcp = { df = true } } },
  want = { passive = "unknown", echo = "BSD-like stack?",
    active = "BSD-like stack?" },
  rules = { "R11" },
  misses = {
    { name = "df_never", router = { replies = {} },
      want = { echo = "unknown" } },
  },
}
