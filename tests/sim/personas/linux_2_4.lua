return {
  router = { direct = true, ttl = 255, tcp = "closed" },
  want = { passive = "unknown", echo = "Linux-based?",
    active = "Linux-based?" },
  rules = { "R9c" },
  misses = {
    { name = "error_tos_of_0", router = { tos = 0 },
      want = { echo = "unknown", active = "unknown" } },
    { name = "df_reflected", router = { replies = { echo = {
      df = "reflect" } } }, want = { echo = "unknown" } },
  },
}
