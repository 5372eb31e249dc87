-- SPDX-License-Identifier: BSD-2-Clause
-- The targets of the service: lines with options and labels.
local check = require "check"
local options = require "mtrtrace.cli.options"
local serve = require "mtrtrace.cli.serve"
local values = require "mtrtrace.options.values"
local watchlist = require "mtrtrace.cli.watchlist"

local case, equal = check.case, check.equal

local function read(text, words, found)
  return watchlist.new(words or {}, "targets", found or {}):read(text,
    "targets")
end

case("a_line_has_a_target_options_and_labels", function()
  local list, errors = read(
    'www.example.com protocol=tcp port=443 team=web site="a b" # why\n')
  equal(errors, {})
  equal({ #list, list[1].name, list[1].options.protocol,
    list[1].options.port }, { 1, "www.example.com", "tcp", 443 })
  equal(list[1].labels, { { "team", "web" }, { "site", "a b" } })
end)

case("options_of_the_command_hold_where_a_line_has_none", function()
  local list = read("192.0.2.1\n192.0.2.2 packets=3", { "192.0.2.3" },
    { packets = "7", serve = ":9099" })
  equal({ list[1].name, list[1].options.packets, list[2].options.packets,
    list[3].options.packets }, { "192.0.2.3", 7, 7, 3 })
end)

case("targets_with_the_same_options_share_them", function()
  local list = read "192.0.2.1 packets=3\n192.0.2.2 packets=3\n192.0.2.3"
  equal({ list[1].options == list[2].options,
    list[1].options == list[3].options }, { true, false })
end)

case("a_url_measures_its_web_server_and_other_targets_do_not", function()
  local list = read "https://example.com/x\nexample.com\nexample.net http=on"
  equal({ list[1].web, list[2].web, list[3].web }, { true, false, true })
end)

case("the_same_target_by_two_protocols_is_two", function()
  local list, errors = read "192.0.2.1\n192.0.2.1 protocol=udp"
  equal({ #list, #errors }, { 2, 0 })
end)

case("a_bom_blank_lines_and_comments_are_no_targets", function()
  local list, errors = read "\239\187\191# all\n\n  \r\n192.0.2.1\r\n"
  equal({ #list, #errors }, { 1, 0 })
end)

local BAD = {
  { name = "no_target", line = "a b/c=1", want = "'b/c=1': expected "
    .. "option=value or label=value" },
  { name = "no_host", line = "-x", want = "'-x': expected a host name, an "
    .. "address, HOST:PORT or an http(s) URL" },
  { name = "a_value_out_of_range", line = "a packets=0",
    want = "packets=0: expected a whole number from 1 to 100000" },
  { name = "an_option_of_the_whole", line = "a rows=hops",
    want = "rows is an option of the whole service" },
  { name = "a_mark", line = "a mark=7",
    want = "mark is an option of the whole service" },
  { name = "a_misspelt_option", line = "a first-hopp=2",
    want = "'first-hopp' is no option, and no name of a label" },
  { name = "a_label_that_is_ours", line = "a ttl=5",
    want = "'ttl' cannot be the name of a label: it is taken" },
  { name = "a_label_that_is_prometheus_own", line = "a __x=5",
    want = "'__x' cannot be the name of a label: it is taken" },
  { name = "a_label_twice", line = "a x=5 x=6", want = "x is given twice" },
  { name = "a_quote_without_an_end", line = "a x='5",
    want = "a quote has no end" },
  { name = "a_target_twice", line = "192.0.2.1",
    want = "192.0.2.1 is there twice by icmp" },
  { name = "a_flag_with_a_wrong_word", line = "a pmtu=maybe",
    want = "pmtu=maybe: expected yes or no" },
}

check.rows(BAD, function(row)
  local list, errors = read("192.0.2.1\n" .. row.line .. "\n192.0.2.2")
  equal(errors, { "targets:2: " .. row.want })
  equal(#list, 2)
end)

case("labels_are_bounded", function()
  local line = { "a" }
  for i = 1, 17 do
    line[#line + 1] = ("l%d=x"):format(i)
  end
  local list, errors = read(table.concat(line, " "))
  equal({ #list, errors[1] }, { 0, "targets:1: more than 16 labels" })
end)

case("each_option_of_one_target_can_be_written_on_its_line", function()
  for _, row in ipairs(options.all()) do
    if row.group == "web" and row.arg and row.name ~= "url" then
      local text = row.name == "http" and "on" or row.name == "http-method"
        and "HEAD" or "5"
      local list, errors = read(("a %s=%s"):format(row.name, text))
      equal({ #list, errors[1] }, { 1 }, row.name)
    end
  end
end)

-- ---- options ---------------------------------------------------------------

check.rows({
  { name = "a_port_is_on_localhost", text = ":9099",
    want = { address = "127.0.0.1", port = 9099 } },
  { name = "localhost_by_name", text = "localhost:9099",
    want = { address = "127.0.0.1", port = 9099 } },
  { name = "ipv4", text = "0.0.0.0:80", want = { address = "0.0.0.0",
    port = 80 } },
  { name = "ipv6", text = "[::1]:80", want = { address = "::1", port = 80 } },
  { name = "any_port", text = ":0", want = { address = "127.0.0.1",
    port = 0 } },
  { name = "no_port", text = "127.0.0.1" },
  { name = "a_bare_number", text = "9099" },
  { name = "a_port_too_large", text = ":65536" },
  { name = "a_name", text = "example.com:80" },
  { name = "ipv6_without_brackets", text = "::1:80" },
  { name = "half_an_address", text = "1.2.3:80" },
}, function(row)
  equal(values.listen(row.text), row.want)
end)

local TIMES = options.get "rtt-buckets"

check.rows({
  { name = "times_rise", text = "1ms,10ms,1", want = { 0.001, 0.01, 1.0 } },
  { name = "times_that_fall", text = "10ms,1ms" },
  { name = "times_twice", text = "10ms,10ms" },
  { name = "no_times", text = "," },
  { name = "no_time", text = "1ms,x" },
}, function(row)
  equal(values.times(row.text, TIMES), row.want)
end)

check.rows({
  { name = "every_without_serve", found = { every = "5" },
    want = "--every goes with --serve" },
  { name = "another_format", found = { serve = ":1", format = "json" },
    want = "--serve shows targets by HTTP and writes --rows: no other "
      .. "format" },
  { name = "a_recording", found = { serve = ":1", record = "x" },
    want = "--serve does not go with --record" },
  { name = "standard_input", found = { serve = ":1", filename = "-" },
    want = "--serve reads its targets again: -F takes a file there" },
  { name = "rows", found = { serve = ":1", rows = "hops" } },
}, function(row)
  equal(serve.refusal(row.found), row.want)
end)

check.finish()
