-- A target that sends no errors: its echo replies are all there is.
return {
  router = { direct = true, ttl = 64 },
  kind = "echo-reply",
  want = { passive = "unknown", echo = "Linux-based?" },
  rules = { "R17" },
  misses = {
    { name = "df_reflected", router = { replies = { echo = {
      df = "reflect" } } }, want = { echo = "unknown" } },
    { name = "code_zeroed", router = { replies = { echo = {
      code = "zero" } } }, want = { echo = "unknown" } },
    { name = "initial_ttl_of_255", router = { ttl = 255 },
      want = { echo = "unknown" } },
    { name = "direct_probes_ignored", router = { direct = false },
      want = { echo = "unknown" } },
  },
}
