return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect" }, tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "unknown",
    active = "Cisco NX-OS or Ericsson?" },
  rules = { "R6", "R6a", "W4", "W6" },
  misses = {
    { name = "identifications_of_zero", router = { ip_id = "zero" },
      want = { active = "unknown" } },
    { name = "no_resets", router = { tcp = "filtered" },
      want = { active = "unknown" } },
  },
}
