-- SPDX-License-Identifier: BSD-2-Clause
-- A file as the payload of UDP probes: what is written, what is read, and one
-- clear line for what is not.
local args = require "mtrtrace.options.args"
local check = require "check"

local NAME = os.tmpname()

local function write(bytes)
  local file = assert(io.open(NAME, "wb"))
  file:write(bytes)
  file:close()
end

local function read(text, fetch)
  return args.read({ ["mtr-trace.udp-payload"] = text,
    ["mtr-trace.protocol"] = "udp" }, fetch)
end

local BYTES = ("\0\255\26\n"):rep(5)

check.case("file_is_read_with_its_place", function()
  write(BYTES)
  for text, want in pairs { ["@3"] = { 3, 6 }, ["@0:4"] = { 0, 4 },
    ["@12:8"] = { 12, 8 } } do
    local file = assert(read(NAME .. text)).udp_payload
    check.equal({ file.at, file.length, file.bytes }, { want[1], want[2],
      BYTES }, text)
  end
end)

check.case("file_of_the_most_bytes_is_read", function()
  write(("x"):rep(8972))
  check.equal(#assert(read(NAME .. "@0")).udp_payload.bytes, 8972)
end)

check.case("file_is_found_by_nmaps_name_for_it", function()
  write(BYTES)
  local found = assert(read("query.bin@0", function(name)
    return name == "query.bin" and NAME or nil
  end))
  check.equal(found.udp_payload.bytes, BYTES)
end)

check.case("command_reads_it_too", function()
  write(BYTES)
  local found = { ["udp-payload"] = NAME .. "@2:5", protocol = "udp" }
  local options = assert(args.check("--", found))
  check.equal(options.udp_payload.bytes, nil, "before rights are given up")
  check.equal(args.load("--", options), nil)
  check.equal(options.udp_payload.bytes, BYTES)
end)

check.case("word_that_is_no_file_is_refused_as_before", function()
  local _, err = read "tftp"
  check.equal(err:find("expected one of plain, dns, quic, ntp, stun, snmp "
    .. "or FILE@OFFSET", 1, true) ~= nil, true, err)
end)

local BAD = {
  { text = "/nowhere/at/all@0", part = "No such file" },
  { text = "/dev/zero@0", part = "the file is larger, expected 1 to 8972" },
  { text = "/dev/null@0", part = "the file is empty, expected 1 to 8972" },
  { text = "/@0", part = "Is a directory" },
  { text = NAME, part = "expected FILE@OFFSET" },
  { text = NAME .. "@0:3", part = "an identifier of 4 to 8 bytes" },
  { text = NAME .. "@0:9", part = "an identifier of 4 to 8 bytes" },
  { text = NAME .. "@51", part = "within the first 56 bytes" },
  { text = NAME .. "@99999999999999999999", part = "the first 56 bytes" },
  { text = NAME .. "@15", part = "within the file's 20 bytes" },
}

for _, row in ipairs(BAD) do
  check.case("bad_" .. row.text:gsub("^/tmp/[%w_]+", "file"), function()
    write(BYTES)
    local options, err = read(row.text)
    check.equal(options, nil)
    check.equal(err:find(row.part, 1, true) ~= nil, true, err)
    check.equal(err:find("^mtr%-trace%.udp%-payload=") ~= nil, true, err)
    check.equal(err:find "\n", nil)
  end)
end

os.remove(NAME)
check.finish()
