return {
  router = { direct = true, ttl = 128, tos = 0, tcp = "closed",
    replies = { tcp = { df = true }, echo = { code = "zero" } } },
  want = { passive = "unknown", echo = "Windows?", active = "Windows" },
  rules = { "R12a", "R12e", "W10" },
  misses = {
    { name = "counters_apart", router = { counters = "apart" },
      want = { active = "Windows?" } },
    { name = "error_tos_of_a_router", router = { tos = "linux" },
      want = { active = "Windows?" } },
  },
}
