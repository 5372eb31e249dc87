-- For the OS guess on a TUN device: what IPv6 can tell of hops, and what not.
return {
  prober = "2001:db8::1",
  target = "2001:db8:ffff::2",
  nodes = {
    linux = { address = "2001:db8:1::1", direct = true },
    junos = { address = "2001:db8:2::1", direct = true, extension = {
      labels = { { label = 299776, ttl = 1 } },
      interfaces = { { role = 0, name = "xe-0/0/1.0" } } } },
    lsr = { address = "2001:db8:3::1", extension = {
      labels = { { label = 16, tc = 3, ttl = 254 }, { label = 17, ttl = 1 },
      } } },
    vrp = { address = "2001:db8:4::1", extension = {
      interfaces = { { role = 0, name = "XGigabitEthernet0/0/1" } } } },
    host = { address = "2001:db8:ffff::2", host = true },
  },
  path = { "linux", "junos", "lsr", "vrp", "host" },
}
