-- SPDX-License-Identifier: BSD-2-Clause
local args = require "mtrtrace.options.args"
local check = require "check"
local fields = require "mtrtrace.table.fields"
local nearest = require "mtrtrace.base.nearest"

-- What Nmap makes of "mtr-trace.KEY=VALUE".
local function arg(key, value)
  return { ["mtr-trace." .. key] = value }
end

local function both(a, b)
  for key, value in pairs(b) do
    a[key] = value
  end
  return a
end

check.case("pings_of_hops_and_their_columns_come_together", function()
  local wanted = args.read { ["mtr-trace.direct"] = "yes" }
  check.equal({ wanted.columns[#wanted.columns - 1],
    wanted.columns[#wanted.columns] }, { "direct_rtt", "direct_loss" })
  local chosen = args.read { ["mtr-trace.columns"] = { "hop", "direct_rtt" } }
  check.equal({ chosen.direct, chosen.columns }, { "yes", { "hop",
    "direct_rtt" } })
  local neither = args.read { ["mtr-trace.columns"] = { "hop" },
    ["mtr-trace.direct"] = "yes" }
  check.equal({ neither.direct, neither.columns }, { "yes", { "hop" } })
end)

check.case("defaults_are_the_documented_ones", function()
  check.equal(args.read {}, {
    packets = 10, timeout = 5, protocol = "icmp", reset = "no",
    first_hop = 1,
    max_hops = 30, max_ports = 8, direct = "no", tos = 0, max_silent = 5,
    flows = 1,
    columns = fields.default_names(),
    asn = { "irr", "cymru" }, names = "yes", os = "echo", snmp = "no",
    http = "on", http_count = 1, http_timeout = 10, http_method = "GET",
    pmtu = "no", ecn = "no",
  })
end)

local GOOD = {
  { name = "os_mode", raw = arg("os", "Active"), key = "os",
    want = "active" },
  { name = "snmp", raw = arg("snmp", "yes"), key = "snmp", want = "yes" },
  { name = "pmtu", raw = arg("pmtu", "yes"), key = "pmtu", want = "yes" },
  { name = "random_sizes", raw = arg("size", "-100"), key = "size",
    want = -100 },
  { name = "packets", raw = arg("packets", "30"), key = "packets",
    want = 30 },
  { name = "packets_smallest", raw = arg("packets", "1"), key = "packets",
    want = 1 },
  { name = "packets_largest", raw = arg("packets", "100000"),
    key = "packets", want = 100000 },
  { name = "packets_as_a_number", raw = arg("packets", 7), key = "packets",
    want = 7 },
  { name = "bare_number_is_seconds", raw = arg("timeout", "3"),
    key = "timeout", want = 3 },
  { name = "fraction_of_seconds", raw = arg("timeout", ".5"),
    key = "timeout", want = 0.5 },
  { name = "milliseconds", raw = arg("timeout", "200ms"), key = "timeout",
    want = 0.2 },
  { name = "minutes", raw = arg("timeout", "2m"), key = "timeout",
    want = 120 },
  { name = "hours", raw = arg("timeout", "1h"), key = "timeout",
    want = 3600 },
  { name = "smallest_timeout", raw = arg("timeout", "1ms"),
    key = "timeout", want = 0.001 },
  { name = "protocol_in_a_session", raw = arg("protocol", "tcp-session"),
    key = "protocol", want = "tcp-session" },
  { name = "protocol_in_any_case", raw = arg("protocol", "TCP"),
    key = "protocol", want = "tcp" },
  { name = "interval_auto_is_absent", raw = arg("interval", "auto"),
    key = "interval" },
  { name = "interval", raw = arg("interval", "1.05s"), key = "interval",
    want = 1.05 },
  { name = "tos_in_hexadecimal", raw = arg("tos", "0xb8"), key = "tos",
    want = 184 },
  { name = "port_with_udp", key = "port", want = 53,
    raw = both(arg("port", "53"), arg("protocol", "udp")) },
  { name = "source_port_with_tcp", key = "source_port", want = 1024,
    raw = both(arg("source-port", "1024"), arg("protocol", "tcp")) },
  { name = "first_hop_equal_to_max_hops", key = "first_hop", want = 4,
    raw = both(arg("first-hop", "4"), arg("max-hops", "4")) },
  { name = "columns_in_braces", raw = arg("columns", { "hop", "p95" }),
    key = "columns", want = { "hop", "p95" } },
  { name = "columns_in_quotes", raw = arg("columns", "ip, worst"),
    key = "columns", want = { "ip", "worst" } },
  { name = "asn_in_braces", raw = arg("asn", { "cymru", "IRR" }),
    key = "asn", want = { "cymru", "irr" } },
  { name = "asn_off_is_none", raw = arg("asn", "off"), key = "asn",
    want = {} },
  { name = "asn_of_one_source", raw = arg("asn", "irr"), key = "asn",
    want = { "irr" } },
  { name = "server_by_name", raw = arg("whois-server", "rr.example.net"),
    key = "whois_server", want = { host = "rr.example.net", port = 43 } },
  { name = "server_with_a_port", raw = arg("whois-server", "10.0.0.1:4343"),
    key = "whois_server", want = { host = "10.0.0.1", port = 4343 } },
  { name = "server_in_ipv6", raw = arg("cymru-server", "2001:db8::1"),
    key = "cymru_server", want = { host = "2001:db8::1", port = 43 } },
  { name = "server_in_ipv6_with_a_port", key = "ripe_server",
    raw = arg("ripe-server", "[2001:db8::1]:99"),
    want = { host = "2001:db8::1", port = 99 } },
  { name = "database_alone_where_there_is_one",
    raw = arg("asn-db", "/x.mmdb"), key = "asn", want = { "db" } },
  { name = "database_among_others", key = "asn", want = { "db", "cymru" },
    raw = both(arg("asn-db", "/x"), arg("asn", { "db", "cymru" })) },
  { name = "http_off", raw = arg("http", "OFF"), key = "http",
    want = "off" },
  { name = "http_method_in_any_case", raw = arg("http-method", "head"),
    key = "http_method", want = "HEAD" },
  { name = "http_timeout", raw = arg("http-timeout", "500ms"),
    key = "http_timeout", want = 0.5 },
  { name = "path", raw = arg("url", "/health?x=1"), key = "url",
    want = { path = "/health?x=1" } },
  { name = "url", raw = arg("url", "HTTPS://Name.example:8443/a"),
    key = "url", want = { scheme = "https", host = "Name.example",
      port = 8443, path = "/a" } },
  { name = "url_without_a_path", raw = arg("url", "http://name"),
    key = "url", want = { scheme = "http", host = "name", port = 80,
      path = "/" } },
  { name = "url_with_a_query_alone", raw = arg("url", "https://name?a=b"),
    key = "url", want = { scheme = "https", host = "name", port = 443,
      path = "/?a=b" } },
  { name = "url_of_an_ipv6_address", key = "url",
    raw = arg("url", "http://[2001:db8::1]:81/"),
    want = { scheme = "http", host = "[2001:db8::1]", port = 81,
      path = "/" } },
  { name = "no_names", raw = arg("names", "no"), key = "names",
    want = "no" },
  { name = "nested_table", raw = { ["mtr-trace"] = { packets = "5" } },
    key = "packets", want = 5 },
  { name = "full_key_wins_over_nested", key = "packets", want = 6,
    raw = both(arg("packets", "6"), { ["mtr-trace"] = { packets = "5" } }) },
  { name = "short_key", raw = { packets = "99" }, key = "packets",
    want = 99 },
  { name = "short_key_with_a_dash", raw = { ["max-hops"] = "9" },
    key = "max_hops", want = 9 },
  { name = "short_list", raw = { columns = { "hop", "p95" } },
    key = "columns", want = { "hop", "p95" } },
  { name = "full_key_wins_over_the_short_one",
    raw = both(arg("packets", "3"), { packets = "99" }), key = "packets",
    want = 3 },
  { name = "nested_key_wins_over_the_short_one",
    raw = { ["mtr-trace"] = { packets = "3" }, packets = "99" },
    key = "packets", want = 3 },
  { name = "short_key_that_others_document", raw = { timeout = "1" },
    key = "timeout", want = 5 },
  { name = "table_of_a_library", raw = { http = { useragent = "x" } },
    key = "http", want = "on" },
  { name = "bare_short_word_is_another_scripts", raw = { "packets" },
    key = "packets", want = 10 },
  { name = "key_of_a_script_with_a_longer_name_is_not_taken",
    raw = { ["mtr-tracer.packets"] = "99" }, key = "packets", want = 10 },
}
check.rows(GOOD, function(row)
  local options, err = args.read(row.raw)
  check.equal(err, nil)
  check.equal(options[row.key], row.want)
end)

check.case("default_stands_for_the_default_columns", function()
  local want = fields.default_names()
  want[#want + 1] = "p95"
  check.equal(args.read(arg("columns", "default,p95")).columns, want)
end)

local INTEGER = "expected a whole number from 1 to 100000"
local URL = "expected a path such as /health or a URL such as "
  .. "https://name:8443/"
local function in_session(key, value)
  return { ["mtr-trace"] = { protocol = "tcp-session", [key] = value } }
end

local BAD = {
  { name = "reset_without_a_session", raw = arg("reset", "yes"),
    want = "mtr-trace.reset=yes: expected mtr-trace.protocol=tcp-session" },
  { name = "size_in_a_session", raw = in_session("size", "100"),
    want = "mtr-trace.size=100: probes of protocol=tcp-session have one "
      .. "size" },
  { name = "low_source_port_of_a_session",
    raw = in_session("source-port", "1024"),
    want = "mtr-trace.source-port=1024: expected a whole number from 28672 "
      .. "to 32767 with protocol=tcp-session" },
  { name = "source_port_of_a_session_behind_the_last",
    raw = in_session("source-port", "32768"),
    want = "mtr-trace.source-port=32768: expected a whole number from 28672" },
  { name = "http_word", raw = arg("http", "yes"),
    want = "mtr-trace.http=yes: expected one of on, off" },
  { name = "http_count_of_none", raw = arg("http-count", "0"),
    want = "mtr-trace.http-count=0: expected a whole number from 1 to 100" },
  { name = "http_method_that_changes_things", raw = arg("http-method",
    "POST"), want = "mtr-trace.http-method=POST: expected one of GET, HEAD" },
  { name = "http_timeout_of_none", raw = arg("http-timeout", "0"),
    want = "mtr-trace.http-timeout=0: expected a time such as 10s or 500ms "
      .. "from 0.1 to 600 s" },
  { name = "http_misspelt", raw = arg("http-timout", "1"),
    want = "the nearest is mtr-trace.http-timeout" },
  { name = "url_of_another_scheme", raw = arg("url", "file:///etc/passwd"),
    want = "mtr-trace.url=file:///etc/passwd: " .. URL },
  { name = "url_with_a_user", raw = arg("url", "http://me:pw@name/"),
    want = URL },
  { name = "url_with_a_blank", raw = arg("url", "/a b"), want = URL },
  { name = "url_with_a_fragment", raw = arg("url", "/a#b"), want = URL },
  { name = "url_with_a_line_end", raw = arg("url", "/a\r\nX: y"),
    want = URL },
  { name = "url_of_port_0", raw = arg("url", "http://name:0/"),
    want = URL },
  { name = "url_of_a_port_too_large", raw = arg("url", "http://n:65536/"),
    want = URL },
  { name = "url_without_a_host", raw = arg("url", "https:///x"),
    want = URL },
  { name = "relative_url", raw = arg("url", "health"), want = URL },
  { name = "not_a_number", raw = arg("packets", "many"),
    want = "mtr-trace.packets=many: " .. INTEGER },
  { name = "fraction", raw = arg("packets", "1.5"),
    want = "mtr-trace.packets=1.5: " .. INTEGER },
  { name = "zero", raw = arg("packets", "0"),
    want = "mtr-trace.packets=0: " .. INTEGER },
  { name = "negative", raw = arg("packets", "-1"),
    want = "mtr-trace.packets=-1: " .. INTEGER },
  { name = "too_large", raw = arg("packets", "100001"),
    want = "mtr-trace.packets=100001: " .. INTEGER },
  { name = "beyond_every_integer", raw = arg("packets", ("9"):rep(30)),
    want = "mtr-trace.packets=" .. ("9"):rep(30) .. ": " .. INTEGER },
  { name = "nan", raw = arg("packets", "nan"),
    want = "mtr-trace.packets=nan: " .. INTEGER },
  { name = "nan_as_a_number", raw = arg("packets", 0 / 0), want = INTEGER },
  { name = "hexadecimal_where_none_is_read", raw = arg("packets", "0x10"),
    want = "mtr-trace.packets=0x10: " .. INTEGER },
  { name = "empty", raw = arg("packets", ""),
    want = "mtr-trace.packets=: " .. INTEGER },
  { name = "list", raw = arg("packets", { "1", "2" }),
    want = "mtr-trace.packets={1,2}: " .. INTEGER .. ", not a list" },
  { name = "list_of_lists", raw = arg("packets", { "1", { "2" } }),
    want = "mtr-trace.packets={1,{...}}: " .. INTEGER .. ", not a list" },
  { name = "bare_flag", raw = { "mtr-trace.packets" },
    want = "mtr-trace.packets: no value given: " .. INTEGER },
  { name = "bare_flag_in_the_nested_form",
    raw = { ["mtr-trace"] = { "packets" } },
    want = "mtr-trace.packets: no value given: " .. INTEGER },
  { name = "wrapping_tos", raw = arg("tos", "0x100000000000000b8"),
    want = "expected a whole number from 0 to 255" },
  { name = "no_flows", raw = arg("flows", "0"),
    want = "mtr-trace.flows=0: expected a whole number from 1 to 64" },
  { name = "too_many_flows", raw = arg("flows", "65"),
    want = "mtr-trace.flows=65: expected a whole number from 1 to 64" },
  { name = "flows_that_are_no_number", raw = arg("flows", "all"),
    want = "mtr-trace.flows=all: expected a whole number from 1 to 64" },
  { name = "certain_of_all_paths", raw = arg("paths", "100"),
    want = "mtr-trace.paths=100: expected off or a confidence in percent "
      .. "from 50 to 99" },
  { name = "paths_by_a_flag", raw = arg("paths", "yes"),
    want = "mtr-trace.paths=yes: expected off or a confidence in percent" },
  { name = "unknown_unit", raw = arg("timeout", "5x"),
    want = "mtr-trace.timeout=5x: expected a time such as 5s or 500ms from "
      .. "0.001 to 3600 s" },
  { name = "two_points", raw = arg("timeout", "1..2"),
    want = "mtr-trace.timeout=1..2: " },
  { name = "infinite_time", raw = arg("timeout", "inf"),
    want = "mtr-trace.timeout=inf: " },
  { name = "time_out_of_range", raw = arg("timeout", "2h"),
    want = "mtr-trace.timeout=2h: " },
  { name = "timeout_knows_no_auto", raw = arg("timeout", "auto"),
    want = "mtr-trace.timeout=auto: " },
  { name = "interval_too_short", raw = arg("interval", "1ms"),
    want = "mtr-trace.interval=1ms: expected auto or a time such as 500ms "
      .. "or 1s from 0.01 to 3600 s" },
  { name = "unknown_protocol", raw = arg("protocol", "sctp"),
    want = "mtr-trace.protocol=sctp: expected one of icmp, udp, tcp" },
  { name = "port_with_icmp", raw = arg("port", "80"),
    want = "mtr-trace.port=80: icmp has no ports, expected "
      .. "mtr-trace.protocol=udp or tcp with it" },
  { name = "source_port_with_icmp", raw = arg("source-port", "80"),
    want = "mtr-trace.source-port=80: icmp has no ports" },
  { name = "accurate_ecn_with_icmp", raw = arg("ecn", "accecn"),
    want = "mtr-trace.ecn=accecn: expected mtr-trace.protocol=tcp with it" },
  { name = "ecn_maybe", raw = arg("ecn", "maybe"),
    want = "mtr-trace.ecn=maybe: expected one of no, yes, accecn" },
  { name = "udp_payload_with_icmp", raw = arg("udp-payload", "dns"),
    want = "mtr-trace.udp-payload=dns: expected mtr-trace.protocol=udp" },
  { name = "udp_payload_with_tcp",
    raw = both(arg("udp-payload", "dns"), arg("protocol", "tcp")),
    want = "mtr-trace.udp-payload=dns: expected mtr-trace.protocol=udp" },
  { name = "udp_payload_unknown", raw = arg("udp-payload", "tftp"),
    want = "mtr-trace.udp-payload=tftp: expected one of plain, dns, quic, "
      .. "ntp, stun, snmp" },
  { name = "udp_payload_with_a_size",
    raw = both(both(arg("udp-payload", "ntp"), arg("protocol", "udp")),
      arg("size", "100")),
    want = "mtr-trace.size=100: expected mtr-trace.udp-payload=plain or "
      .. "quic with it" },
  { name = "port_out_of_range", want = "mtr-trace.port=65536: ",
    raw = both(arg("port", "65536"), arg("protocol", "udp")) },
  { name = "asn_of_no_source", raw = arg("asn", "whois"),
    want = "mtr-trace.asn=whois: expected off, or a list such as "
      .. "{irr,cymru} out of irr, cymru, cymru-dns, ripe" },
  { name = "asn_db_without_a_file", raw = arg("asn", "db"),
    want = "mtr-trace.asn=db: expected mtr-trace.asn-db=FILE with it" },
  { name = "snmp_without_a_guess", raw = { ["mtr-trace.os"] = "off",
    ["mtr-trace.snmp"] = "yes" },
    want = "mtr-trace.snmp=yes: expected mtr-trace.os other than off" },
  { name = "os_unknown_mode", raw = arg("os", "loud"),
    want = "mtr-trace.os=loud: expected one of passive, echo, active, off" },
  { name = "geo_out_without_a_database", raw = arg("geo-out", "x.json"),
    want = "mtr-trace.geo-out=x.json: expected mtr-trace.geo-db=FILE" },
  { name = "asn_off_with_others", raw = arg("asn", { "off", "irr" }),
    want = "mtr-trace.asn={off,irr}: expected off, or a list" },
  { name = "asn_without_braces",
    raw = { "cymru", ["mtr-trace.asn"] = "irr" },
    want = "mtr-trace.asn=irr: expected a list in braces, such as "
      .. "{irr,cymru}" },
  { name = "server_with_a_bad_port", raw = arg("whois-server", "a:70000"),
    want = "mtr-trace.whois-server=a:70000: expected a server such as" },
  { name = "server_with_a_blank", raw = arg("whois-server", "a b"),
    want = "mtr-trace.whois-server=a b: expected a server such as" },
  { name = "server_port_zero", raw = arg("whois-server", "a:0"),
    want = "mtr-trace.whois-server=a:0: expected" },
  { name = "names_maybe", raw = arg("names", "maybe"),
    want = "mtr-trace.names=maybe: expected one of yes, no" },
  { name = "random_size_too_small", raw = arg("size", "-27"),
    want = "mtr-trace.size=-27: expected a whole number of bytes from 28 to "
      .. "65535, or with - in front for random sizes up to that" },
  { name = "first_hop_above_max_hops", raw = arg("first-hop", "31"),
    want = "mtr-trace.first-hop=31: expected a whole number from 1 to "
      .. "mtr-trace.max-hops, which is 30" },
  { name = "unknown_column", raw = arg("columns", { "hop", "avgg" }),
    want = "; avgg is none of these, the nearest is avg" },
  { name = "no_column", raw = arg("columns", " "),
    want = "mtr-trace.columns= : expected a list such as {hop,ip,avg}" },
  { name = "list_cut_at_its_commas",
    raw = both(arg("columns", "hop"), { "ip", "avg" }),
    want = "mtr-trace.columns=hop: expected a list in braces, such as "
      .. "{hop,ip}" },
  { name = "unknown_key", raw = arg("packest", "5"),
    want = "mtr-trace.packest: no such argument, the nearest is "
      .. "mtr-trace.packets" },
  { name = "unknown_bare_key", raw = { "mtr-trace.maxhops" },
    want = "mtr-trace.maxhops: no such argument, the nearest is "
      .. "mtr-trace.max-hops" },
  { name = "unknown_nested_key", raw = { ["mtr-trace"] = { sizes = "1" } },
    want = "the nearest is mtr-trace.size" },
  { name = "not_a_table", raw = { ["mtr-trace"] = "5" },
    want = "mtr-trace=5: expected a table such as mtr-trace={packets=5}" },
}
check.rows(BAD, function(row)
  local options, err = args.read(row.raw)
  check.equal(options, nil)
  check.contains(err, row.want)
  check.equal(err:find("%c"), nil, "control characters")
end)

check.case("control_characters_of_a_value_are_not_repeated", function()
  local _, err = args.read(arg("protocol", "x\27[31m\ny"))
  check.contains(err, "mtr-trace.protocol=x[31my: ")
end)

local WORDS = { "packets", "port", "protocol", "max-hops", "max-silent" }
local NEAREST = {
  { name = "nearest_of_a_swap", word = "protcool", want = "protocol" },
  { name = "nearest_of_a_beginning", word = "prot", want = "protocol" },
  { name = "nearest_of_an_underscore", word = "max_silent",
    want = "max-silent" },
  { name = "nearest_of_capitals", word = "PORT", want = "port" },
  { name = "nearest_of_nothing", word = "", want = "port" },
  { name = "nearest_of_a_very_long_word", word = ("z"):rep(1e6),
    want = "packets" },
}
check.rows(NEAREST, function(row)
  check.equal(nearest.find(row.word, WORDS), row.want)
end)

check.finish()
