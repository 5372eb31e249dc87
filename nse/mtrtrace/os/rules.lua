-- SPDX-License-Identifier: BSD-2-Clause

--- The rules from evidence to systems. Data only; to add a vendor, add a row
-- here and a persona to tests/sim/personas.
--
-- A rule is { id, when, candidates, confidence, source }. It fires if every
-- fact in `when` is known and matches: equal to the value, one of a list (with
-- `unknown = true` in the list, an unknown fact matches too), or, for { like =
-- patterns }, a text (or one of several) that matches a Lua pattern.
-- `candidates` are names of systems or of classes, which stand for all their
-- members. `confidence` is the probability that the true system is among
-- them. Rules under 0.5 have too many candidates for a label; they only narrow
-- the set.
--
-- Sources: LFP, Albakour et al., IMC 2023; Vanaubel et al., IMC 2013;
-- RFC 3411 and Albakour et al., IMC 2021 (SNMPv3); RFC 5837 (interface
-- names); nmap-os-db, Nmap's fingerprints; Linux, net/ipv4/icmp.c.
-- @module mtrtrace.os.rules
local vendors = require "mtrtrace.os.vendors"

local M = {}

--- Classes of systems. A class may contain its own name, which stands for
-- members that cannot be distinguished.
M.classes = {
  { name = "Linux-based", members = {
    "Linux-based", "MikroTik RouterOS", "Arista EOS", "Extreme EXOS",
    "Cisco, Linux-based", "Juniper, Linux-based", "Huawei, Linux-based",
    "Nokia SR Linux",
  } },
  { name = "BSD-like stack", members = {
    "BSD-like stack", "FreeBSD", "macOS or iOS", "VxWorks", "VMware ESXi",
    "OpenVMS", "Nokia SR OS",
  } },
  { name = "Cisco", members = {
    "Cisco IOS/XE", "Cisco IOS XR", "Cisco NX-OS", "Cisco ASA",
    "Cisco, Linux-based",
  } },
  { name = "Juniper", members = {
    "Junos", "Juniper JunosE", "Juniper ScreenOS", "Juniper, Linux-based",
  } },
  { name = "Huawei", members = { "Huawei VRP", "Huawei, Linux-based" } },
  { name = "Nokia", members = { "Nokia SR OS", "Nokia SR Linux" } },
}

--- Hints from reverse DNS names. An operator may write any name, so hints are
-- shown but never used for a guess.
M.hints = {
  { like = { "^[xgefs][etos]%-%d+[-/]%d+[-/]%d+", "^ae%d+[-.]%d+%." },
    text = "Juniper's interface names" },
  { like = { "^te%d+%-%d+%-%d+%-%d+", "^hu%d+%-%d+%-%d+%-%d+",
    "^bundle%-ether%d+" }, text = "Cisco IOS XR's interface names" },
}

-- Stacks with initial TTL 255 for errors and echo replies and minimum quotes:
-- those with TTL 255 for resets (ROUTERS), with 64 (HOSTS), and all.
local ROUTERS_255 = {
  "Cisco IOS/XE", "Cisco IOS XR", "Cisco ASA", "Huawei VRP",
  "H3C/HPE Comware", "lwIP", "ZyXEL ZyNOS", "Adtran AOS", "Cisco NX-OS",
  "OpenBSD", "HP-UX", "FreeBSD",
}
local HOSTS_255 = {
  "Cisco NX-OS", "Ericsson", "OpenBSD", "NetBSD", "IBM AIX", "SGI IRIX",
  "HP-UX", "Solaris", "VxWorks", "HPE iLO", "Adtran AOS", "lwIP",
  "OpenVMS", "FreeBSD", "macOS or iOS",
}
local ANY_255 = {
  "Cisco IOS/XE", "Cisco IOS XR", "Cisco ASA", "Huawei VRP",
  "H3C/HPE Comware", "lwIP", "ZyXEL ZyNOS", "Adtran AOS", "Cisco NX-OS",
  "Ericsson", "OpenBSD", "NetBSD", "IBM AIX", "SGI IRIX", "HP-UX",
  "Solaris", "VxWorks", "HPE iLO", "OpenVMS", "FreeBSD", "macOS or iOS",
}

