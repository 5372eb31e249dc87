return {
  router = { direct = true, ttl = 255, quote = 8, tcp = "closed",
    replies = { echo = { df = "reflect" } } },
  want = { passive = "unknown", echo = "unknown",
    active = "H3C/HPE Comware or Huawei VRP?" },
  rules = { "R7b" },
}
