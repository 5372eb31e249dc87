return {
  router = { direct = true, ttl = 64, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect", ip_id = "echo" } } },
  want = { passive = "unknown", echo = "Nokia SR OS?",
    active = "Nokia SR OS?" },
  rules = { "R10", "R11", "W2" },
  misses = {
    { name = "identification_of_its_own", router = { replies = { echo = {
      df = "reflect" } } }, want = { echo = "BSD-like stack?" } },
    { name = "quote_of_the_whole_probe", router = { quote = 500 },
      want = { echo = "unknown" } },
  },
}
