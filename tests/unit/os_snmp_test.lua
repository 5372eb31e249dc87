-- SPDX-License-Identifier: BSD-2-Clause
-- The test vectors were made by hand from RFC 3411, 3412, 3414 and X.690.
local check = require "check"
local snmp = require "mtrtrace.os.snmp"

local function bytes(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

local REQUEST = bytes [[
  30 38  02 01 03
  30 0e  02 01 01  02 03 00 ff e3  04 01 04  02 01 03
  04 10  30 0e  04 00  02 01 00  02 01 00  04 00  04 00  04 00
  30 11  04 00  04 00  a0 0b  02 01 01  02 01 00  02 01 00  30 00 ]]

-- Enterprise 9, the MAC 00:1b:54:aa:bb:cc, 5 boots, 4660 s;
-- usmStatsUnknownEngineIDs.0 = 7
local REPORT = bytes [[
  30 60  02 01 03
  30 0e  02 01 01  02 03 00 ff e3  04 01 00  02 01 03
  04 1c  30 1a  04 0b 80 00 00 09 03 00 1b 54 aa bb cc
         02 01 05  02 02 12 34  04 00  04 00  04 00
  30 2d  04 0b 80 00 00 09 03 00 1b 54 aa bb cc  04 00
         a8 1c  02 01 01  02 01 00  02 01 00
         30 11  30 0f  06 0a 2b 06 01 06 03 0f 01 01 04 00  41 01 07 ]]

local function patched(at, hex)
  local new = bytes(hex)
  return REPORT:sub(1, at) .. new .. REPORT:sub(at + 1 + #new)
end

check.case("request_is_as_the_rfc_has_it", function()
  check.equal(snmp.request(1), REQUEST)
end)

check.case("request_bears_a_large_id", function()
  check.contains(snmp.request(0x7fffffff), "\2\4\127\255\255\255")
  check.contains(snmp.request(128), "\2\2\0\128")
end)

check.case("report_is_read", function()
  check.equal(snmp.parse(REPORT, 1), { engine_id = "800000090300"
    .. "1b54aabbcc", enterprise = 9, format = "mac",
    mac = "00:1b:54:aa:bb:cc", boots = 5, time = 4660 })
end)

check.case("lengths_of_more_bytes_are_read", function()
  local long = "\48\130\0\96" .. REPORT:sub(3)
  check.equal(snmp.parse(long, 1).enterprise, 9)
end)

local REFUSED = {
  { name = "answer_to_another_request", s = REPORT, id = 2,
    want = "not an answer to our request" },
  { name = "version_2", s = patched(4, "01"), want = "no SNMPv3 message" },
  { name = "response_in_place_of_a_report", s = patched(68, "a2"),
    want = "no Report" },
  { name = "nothing", s = "", want = "no SNMPv3 message" },
  { name = "text", s = "HTTP/1.1 400 Bad Request\r\n",
    want = "no SNMPv3 message" },
  { name = "our_own_request", s = REQUEST, want = "no Report" },
  { name = "length_beyond_the_datagram", s = patched(1, "61"),
    want = "no SNMPv3 message" },
  { name = "length_of_four_bytes", s = "\48\132\0\0\0\96"
    .. REPORT:sub(3), want = "no SNMPv3 message" },
  { name = "indefinite_length", s = patched(1, "80"),
    want = "no SNMPv3 message" },
  { name = "engine_id_beyond_its_parent", s = patched(26, "7f"),
    want = "no Report" },
}
check.rows(REFUSED, function(row)
  local engine, why = snmp.parse(row.s, row.id or 1)
  check.equal({ engine == nil, why }, { true, row.want })
end)

local ENGINES = {
  { name = "engine_of_net_snmp", hex = "80001f8880e9bd0c1d12667a51",
    want = { enterprise = 8072, format = "enterprise" } },
  { name = "engine_of_ipv4", hex = "80000a4c01c0000201",
    want = { enterprise = 2636, format = "ipv4", address = "192.0.2.1" } },
  { name = "engine_of_ipv6",
    hex = "800007db02 20010db8000000000000000000000001",
    want = { enterprise = 2011, format = "ipv6",
      address = "2001:0db8:0000:0000:0000:0000:0000:0001" } },
  { name = "engine_of_text", hex = "8000198f04 526f757465722d31",
    want = { enterprise = 6543, format = "text", text = "Router-1" } },
  { name = "text_with_control_characters_is_left_out",
    hex = "8000198f04 1b5b324a", want = { enterprise = 6543,
      format = "text" } },
  { name = "mac_of_the_wrong_length_is_left_out",
    hex = "8000000903 001b54", want = { enterprise = 9, format = "mac" } },
  { name = "engine_of_octets", hex = "8000198f05 0102",
    want = { enterprise = 6543, format = "octets" } },
  { name = "reserved_format", hex = "8000198f07 0102",
    want = { enterprise = 6543, format = "reserved" } },
  { name = "engine_before_rfc_3411", hex = "00000009 0200000000000000",
    want = { enterprise = 9, format = "old" } },
}
check.rows(ENGINES, function(row)
  local got = snmp.engine(bytes(row.hex))
  check.equal(got.engine_id, row.hex:gsub("%s", ""), "engine_id")
  got.engine_id = nil
  check.equal(got, row.want)
end)

check.case("engine_ids_of_other_lengths_are_none", function()
  for _, n in ipairs { 0, 1, 4, 33, 200 } do
    check.equal(snmp.engine(("\128"):rep(n)), nil, n)
  end
end)

check.case("every_shortened_report_is_refused", function()
  for n = 0, #REPORT - 1 do
    check.equal(snmp.parse(REPORT:sub(1, n), 1), nil, n)
  end
end)

check.case("changed_reports_never_raise", function()
  math.randomseed(5)
  for _ = 1, 20000 do
    local s = REPORT
    for _ = 1, math.random(1, 4) do
      local at = math.random(1, #s)
      s = s:sub(1, at - 1) .. string.char(math.random(0, 255))
        .. s:sub(at + math.random(0, 2))
    end
    local engine, why = snmp.parse(s, 1)
    check.equal(engine == nil, why ~= nil)
  end
end)

check.finish()
