-- SPDX-License-Identifier: BSD-2-Clause
-- The command's words, to checked options or one clear line.
local check = require "check"
local options = require "mtrtrace.cli.options"
local parse = require "mtrtrace.cli.parse"
local view = require "mtrtrace.screen.view"

local ok, argparse = pcall(require, "argparse")
if not ok then
  print("skip cli_options - argparse is not installed for " .. _VERSION)
  return
end

-- The checked options of a line, or nil and what is said of it.
local function read(line)
  local words = {}
  for word in line:gmatch("%S+") do
    words[#words + 1] = word
  end
  local found, err = parse.words(argparse, words)
  if not found then
    return nil, err
  end
  return options.check(found)
end

local GOOD = {
  { name = "packets", line = "-c 3 x", key = "packets", want = 3 },
  { name = "mtrs_long_name", line = "--report-cycles 3 x", key = "packets",
    want = 3 },
  { name = "the_last_one_counts", line = "-c 3 -c 4 x", key = "packets",
    want = 4 },
  { name = "joined_to_its_letter", line = "-c3 x", key = "packets",
    want = 3 },
  { name = "one_protocol_twice", line = "-u -u --protocol udp x",
    key = "protocol", want = "udp" },
  { name = "a_tcp_session_is_tcp", line = "-T --tcp-session x",
    key = "protocol", want = "tcp-session" },
  { name = "the_last_format", line = "-j -C x", key = "format",
    want = "csv" },
  { name = "rows_and_a_report", line = "-r --rows hops x", key = "rows",
    want = "hops" },
  { name = "rows_to_a_file_and_json", line = "-j --rows hops --rows-to f x",
    key = "format", want = "json" },
  { name = "flags_together", line = "-rn x", key = "names", want = "no" },
  { name = "interval", line = "-i 0.5 x", key = "interval", want = 0.5 },
  { name = "timeout", line = "-Z 2 x", key = "timeout", want = 2 },
  { name = "gracetime", line = "-G 2 x", key = "gracetime", want = 2 },
  { name = "first_ttl", line = "-f 2 x", key = "first_hop", want = 2 },
  { name = "max_ttl", line = "-m 9 x", key = "max_hops", want = 9 },
  { name = "max_unknown", line = "-U 7 x", key = "max_silent", want = 7 },
  { name = "udp", line = "-u x", key = "protocol", want = "udp" },
  { name = "tcp", line = "-T -P 443 x", key = "protocol", want = "tcp" },
  { name = "port", line = "-T -P 443 x", key = "port", want = 443 },
  { name = "localport", line = "-u -L 9 x", key = "source_port", want = 9 },
  { name = "psize", line = "-s 100 x", key = "size", want = 100 },
  { name = "random_sizes", line = "-s -100 x", key = "size", want = -100 },
  { name = "random_sizes_joined_to_the_letter", line = "-s-100 x",
    key = "size", want = -100 },
  { name = "random_sizes_behind_other_letters", line = "-rwns -100 x",
    key = "size", want = -100 },
  { name = "random_sizes_by_the_long_name", line = "--psize -100 x",
    key = "size", want = -100 },
  { name = "tos", line = "-Q 16 x", key = "tos", want = 16 },
  { name = "address", line = "-a 192.0.2.1 x", key = "address",
    want = "192.0.2.1" },
  { name = "interface", line = "-I eth0 x", key = "interface",
    want = "eth0" },
  { name = "four", line = "-4 x", key = "family", want = 4 },
  { name = "six", line = "-6 x", key = "family", want = 6 },
  { name = "inet", line = "--inet x", key = "family", want = 4 },
  { name = "inet6", line = "--inet6 x", key = "family", want = 6 },
  { name = "port_without_use", line = "-P 80 x", key = "port", want = nil },
  { name = "source_port_without_use", line = "-L 80 x", key = "source_port",
    want = nil },
  { name = "wide", line = "-w x", key = "wide", want = true },
  { name = "report_after_wide", line = "-w -r x", key = "wide",
    want = false },
  { name = "file", line = "-F names", key = "filename", want = "names" },
  { name = "parallel_by_default", line = "x", key = "parallel",
    want = 1000 },
  { name = "os", line = "--os active x", key = "os", want = "active" },
  { name = "os_by_default", line = "x", key = "os", want = "echo" },
  { name = "snmp", line = "--snmp x", key = "snmp", want = "yes" },
  { name = "mark", line = "-M 4294967295 x", key = "mark",
    want = 4294967295 },
  { name = "mark_in_hex", line = "-M 0xdeadbeef x", key = "mark",
    want = 0xdeadbeef },
  { name = "mpls", line = "-e x", key = "mpls", want = true },
  { name = "map", line = "--geo-db a --geo-out b x", key = "geo_out",
    want = "b" },
  { name = "asn_off", line = "--asn off x", key = "asn", want = {} },
  { name = "classic_of_two_flows", line = "--classic --flows 2 x",
    key = "packets", want = 2 },
  { name = "classic_of_many_flows", line = "--classic --flows 8 x",
    key = "packets", want = 1 },
  { name = "classic_of_all_paths", line = "--classic --paths 95 x",
    key = "packets", want = 1 },
  { name = "classic_as_it_is_told", line = "--classic --paths 95 -c 4 x",
    key = "packets", want = 4 },
}

for _, row in ipairs(GOOD) do
  check.case(row.name, function()
    check.equal(assert(read(row.line))[row.key], row.want)
  end)
end

local BAD = {
  { name = "two_protocols", line = "-u -T x",
    err = "-u/--udp and -T/--tcp: expected one of them" },
  { name = "two_protocols_by_name", line = "--protocol icmp -T x",
    err = "--protocol and -T/--tcp: expected one of them" },
  { name = "rows_and_json", line = "--rows runs -j x",
    err = "--rows and -j/--json: expected one of them, or --rows-to=FILE" },
  { name = "number_out_of_range", line = "-c 0 x",
    err = "--packets=0: expected a whole number from 1 to 100000" },
  { name = "number_below_0", line = "-c -5 x",
    err = "--packets=-5: expected a whole number from 1 to" },
  { name = "time_below_0", line = "--interval -.5s x",
    err = "--interval=-.5s: expected" },
  { name = "no_number", line = "-c ten x", err = "--packets=ten: expected" },
  { name = "no_value", line = "x -c", err = "requires an argument" },
  { name = "unknown_option", line = "--pakets 1 x",
    err = "unknown option '--pakets'; Did you mean '--packets'?" },
  { name = "random_sizes_too_small", line = "-s -27 x",
    err = "--size=-27: expected a whole number of bytes from 28 to 65535, "
      .. "or with - in front for random sizes up to that" },
  { name = "random_sizes_too_large", line = "-s -65536 x",
    err = "--size=-65536: expected" },
  { name = "random_sizes_without_a_number", line = "--size=- x",
    err = "--size=-: expected" },
  { name = "no_address", line = "-a eth0 x",
    err = "--address=eth0: expected an IPv4 or IPv6 address" },
  { name = "unknown_letter", line = "-o LSQ x",
    err = "--order=LSQ: expected letters out of" },
  { name = "unknown_column", line = "--columns hop,los x",
    err = "los is none of these, the nearest is loss" },
  { name = "unknown_columns_are_a_list_without_braces", line = "--columns a x",
    err = "--columns=a: expected a list such as hop,ip,avg out of" },
  { name = "unknown_source", line = "--asn irr,foo x",
    err = "expected off, or a list such as irr,cymru out of" },
  { name = "no_flows", line = "--flows 0 x",
    err = "--flows=0: expected a whole number from 1 to 64" },
  { name = "paths_below_half", line = "--paths 49 x",
    err = "--paths=49: expected off or a confidence in percent from 50 to "
      .. "99" },
  { name = "mark_of_33_bits", line = "-M 4294967296 x",
    err = "--mark=4294967296: expected a whole number from 0 to" },
  { name = "mark_of_33_bits_in_hex", line = "-M 0x100000000 x",
    err = "--mark=0x100000000: expected a whole number" },
  { name = "map_without_places", line = "--geo-out b x",
    err = "--geo-out=b: expected --geo-db=FILE with it" },
  { name = "snmp_without_a_guess", line = "--snmp --os off x",
    err = "--snmp=yes: expected --os other than off with it" },
  { name = "database_without_a_file", line = "--asn db x",
    err = "--asn=db: expected --asn-db=FILE with it" },
}

for _, row in ipairs(BAD) do
  check.case(row.name .. "_is_one_line", function()
    local checked, err = read(row.line)
    check.equal(checked, nil)
    check.contains(err, row.err)
    check.equal(err:find "\n", nil)
  end)
end

-- mtr 0.95's letters; each means the same here or is refused.
local MTRS = "F46rwxtgCljpnboyzicsBGQeIafmUuTSPLZMhv"

check.case("each_letter_of_mtrs_is_taken_or_refused", function()
  local rows = {}
  for _, row in ipairs(options.all()) do
    rows[row.short or ""] = row
  end
  for letter in MTRS:gmatch(".") do
    check.equal(rows[letter] ~= nil, true, letter)
  end
end)

check.case("what_mtr_has_and_we_have_not_is_said", function()
  for _, row in ipairs(options.all()) do
    if row.refused then
      local _, err = read(("--%s%s x"):format(row.name,
        row.value and " 1" or ""))
      check.contains(err, "mtr has it, mtr-trace has not")
      check.equal(row.group, nil, row.name)
    else
      check.equal(type(row.about), "string", row.name)
    end
  end
end)

local COLUMNS = {
  { name = "names_by_default", line = "x",
    want = "hop,host,loss,sent,received,"
    .. "last,avg,best,worst,stdev,jitter,asn,organization,os" },
  { name = "addresses_without_names", line = "-n -o L x",
    want = "hop,ip,loss" },
  { name = "both", line = "-b -o L x", want = "hop,ip,name,loss" },
  { name = "all_letters", line = "-o LDRSNBAWVGJMXI x",
    want = "hop,host,loss,dropped,received,sent,last,best,avg,worst,stdev,"
      .. "gmean,jitter_last,jitter,jitter_worst,jitter_rfc3550" },
  { name = "mtrs_space_says_nothing", line = "-o L_N x",
    want = "hop,host,loss,last" },
  { name = "blanks_say_nothing", line = "--order=L x", want =
    "hop,host,loss" },
  { name = "asn_with_any_order", line = "-z -o L x",
    want = "hop,host,asn,loss" },
  { name = "columns_win", line = "--columns hop,p95 -o L x",
    want = "hop,p95" },
}

for _, row in ipairs(COLUMNS) do
  check.case("columns_" .. row.name, function()
    local columns = view.of(assert(read(row.line))).columns
    check.equal(table.concat(columns, ","), row.want)
  end)
end

for _, name in ipairs { "port", "source-port" } do
  check.case(name .. "_with_icmp_is_a_warning", function()
    local line = ("--%s=80"):format(name)
    check.equal(assert(read(line .. " x")).warnings, { line
      .. ": icmp has no ports, expected --protocol=udp or tcp with it" })
    check.equal(assert(read(line .. " -T x")).warnings, {})
  end)
end

check.case("udp_payload_with_others_is_a_warning", function()
  local read_options = assert(read "--udp-payload dns -T x")
  check.equal({ read_options.warnings, read_options.udp_payload }, {
    { "--udp-payload=dns: expected --protocol=udp with it" } })
  read_options = assert(read "--udp-payload dns -u x")
  check.equal({ read_options.warnings, read_options.udp_payload }, { {},
    "dns" })
end)

check.case("refused_letters_of_mtrs_may_be_left_out", function()
  local found, left_out = parse.words(argparse, { "-y", "2", "-n" }, {}, true)
  check.equal({ found.names, found.refused }, { "no" })
  check.contains(left_out, "-y/--ipinfo: mtr has it")
end)

local WIDTHS = {
  { name = "of_the_terminal", line = "-r", terminal = 132, want = 132 },
  { name = "of_COLUMNS", line = "-r", COLUMNS = "200", want = 200 },
  { name = "without_either", line = "-r", want = 80 },
  { name = "of_a_COLUMNS_that_is_none", line = "-r", COLUMNS = "x",
    want = 80 },
  { name = "never_below_40", line = "-r", terminal = 7, want = 40 },
  { name = "of_wide", line = "-w", terminal = 132, want = nil },
}

for _, row in ipairs(WIDTHS) do
  check.case("width_" .. row.name, function()
    local options_of = assert(read(row.line .. " x"))
    check.equal(view.width(options_of, row.terminal, function(name)
      return row[name]
    end), row.want)
  end)
end

check.case("help_has_an_option_on_a_line_and_fits_a_terminal", function()
  local help = parse.parser(argparse, {}):get_help()
  for _, row in ipairs(options.all()) do
    local label = (row.short and ("-%s, "):format(row.short) or "    ")
      .. "--" .. row.name .. (row.value and " " .. row.value or "")
    if not row.refused then
      check.contains(help, "\n   " .. label)
    end
  end
  for line in help:gmatch "[^\n]+" do
    check.equal(#line <= 79, true, line)
  end
end)

check.finish()
