-- A label behind a quote padded to 128 bytes: 168 in all.
return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    extension = { labels = { { label = 24001, ttl = 1 } } },
    replies = { echo = { df = "reflect", ip_id = "echo" } } },
  want = { passive = "unknown", echo = "Cisco?" },
  rules = { "R5a" },
  misses = {
    { name = "two_labels", router = { extension = { labels = {
      { label = 24001 }, { label = 24002 } } } },
      want = { echo = "unknown" } },
  },
}
