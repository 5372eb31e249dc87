return {
  router = { direct = true, ttl = 128, tos = 0, quote = 8, tcp = "closed",
    replies = { tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "Juniper JunosE or Windows?",
    active = "Juniper JunosE?" },
  rules = { "R12c", "R12d" },
}
