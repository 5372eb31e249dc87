-- Quotes 64 bytes of payload: all of our UDP probe, so nothing is sure.
return {
  router = { direct = true, ttl = 255, tos = 0, quote = 30, tcp = "closed",
    replies = { echo = { df = true }, tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "unknown", active = "unknown" },
}
