-- The engine's own word, and what software that runs on anything says.
return {
  router = { direct = true, ttl = 64, quote = 8, tcp = "closed" },
  subject = { snmp = { engine_id = "8000000903001b54aabbcc",
    enterprise = 9, format = "mac", mac = "00:1b:54:aa:bb:cc",
    mac_vendor = "Cisco Systems" } },
  want = { passive = "Cisco" },
  rules = { "R1-cisco", "R2-cisco" },
  misses = {
    { name = "software_only", subject = { snmp = { enterprise = 8072,
      format = "enterprise" } }, want = { passive = "unknown" } },
    { name = "contradicted_by_its_packets", router = { quote = 500,
      replies = { tcp = { df = true, ip_id = "zero" } } },
      subject = { snmp = { enterprise = 311 } },
      want = { active = "Linux-based?" } },
  },
}
