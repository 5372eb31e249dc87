-- An uplink of 1 Mbit/s that holds 50 packets, for tests on a TUN device.
return {
  prober = "10.0.0.1",
  target = "10.9.0.2",
  nodes = {
    r1 = { address = "10.0.1.1",
      link = { delay_ms = 1, rate_kbit = 1000, queue_packets = 50 } },
    r2 = { address = "10.0.2.1", link = { delay_ms = 2 } },
    r3 = { address = "10.0.3.1", link = { delay_ms = 1 } },
    r4 = { address = "10.0.4.1", link = { delay_ms = 2 } },
    r5 = { address = "10.0.5.1", link = { delay_ms = 1 } },
    r6 = { address = "10.0.6.1", link = { delay_ms = 1 } },
    host = { address = "10.9.0.2", host = true, link = { delay_ms = 1 } },
  },
  path = { "r1", "r2", "r3", "r4", "r5", "r6", "host" },
}
