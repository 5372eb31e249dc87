-- SPDX-License-Identifier: BSD-2-Clause

--- Private enterprise numbers of vendors (IANA), and the vendor names of MAC
-- prefixes (IEEE, in Nmap's spelling). Data only; mtrtrace.os.rules makes
-- rules of it. Software that runs on any hardware, such as net-snmp (8072),
-- has no row.
-- @module mtrtrace.os.vendors
return {
  { name = "cisco", candidates = { "Cisco" }, enterprise = 9,
    mac = { "^Cisco Systems" } },
  { name = "juniper", candidates = { "Juniper" },
    enterprise = { 2636, 3224, 4874 }, mac = { "^Juniper Networks" } },
  { name = "huawei", candidates = { "Huawei" }, enterprise = 2011,
    mac = { "^Huawei Technologies" } },
  { name = "nokia", candidates = { "Nokia" }, enterprise = 6527,
    mac = { "^Alcatel%-Lucent IPD", "^TiMetra", "^Nokia$" } },
  { name = "h3c", candidates = { "H3C/HPE Comware" }, enterprise = 25506,
    mac = { "^New H3C", "^Hangzhou H3C" } },
  { name = "mikrotik", candidates = { "MikroTik RouterOS" },
    enterprise = 14988, mac = { "^Routerboard" } },
  { name = "arista", candidates = { "Arista EOS" }, enterprise = 30065,
    mac = { "^Arista" } },
  { name = "extreme", candidates = { "Extreme EXOS" }, enterprise = 1916,
    mac = { "^Extreme Networks" } },
  { name = "brocade", candidates = { "Brocade IronWare" },
    enterprise = 1991, mac = { "^Foundry", "^Brocade" } },
  { name = "zyxel", candidates = { "ZyXEL ZyNOS", "Linux-based" },
    enterprise = 890, mac = { "^ZyXEL", "^Zyxel" } },
  { name = "adtran", candidates = { "Adtran AOS" }, enterprise = 664,
    mac = { "^Adtran" } },
  { name = "allied_telesis", candidates = { "Allied Telesis AlliedWare",
    "Linux-based" }, enterprise = 207, mac = { "^Allied Tele" } },
  { name = "ericsson", candidates = { "Ericsson" },
    enterprise = { 193, 2352 }, mac = { "^Ericsson", "^Redback" } },
  { name = "openbsd", candidates = { "OpenBSD" }, enterprise = 30155 },
  { name = "microsoft", candidates = { "Windows" }, enterprise = 311 },
}
