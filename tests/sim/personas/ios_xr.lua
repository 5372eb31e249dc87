-- Errors of 96 bytes, whatever the probe.
return {
  router = { direct = true, ttl = 255, tos = 0, quote = 48, quote_pad = 68,
    tcp = "closed", replies = { echo = { df = "reflect" } } },
  want = { passive = "unknown", echo = "Cisco IOS XR",
    active = "Cisco IOS XR" },
  rules = { "R5" },
  misses = {
    { name = "quote_of_64_bytes", router = { quote_pad = 64, quote = 44 },
      protocols = { "tcp", "udp" }, want = { echo = "unknown" } },
    { name = "errors_from_64", router = { ttl = 64 },
      want = { echo = "unknown" } },
  },
}