M.rules = {
  -- ---- rules that only narrow, by pairs of initial TTLs --------------------
  { id = "W1", when = { error_ttl = 64, echo_ttl = 64, quote = "whole" },
    candidates = { "Linux-based", "FreeBSD", "OpenVMS", "Windows",
      "VxWorks" }, confidence = 0.4, source = "nmap-os-db" },
  { id = "W2", when = { error_ttl = 64, echo_ttl = 64, quote = "minimum" },
    candidates = { "BSD-like stack", "Brocade IronWare", "HPE iLO" },
    confidence = 0.4, source = "nmap-os-db" },
  { id = "W3", when = { error_ttl = 64, echo_ttl = 64, quote = 84 },
    candidates = { "VxWorks" }, confidence = 0.4, source = "nmap-os-db" },
  { id = "W4", when = { error_ttl = 255, echo_ttl = 255,
    quote = "minimum" }, candidates = ANY_255, confidence = 0.4,
    source = "Vanaubel, nmap-os-db" },
  { id = "W5", when = { error_ttl = 255, echo_ttl = 255,
    quote = "minimum", reset_ttl = 255 }, candidates = ROUTERS_255,
    confidence = 0.4, source = "nmap-os-db" },
  { id = "W6", when = { error_ttl = 255, echo_ttl = 255,
    quote = "minimum", reset_ttl = 64 }, candidates = HOSTS_255,
    confidence = 0.4, source = "LFP, nmap-os-db" },
  { id = "W7", when = { error_ttl = 255, echo_ttl = 255, quote = "whole" },
    candidates = { "Linux-based", "H3C/HPE Comware", "Solaris", "HP-UX" },
    confidence = 0.4, source = "LFP, nmap-os-db" },
  { id = "W8", when = { error_ttl = 255, echo_ttl = 255, quote = 84 },
    candidates = { "Solaris", "HP-UX" }, confidence = 0.4,
    source = "nmap-os-db" },
  { id = "W9", when = { error_ttl = 255, echo_ttl = 64 },
    candidates = { "Junos", "lwIP", "Allied Telesis AlliedWare",
      "Linux-based" }, confidence = 0.4, source = "nmap-os-db" },
  { id = "W10", when = { error_ttl = 128, echo_ttl = 128 },
    candidates = { "Windows", "Juniper JunosE", "Novell NetWare",
      "Adtran AOS", "Linux-based", "FreeBSD" }, confidence = 0.4,
    source = "Vanaubel, nmap-os-db" },
  { id = "W11", when = { error_ttl = 64, echo_ttl = 64, quote = 148 },
    candidates = { "Windows" }, confidence = 0.4, source = "nmap-os-db" },

  -- ---- echo replies, errors and resets, IPv4 -------------------------------
  { id = "R4", when = { exceeded_ttl = 255, echo_ttl = 64,
    quote = "minimum", echo_df = "reflected", echo_code = "reflected" },
    candidates = { "Junos" }, confidence = 0.85,
    source = "Vanaubel, LFP, nmap-os-db" },
  { id = "R4a", when = { exceeded_ttl = 255, echo_ttl = 64, mpls = true,
    echo_df = "reflected" }, candidates = { "Junos" },
    confidence = 0.8, source = "Vanaubel, RFC 4884" },
  { id = "R4b", when = { exceeded_ttl = 255, echo_ttl = 64,
    quote = "minimum", echo_code = { "reflected", unknown = true } },
    candidates = { "Junos" }, confidence = 0.6, source = "Vanaubel, LFP" },
  { id = "R4d", when = { exceeded_ttl = 255, echo_ttl = 64,
    quote = "minimum", echo_df = "reflected",
    echo_code = { "reflected", unknown = true } },
    candidates = { "Junos" }, confidence = 0.7,
    source = "Vanaubel, LFP, nmap-os-db" },
  { id = "R4e", when = { error_ttl = 255, echo_ttl = 64,
    quote = "minimum", echo_df = "reflected", echo_code = "zeroed" },
    candidates = { "Allied Telesis AlliedWare" }, confidence = 0.6,
    source = "nmap-os-db" },
  { id = "R4c", when = { unreachable_ttl = 255, unreachable_df = true,
    quote = "minimum", echo_ttl = 64, echo_df = "reflected",
    reset_ttl = 64 }, candidates = { "Junos" }, confidence = 0.9,
    source = "LFP, nmap-os-db" },
  { id = "R5", when = { error_ttl = 255, echo_ttl = 255, error_size = 96,
    quote = 68 }, candidates = { "Cisco IOS XR" }, confidence = 0.85,
    source = "LFP, nmap-os-db" },
  { id = "R5a", when = { error_ttl = 255, echo_ttl = 255,
    error_size = 168, mpls = true }, candidates = { "Cisco" },
    confidence = 0.6, source = "LFP" },
  { id = "R6", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 64, quote = "minimum" },
    candidates = { "Cisco NX-OS", "Ericsson", "OpenBSD" },
    confidence = 0.6, source = "LFP, nmap-os-db" },
  { id = "R6a", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 64, quote = "minimum", echo_df = "reflected",
    reset_id = "increment" }, candidates = { "Cisco NX-OS", "Ericsson" },
    confidence = 0.6, source = "LFP, nmap-os-db" },
  { id = "R6b", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 64, quote = "minimum", echo_id = "random",
    reset_id = "random" }, candidates = { "OpenBSD" },
    confidence = 0.6, source = "nmap-os-db" },
  { id = "R7", when = { exceeded_ttl = 255, echo_ttl = 255,
    quote = "minimum", echo_id = "echoed", echo_df = "reflected" },
    candidates = { "Cisco IOS/XE", "Huawei VRP" }, confidence = 0.6,
    source = "LFP" },
  { id = "R7a", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 255, quote = "minimum", echo_id = "echoed",
    shared_reset_unreachable = true }, candidates = { "Huawei VRP" },
    confidence = 0.6, source = "LFP" },
  { id = "R7b", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 255, quote = "minimum", echo_id = "increment",
    echo_df = "reflected" },
    candidates = { "H3C/HPE Comware", "Huawei VRP" }, confidence = 0.6,
    source = "LFP, nmap-os-db" },
  { id = "R8", when = { exceeded_ttl = 255, echo_ttl = 255,
    reset_ttl = 255, quote = "whole", echo_df = "reflected" },
    candidates = { "H3C/HPE Comware" }, confidence = 0.6,
    source = "LFP" },
  { id = "R9", when = { error_ttl = 64, echo_ttl = 64, quote = "whole",
    error_tos = "control", echo_df = "never" },
    candidates = { "Linux-based" }, confidence = 0.9,
    source = "Linux, nmap-os-db" },
  { id = "R9a", when = { error_ttl = 64, echo_ttl = 64, quote = "whole",
    echo_df = "never" }, candidates = { "Linux-based" },
    confidence = 0.6, source = "nmap-os-db" },
  { id = "R9b", when = { error_ttl = 64, echo_ttl = 64, reset_ttl = 64,
    quote = "whole", echo_df = "never", reset_df = true,
    reset_id = "zero" }, candidates = { "Linux-based" },
    confidence = 0.9, source = "Linux, nmap-os-db" },
  { id = "R9c", when = { error_ttl = 255, echo_ttl = { 64, 255 },
    quote = "whole", error_tos = "control", echo_df = "never" },
    candidates = { "Linux-based" }, confidence = 0.5,
    source = "nmap-os-db (Linux 2.4)" },
  { id = "R9d", when = { error_ttl = 128, echo_ttl = 128,
    quote = "whole", error_tos = "control", echo_df = "never" },
    candidates = { "Linux-based" }, confidence = 0.5,
    source = "Linux (net.ipv4.ip_default_ttl)" },
  { id = "R10", when = { exceeded_ttl = 64, echo_ttl = 64,
    quote = "minimum", echo_id = "echoed" },
    candidates = { "Nokia SR OS" }, confidence = 0.6, source = "LFP" },
  { id = "R11", when = { error_ttl = 64, echo_ttl = 64,
    quote = "minimum", echo_df = "reflected" },
    candidates = { "BSD-like stack" }, confidence = 0.7,
    source = "nmap-os-db" },
  { id = "R12", when = { error_ttl = 128, echo_ttl = 128,
    reset_ttl = 128, quote = { "whole", 148 }, shared_echo_reset = true,
    reset_df = false, echo_df = "reflected" },
    candidates = { "Windows" }, confidence = 0.85,
    source = "nmap-os-db (before Vista)" },
  { id = "R12e", when = { error_ttl = 128, echo_ttl = 128,
    reset_ttl = 128, quote = "whole", shared_echo_reset = true,
    reset_df = true, echo_df = "never" }, candidates = { "Windows" },
    confidence = 0.85, source = "nmap-os-db (since Vista)" },
  { id = "R12a", when = { error_ttl = 128, echo_ttl = 128,
    quote = { "whole", 148 } }, candidates = { "Windows" },
    confidence = 0.6, source = "nmap-os-db" },
  { id = "R12b", when = { error_ttl = 128, echo_ttl = 128,
    quote = "minimum", reset_ttl = 128, echo_df = "reflected" },
    candidates = { "Windows" }, confidence = 0.6, source = "nmap-os-db" },
  { id = "R12c", when = { exceeded_ttl = 128, echo_ttl = 128,
    reset_ttl = 64, quote = "minimum", echo_df = "reflected" },
    candidates = { "Juniper JunosE" }, confidence = 0.6, source = "LFP" },

  -- ---- echo replies without errors, as of most targets ---------------------
  { id = "R17", when = { errorless = true, echo_ttl = 64, echo_df = "never",
    echo_code = "reflected" }, candidates = { "Linux-based" },
    confidence = 0.6, source = "nmap-os-db" },
  { id = "R17a", when = { errorless = true, echo_ttl = 128,
    echo_code = "zeroed" }, candidates = { "Windows" }, confidence = 0.6,
    source = "nmap-os-db" },

  -- ---- interface names (RFC 5837), both families ---------------------------
  { id = "R15a", when = { interface_names = { like = {
    "^[xgefs][etos]%-%d+/%d+/%d+", "^ae%d+%.%d+$", "^irb%.%d+$" } } },
    candidates = { "Juniper" }, confidence = 0.6,
    source = "RFC 5837, naming" },
  { id = "R15b", when = { interface_names = { like = {
    "^%a+GigE%d+/%d+/%d+/%d+", "^GigabitEthernet%d+/%d+/%d+/%d+",
    "^Bundle%-Ether%d+" } } }, candidates = { "Cisco IOS XR" },
    confidence = 0.6, source = "RFC 5837, naming" },
  { id = "R15c", when = { interface_names = { like = {
    "^GigabitEthernet%d+/%d+/?%d*$" } } },
    candidates = { "Cisco IOS/XE", "Huawei VRP", "H3C/HPE Comware" },
    confidence = 0.6, source = "RFC 5837, naming" },
  { id = "R15d", when = { interface_names = { like = {
    "^TenGigabitEthernet%d+/%d+/?%d*$", "^Port%-channel%d+" } } },
    candidates = { "Cisco IOS/XE" }, confidence = 0.6,
    source = "RFC 5837, naming" },
  { id = "R15e", when = { interface_names = { like = {
    "^XGigabitEthernet%d+/%d+/%d+", "^Eth%-Trunk%d+", "^%d+GE%d+/%d+/%d+",
    } } }, candidates = { "Huawei VRP" }, confidence = 0.6,
    source = "RFC 5837, naming" },

  -- ---- hardware address of a hop on the local link -------------------------
  { id = "R3a", when = { virtual_router = { "HSRP", "GLBP" } },
    candidates = { "Cisco" }, confidence = 0.8, source = "RFC 2281" },
}

-- Makes a rule of each vendor's enterprise number and of its MAC prefixes. An
-- SNMP engine id belongs to the whole device, so it has a higher confidence
-- than a MAC address on the link, which belongs to one interface.
local KINDS = {
  { id = "R1", fact = "snmp_mac_vendor", key = "mac", confidence = 0.95,
    source = "RFC 3411, IMC 2021" },
  { id = "R2", fact = "snmp_enterprise", key = "enterprise",
    confidence = 0.9, source = "RFC 3411, IMC 2021" },
  { id = "R3", fact = "mac_vendor", key = "mac", confidence = 0.6,
    source = "IEEE" },
}

for _, kind in ipairs(KINDS) do
  for _, vendor in ipairs(vendors) do
    local wanted = vendor[kind.key]
    if wanted then
      table.insert(M.rules, {
        id = ("%s-%s"):format(kind.id, vendor.name),
        when = { [kind.fact] = kind.key == "mac" and { like = wanted }
          or wanted },
        candidates = vendor.candidates, confidence = kind.confidence,
        source = kind.source,
      })
    end
  end
end

return M
