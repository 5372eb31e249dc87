-- Labels make no vendor.
return {
  router = { ttl = 255, quote = 8, extension = { labels = {
    { label = 16, ttl = 1 }, { label = 17, ttl = 1 } } } },
  want = { passive = "unknown", echo = "unknown", active = "unknown" },
  facts = { mpls = true },
}
