-- A path with a bit of everything: a balanced part, an MPLS router, a
-- rate limiting one, a silent one, loss from hop 6 on.
return {
  prober = "10.0.0.1",
  target = "10.9.0.2",
  nodes = {
    home = { address = "10.0.1.1", link = { delay_ms = 0.3 } },
    isp = { address = "10.0.2.1", ttl = 255, quote = 8, ip_id = "random",
      link = { delay_ms = { base_ms = 4, jitter_ms = 2,
        shape = "exponential" } } },
    left = { address = "10.0.3.1", ttl = 255, quote = 8 },
    right = { address = "10.0.3.2", ttl = 255, quote = 8 },
    mpls = { address = "10.0.4.1", ttl = 255, link = { delay_ms = 6 },
      quote = 28, extension = { labels = { { label = 24001, ttl = 1 } } } },
    linux = { address = "10.0.5.1", rate_limit = "linux4",
      link = { delay_ms = 2 } },
    lossy = { address = "10.0.6.1", rate_limit = "iosxr",
      link = { delay_ms = 3, loss_forward = 0.05 } },
    silent = { address = "10.0.7.1", answers = 0 },
    slow = { address = "10.0.8.1", link = { delay_ms = 2 },
      answer_ms = { base_ms = 5, jitter_ms = 40, shape = "exponential" } },
    host = { address = "10.9.0.2", host = true, link = { delay_ms = 1 } },
  },
  path = { "home", "isp", { balance = "flow", { "left" }, { "right" } },
    "mpls", "linux", "lossy", "silent", "slow", "host" },
}
