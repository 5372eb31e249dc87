-- SPDX-License-Identifier: BSD-2-Clause
local check = require "check"
local ident = require "mtrtrace.flows.ident"
local ordered = require "mtrtrace.base.ordered"
local random = require "sim.random"
local rows = require "mtrtrace.rows.make"
local sample = require "sample"
local sha256 = require "mtrtrace.base.sha256"
local structured = require "mtrtrace.report.structured"

-- The examples of FIPS 180-4 and of NIST's further vectors.
local DIGESTS = {
  { name = "sha256_of_nothing", text = "",
    want = "e3b0c44298fc1c149afbf4c8996fb924"
      .. "27ae41e4649b934ca495991b7852b855" },
  { name = "sha256_of_one_block", text = "abc",
    want = "ba7816bf8f01cfea414140de5dae2223"
      .. "b00361a396177a9cb410ff61f20015ad" },
  { name = "sha256_of_two_blocks",
    text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    want = "248d6a61d20638b8e5c026930c3e6039"
      .. "a33ce45964ff2167f6ecedd419db06c1" },
  { name = "sha256_of_a_million_bytes", text = ("a"):rep(1000000),
    want = "cdc76e5c9914fb9281a1c7e284d73e67"
      .. "f1809a48a497200e046d39ccc7112cd0" },
}
check.rows(DIGESTS, function(row)
  check.equal(sha256.hex(row.text), row.want)
end)

check.case("crc32_of_the_check_string", function()
  check.equal({ ident.crc32 "123456789", ident.crc32 "" },
    { "cbf43926", "00000000" })
end)

local function of(hops, changes)
  local result = sample.result(hops, changes)
  return ident.path(result), ident.of(ident.path(result), result.first_hop)
end

local function one(ttl, address, changes)
  return sample.hop(ttl, { sample.responder(address, changes) })
end

check.case("path_is_serialised_as_documented", function()
  check.equal(ident.text({ "10.0.0.1", false, "192.0.2.9" }),
    "1 10.0.0.1\n2 *\n3 192.0.2.9\n")
  check.equal(ident.text({ "10.0.0.1" }, 4), "4 10.0.0.1\n")
end)

-- By zlib's crc32 and sha256sum of the documented text.
check.case("identifier_is_what_other_programs_compute", function()
  check.equal(ident.of { "10.0.0.1", false, "192.0.2.9" }, {
    crc32 = "26a877ef",
    sha256 = "87f367551d4e3209723124f9f0377706"
      .. "cab7563a95aae50c79dcc0083746e87a" })
end)

check.case("silent_tail_is_no_part_of_the_path", function()
  local long = of { one(1, "10.0.0.1"), sample.silent(2), sample.silent(3) }
  check.equal(long, { "10.0.0.1" })
end)

check.case("unknown_hops_differ_by_position", function()
  local _, a = of { one(1, "10.0.0.1"), sample.silent(2), one(3, "10.0.0.3") }
  local _, b = of { sample.silent(1), one(2, "10.0.0.1"), one(3, "10.0.0.3") }
  check.equal(a.sha256 ~= b.sha256 and a.crc32 ~= b.crc32, true)
end)

check.case("statistics_and_zone_do_not_matter", function()
  local _, a = of { one(1, "fe80::1%eth0", { avg_ms = 1 }) }
  local _, b = of { one(1, "fe80::1%eth7", { avg_ms = 2, received = 3 }) }
  check.equal(a, b)
end)

check.case("straggler_is_no_part_of_the_path", function()
  check.equal(of { sample.hop(1, { sample.responder "10.0.0.2",
    sample.responder("10.0.0.1", { received = 1 }) }) }, { "10.0.0.2" })
end)

check.case("takers_of_turns_stand_together_in_any_order", function()
  local runs = {}
  for i = 1, 6 do
    runs[i] = { address = i % 2 == 0 and "10.0.0.9" or "10.0.0.10", flow = 0,
      reply_ttl = 64, count = 1, at = i }
  end
  local a, b = sample.responder "10.0.0.9", sample.responder "10.0.0.10"
  local hop = sample.hop(1, { a, b }, { runs = runs })
  check.equal(of { hop }, { "10.0.0.10,10.0.0.9" })
  hop.responders = { b, a }
  check.equal(of { hop }, { "10.0.0.10,10.0.0.9" })
end)

check.case("random_paths_have_an_identifier_each_and_the_same_twice",
  function()
    local R, seen = random.new(7), {}
    for _ = 1, 300 do
      local path = {}
      for i = 1, R.whole(0, 30) do
        path[i] = R.chance(0.8) and ("10.%d.%d.%d"):format(R.whole(0, 255),
          R.whole(0, 255), R.whole(0, 255)) or false
      end
      local id = ident.of(path)
      check.equal(ident.of(path), id)
      check.equal({ #id.crc32, #id.sha256 }, { 8, 64 })
      local text = ident.text(path)
      check.equal(seen[id.sha256] or text, text)
      seen[id.sha256] = text
    end
  end)

-- ---- as numbers ------------------------------------------------------------

local function in_all(hops)
  local result = sample.result(hops)
  local row = rows.run({ vantage = "v" }, { name = "x" }, result)
  return { ident.numbers(result)[1], row.path_id,
    math.tointeger(tonumber(row.path_ids)),
    structured.build(result, {}, ordered.new).path_id }
end

check.case("rows_and_json_have_one_identifier_of_a_path", function()
  local hops = { one(1, "10.0.0.1"), sample.silent(2), one(3, "192.0.2.9"),
    sample.silent(4) }
  local want = sha256.number(sha256.hex "1 10.0.0.1\n2 *\n3 192.0.2.9\n")
  check.equal(in_all(hops), { want, want, want, want })
end)

check.case("a_path_on_which_nothing_replied_has_no_identifier", function()
  check.equal(in_all { sample.silent(1), sample.silent(2) }, {})
  check.equal(ident.number_of_flow { path = {},
    path_id = ident.of({}, 1) }, nil)
end)

check.finish()
