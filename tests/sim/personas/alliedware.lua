-- As Junos, but the code of an echo request does not come back.
return {
  router = { direct = true, ttl = 255, tos = 0, quote = 8, tcp = "closed",
    replies = { echo = { ttl = 64, df = "reflect", code = "zero" },
      tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "Allied Telesis AlliedWare?",
    active = "Allied Telesis AlliedWare?" },
  rules = { "R4e", "W9" },
  misses = {
    { name = "df_never", router = { replies = { echo = { ttl = 64,
      code = "zero" } } }, want = { echo = "unknown" } },
  },
}
