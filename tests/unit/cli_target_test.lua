-- SPDX-License-Identifier: BSD-2-Clause
-- Targets as users write them: names, addresses, HOST:PORT, URLs, files.
local check = require "check"
local target = require "mtrtrace.cli.target"
local targets = require "mtrtrace.cli.targets"

local GOOD = {
  { name = "name", word = "example.com", host = "example.com" },
  { name = "trailing_dot", word = "example.com.", host = "example.com." },
  { name = "ipv4", word = "192.0.2.1", host = "192.0.2.1" },
  { name = "ipv6", word = "2001:db8::1", host = "2001:db8::1" },
  { name = "ipv6_of_two_colons_and_digits", word = "::443",
    host = "::443" },
  { name = "zone", word = "fe80::1%eth0", host = "fe80::1%eth0" },
  { name = "name_and_port", word = "example.com:443", host = "example.com",
    port = 443 },
  { name = "ipv4_and_port", word = "192.0.2.1:65535", host = "192.0.2.1",
    port = 65535 },
  { name = "brackets", word = "[2001:db8::1]", host = "2001:db8::1" },
  { name = "brackets_and_port", word = "[2001:db8::1]:1",
    host = "2001:db8::1", port = 1 },
  { name = "brackets_and_zone", word = "[fe80::1%eth0]:80",
    host = "fe80::1%eth0", port = 80 },
  { name = "https", word = "https://example.com/a?b=1",
    host = "example.com", port = 443, path = "/a?b=1" },
  { name = "http_with_port", word = "http://[2001:db8::1]:8080",
    host = "2001:db8::1", port = 8080, path = "/" },
}

for _, row in ipairs(GOOD) do
  check.case("target_" .. row.name, function()
    local got = assert(target.parse(row.word))
    check.equal({ got.host, got.port, got.url and got.url.path },
      { row.host, row.port, row.path })
  end)
end

local BAD = { "", "-x", "a b", "a\27b", "host:", "host:0", "host:65536",
  "host:http", "host:1:2", "[::1", "[::1]x", "[::1]:", "[name]:80", "/a",
  "ftp://example.com/", "https://", "user@host", "a#b", ("a"):rep(301),
  "https://u:p@example.com/", ":80" }

for _, word in ipairs(BAD) do
  check.case(("no_target_%q"):format(word), function()
    check.equal(target.parse(word), nil)
  end)
end

local FILES = {
  { name = "lines", text = "a\nb\n", want = { "a", "b" } },
  { name = "windows_lines", text = "a\r\n# c\r\n\r\nb:80 # d\r\n",
    want = { "a", "b:80" } },
  { name = "byte_order_mark", text = "\239\187\191a\r\nb",
    want = { "a", "b" } },
  { name = "byte_order_mark_before_a_comment", text = "\239\187\191# a\nb",
    want = { "b" } },
  { name = "bad_line", text = "a\nb c\n",
    err = "names:2: 'b c': expected a host name" },
  { name = "control_bytes_are_not_repeated", text = "a\27[2J\n",
    err = "names:1: 'a[2J': expected" },
}

for _, row in ipairs(FILES) do
  check.case("file_of_" .. row.name, function()
    local list = {}
    local ok, err = targets.read(list, row.text, "names")
    if row.err then
      check.equal(ok, nil)
      check.contains(err, row.err)
    else
      check.equal(list, row.want)
    end
  end)
end

check.case("a_file_without_an_end_is_refused", function()
  local none = { guess_handle = function() return "tty" end }
  local list, err = targets.list({}, "/dev/zero", none)
  check.equal({ list, err }, { nil, "/dev/zero: a list of targets of at most "
    .. "32 MiB expected" })
end)

check.case("an_empty_file_has_no_targets", function()
  local none = { guess_handle = function() return "tty" end }
  check.equal(targets.list({}, "/dev/null", none), {})
end)

check.finish()
