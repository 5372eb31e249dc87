-- For the OS guess on a TUN device: a persona a hop, two with label stacks.
return {
  prober = "10.0.0.1",
  target = "10.9.0.2",
  nodes = {
    linux = { address = "10.0.1.1", direct = true, tcp = "closed",
      replies = { tcp = { df = true, ip_id = "zero" } } },
    junos = { address = "10.0.2.1", direct = true, ttl = 255, tos = 0,
      quote = 8, extension = { labels = { { label = 299776, ttl = 1 } } },
      replies = { echo = { ttl = 64, df = "reflect" } } },
    ios = { address = "10.0.3.1", direct = true, ttl = 255, quote = 8,
      replies = { echo = { df = "reflect", ip_id = "echo" } } },
    xr = { address = "10.0.4.1", direct = true, ttl = 255, tos = 0,
      quote = 48, quote_pad = 68, replies = { echo = { df = "reflect" } } },
    alliedware = { address = "10.0.5.1", direct = true, ttl = 255, tos = 0,
      quote = 8, replies = { echo = { ttl = 64, df = "reflect",
        code = "zero" } } },
    lsr = { address = "10.0.6.1", ttl = 255, quote = 8, extension = {
      labels = { { label = 16, tc = 3, ttl = 254 }, { label = 17, ttl = 1 },
      } } },
    vrp = { address = "10.0.7.1", ttl = 255, quote = 8, extension = {
      interfaces = { { role = 0, name = "XGigabitEthernet0/0/1" } } } },
    windows = { address = "10.9.0.2", host = true, ttl = 128,
      replies = { echo = { code = "zero" } } },
  },
  path = { "linux", "junos", "ios", "xr", "alliedware", "lsr", "vrp",
    "windows" },
}
