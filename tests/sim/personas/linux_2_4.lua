return {
  router = { direct = true, ttl = 255, tcp = "closed" },
  want = { passive = "unknown", echo = "Linux-based?",
    active = "Linux-based?" },
  rules = { "R9c" },
}
