-- 255 for errors, 64 for what the system itself sends.
return {
  router = { direct = true, ttl = 255, tos = 0, quote = 8, tcp = "closed",
    replies = { unreachable = { df = true }, echo = { ttl = 64,
      df = "reflect" }, tcp = { ttl = 64 } } },
  want = { passive = "unknown", echo = "Junos", active = "Junos" },
  rules = { "R4", "R4b", "R4c", "R4d", "W9" },
  misses = {
    { name = "echo_from_255", router = { replies = {
      echo = { ttl = 255, df = "reflect" }, tcp = { ttl = 64 } } },
      want = { echo = "unknown", active = "Cisco NX-OS or Ericsson?" } },
    { name = "quote_of_the_whole_probe", router = { quote = 500 },
      want = { echo = "unknown" } },
    { name = "echo_never_with_df", router = { replies = {
      echo = { ttl = 64 } } }, want = { echo = "Junos?" } },
    { name = "echo_code_zeroed", router = { replies = { echo = { ttl = 64,
      df = "reflect", code = "zero" }, tcp = { ttl = 64 } } },
      want = { echo = "Allied Telesis AlliedWare?" } },
    { name = "direct_probes_ignored", router = { direct = false },
      want = { echo = "unknown", active = "unknown" } },
  },
}
