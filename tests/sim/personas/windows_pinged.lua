-- A target that sends no errors: its echo replies are all there is.
return {
  router = { direct = true, ttl = 128, replies = { echo = {
    code = "zero" } } },
  kind = "echo-reply",
  want = { passive = "unknown", echo = "Windows?" },
  rules = { "R17a" },
  misses = {
    { name = "code_reflected", router = { replies = {} },
      want = { echo = "unknown" } },
    { name = "initial_ttl_of_64", router = { ttl = 64 },
      want = { echo = "unknown" } },
  },
}
