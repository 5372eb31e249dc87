return {
  router = { direct = true, ttl = 64, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect", ip_id = "echo" } } },
  want = { passive = "unknown", echo = "Nokia SR OS?",
    active = "Nokia SR OS?" },
  rules = { "R10", "R11", "W2" },
}
