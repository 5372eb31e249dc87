return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    ip_id = "random", replies = { tcp = { ttl = 64, df = true } } },
  want = { passive = "unknown", echo = "unknown", active = "OpenBSD?" },
  rules = { "R6b" },
  misses = {
    { name = "resets_from_128", router = { replies = {
      tcp = { ttl = 128 } } }, want = { active = "unknown" } },
  },
}
