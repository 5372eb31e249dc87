-- Initial hop limits of IPv6 tell nothing: nearly all begin at 64.
return {
  family = 6,
  router = { direct = true, ttl = 64, tos = 0, tcp = "closed" },
  want = { passive = "unknown", echo = "unknown", active = "unknown" },
}
