return {
  router = { direct = true, ttl = 255, quote = 500, tcp = "closed",
    replies = { echo = { df = "reflect" } } },
  want = { passive = "unknown", echo = "unknown",
    active = "H3C/HPE Comware?" },
  rules = { "R8", "W7" },
}
