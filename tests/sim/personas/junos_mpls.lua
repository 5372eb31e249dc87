-- The quote is padded for the labels behind it: its length tells nothing.
return {
  router = { direct = true, ttl = 255, tos = 0, quote = 8, tcp = "closed",
    extension = { labels = { { label = 299776, ttl = 1 } } },
    replies = { echo = { ttl = 64, df = "reflect" }, tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "Junos", active = "Junos" },
  rules = { "R4a" },
  misses = {
    { name = "echo_never_with_df", router = { replies = { echo = {
      ttl = 64 } } }, want = { echo = "unknown" } },
    { name = "echo_from_128", router = { replies = { echo = { ttl = 128,
      df = "reflect" } } }, want = { echo = "unknown" } },
  },
}
