return {
  router = { direct = true, ttl = 128, tos = 0, tcp = "closed",
    replies = { echo = { df = "reflect", code = "zero" } } },
  want = { passive = "unknown", echo = "Windows?", active = "Windows" },
  rules = { "R12" },
  misses = {
    { name = "quote_of_the_minimum", router = { quote = 8 },
      want = { active = "Windows?" }, rules = { "R12b" } },
  },
}
