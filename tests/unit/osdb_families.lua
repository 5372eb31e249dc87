-- SPDX-License-Identifier: BSD-2-Clause
--- Nmap's OS families in the names of our judge, by the systems themselves,
-- not by their replies.
-- @module osdb_families
local M = {}

--- Nmap's families, with the names of a correct guess.
M.names = {
  ["Linux"] = "Linux-based", ["Android"] = "Linux-based",
  ["RouterOS"] = "MikroTik RouterOS", ["ExtremeXOS"] = "Extreme EXOS",
  ["IOS"] = "Cisco IOS/XE", ["IOS XE"] = "Cisco IOS/XE",
  ["IOS-XE"] = "Cisco IOS/XE", ["IOS XR"] = "Cisco IOS XR",
  ["NX-OS"] = "Cisco NX-OS", ["SAN-OS"] = "Cisco NX-OS",
  ["ASA"] = "Cisco ASA", ["PIX OS"] = "Cisco ASA",
  ["JUNOS"] = "Junos", ["VRP"] = "Huawei VRP",
  ["Comware"] = "H3C/HPE Comware", ["SR OS"] = "Nokia SR OS",
  ["IronWare"] = "Brocade IronWare", ["ZyNOS"] = "ZyXEL ZyNOS",
  ["AOS"] = "Adtran AOS", ["AlliedWare"] = "Allied Telesis AlliedWare",
  ["SmartEdge OS"] = "Ericsson", ["Windows"] = "Windows",
  ["FreeBSD"] = "FreeBSD", ["FreeNAS"] = "FreeBSD",
  ["PC-BSD"] = "FreeBSD", ["IPSO"] = "FreeBSD", ["AsyncOS"] = "FreeBSD",
  ["OneFS"] = "FreeBSD", ["DragonFly BSD"] = "BSD-like stack",
  ["BSD"] = "BSD-like stack", ["BSD/OS"] = "BSD-like stack",
  ["OpenBSD"] = "OpenBSD", ["NetBSD"] = "NetBSD",
  ["Mac OS X"] = "macOS or iOS", ["OS X"] = "macOS or iOS",
  ["macOS"] = "macOS or iOS", ["iOS"] = "macOS or iOS",
  ["iPhone OS"] = "macOS or iOS", ["Apple TV"] = "macOS or iOS",
  ["Solaris"] = "Solaris", ["OpenSolaris"] = "Solaris",
  ["OpenIndiana"] = "Solaris", ["SmartOS"] = "Solaris",
  ["AIX"] = "IBM AIX", ["HP-UX"] = "HP-UX", ["IRIX"] = "SGI IRIX",
  ["VxWorks"] = "VxWorks", ["ESXi"] = "VMware ESXi",
  ["OpenVMS"] = "OpenVMS", ["NetWare"] = "Novell NetWare",
  ["iLO"] = "HPE iLO", ["lwIP"] = "lwIP",
}

--- Appliances that run Linux under another name.
M.linux = {
  ["ArubaOS"] = true, ["HiveOS"] = true, ["FritzOS"] = true,
  ["AirOS"] = true, ["DiskStation Manager"] = true, ["QTS"] = true,
  ["RAIDiator"] = true, ["IPCop"] = true, ["IPFire"] = true,
  ["Fireware"] = true, ["FortiOS"] = true, ["RiOS"] = true,
  ["CyanogenMod"] = true, ["Tizen"] = true, ["ZLD"] = true,
  ["GAiA OS"] = true, ["SecurePlatform"] = true,
  ["ESX Server"] = true, ["XenServer"] = true, ["Gargoyle"] = true,
  ["VM Server"] = true, ["IVE OS"] = true, ["TMOS"] = true,
  ["ArrayOS"] = true, ["Onboard Administrator"] = true,
}

--- Vendors whose "embedded" entries confirm a brand in a guess.
M.brands = {
  ["Cisco"] = { "Cisco" }, ["Juniper"] = { "Juniper" },
  ["Huawei"] = { "Huawei" }, ["Nokia"] = { "Nokia" },
  ["Microsoft"] = { "Windows" },
}

return M
