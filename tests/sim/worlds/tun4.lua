-- For tracing on a TUN device: constant delays, so that every RTT is known;
-- a rate-limited router, one that answers slowly, loss from hop 6 on.
return {
  prober = "10.0.0.1",
  target = "10.9.0.2",
  nodes = {
    r1 = { address = "10.0.1.1", link = { delay_ms = 1 } },
    r2 = { address = "10.0.2.1", link = { delay_ms = 5 } },
    rate_limited = { address = "10.0.3.1", link = { delay_ms = 2 },
      rate_limit = { burst = 6, every_ms = 100, smooth = true } },
    r4 = { address = "10.0.4.1", link = { delay_ms = 1.5 } },
    slow = { address = "10.0.5.1", link = { delay_ms = 1 }, answer_ms = 30 },
    lossy = { address = "10.0.6.1",
      link = { delay_ms = 20, loss_forward = 0.2 } },
    r7 = { address = "10.0.7.1", link = { forward_ms = 1, back_ms = 9 } },
    r8 = { address = "10.0.8.1", link = { delay_ms = 10 } },
    host = { address = "10.9.0.2", host = true, link = { delay_ms = 1 } },
  },
  path = { "r1", "r2", "rate_limited", "r4", "slow", "lossy", "r7", "r8",
    "host" },
}
