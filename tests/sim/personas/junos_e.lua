return {
  router = { direct = true, ttl = 128, tos = 0, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect" }, tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "unknown",
    active = "Juniper JunosE?" },
  rules = { "R12c", "W10" },
  misses = {
    { name = "df_never", router = { replies = { tcp = { ttl = 64 } } },
      want = { echo = "unknown", active = "unknown" } },
  },
}
