return {
  router = { direct = true, ttl = 64, tos = "linux", tcp = "closed",
    replies = { tcp = { df = true, ip_id = "zero" } } },
  want = { passive = "unknown", echo = "Linux-based",
    active = "Linux-based" },
  rules = { "R9", "R9a", "R9b", "W1" },
  misses = {
    { name = "tos_cleared_on_the_way", router = { tos = 0 },
      want = { echo = "Linux-based?", active = "Linux-based" } },
    { name = "quote_of_the_minimum", router = { quote = 8 },
      want = { echo = "unknown" } },
    { name = "df_reflected", router = { replies = { echo = {
      df = "reflect" } } }, want = { echo = "unknown" } },
    { name = "rate_limited", router = { rate_limit = "linux4" },
      want = { echo = "Linux-based" } },
    { name = "direct_probes_ignored", router = { direct = false },
      want = { echo = "unknown", active = "unknown" } },
    { name = "initial_ttl_of_128", router = { ttl = 128 },
      want = { echo = "Windows?" } },
    { name = "errors_of_another_device", router = { replies = {
      exceeded = { ttl = 255 } } }, want = { echo = "Linux-based?" } },
  },
}
