-- A cloud's edge at hop 2 that translates and puts nothing back in quotes, of
-- which the routers beyond it send eight bytes, for tests on a TUN device.
local nat = { source = "203.0.113.9", source_port = 61234, restore = "none" }
return {
  prober = "10.0.0.1",
  target = "10.9.0.2",
  nodes = {
    r1 = { address = "10.0.1.1", link = { delay_ms = 1 } },
    r2 = { address = "10.0.2.1", link = { delay_ms = 1 }, nat = nat },
    r3 = { address = "10.0.3.1", link = { delay_ms = 1 }, quote = 8 },
    r4 = { address = "10.0.4.1", link = { delay_ms = 1 }, quote = 8 },
    r5 = { address = "10.0.5.1", link = { delay_ms = 1 }, quote = 8 },
    host = { address = "10.9.0.2", host = true, link = { delay_ms = 1 } },
  },
  path = { "r1", "r2", "r3", "r4", "r5", "host" },
}
