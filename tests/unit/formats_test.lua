-- SPDX-License-Identifier: BSD-2-Clause
-- Every format of the command, to the byte, against the files in golden/.
-- After a change that is meant: tests/lua lua5.4 tests/unit/formats_test.lua
-- write, and look at the difference.
local check = require "check"
local classic = require "mtrtrace.report.classic"
local fields = require "mtrtrace.table.fields"
local formats = require "mtrtrace.report.formats"
local probes = require "mtrtrace.report.probes"
local sample = require "sample"
local schema = require "mtrtrace.report.schema"
local stream = require "mtrtrace.recording.stream"
local tracer = require "mtrtrace.session.tracer"

local has_dkjson, dkjson = pcall(require, "dkjson")
if not has_dkjson then
  print("skip formats - dkjson is not installed for " .. _VERSION)
  return
end

local FOLDER = "tests/unit/golden/"

-- A path with special cases: silence, two addresses at one TTL, loss, rate
-- limiting, a name, two origins, characters that formats escape.
local function result()
  local gate = sample.responder("192.168.1.1")
  local named = sample.responder("62.20.1.2", { name = "r2.example.net",
    asn = "AS3301/AS3302", organization = 'A "quoted", <odd> & | name',
    prefix = "62.20.0.0/16", country = "SE", registry = "ripencc",
    announced = true, rpki = "valid", source = "irr rr.example.net",
    origins = { { asn = "AS3301", source = "irr", prefix = "62.20.0.0/16" },
      { asn = "AS3302", source = "irr" } },
    place = { country = "SE", city = "Link\u{f6}ping", latitude = 59.36,
      longitude = 18.0 } })
  local other = sample.responder("62.20.1.3", { received = 2, flow = 0 })
  local target = sample.responder("93.184.216.34", { target = true,
    codes = { { type = 0, code = 0, name = "echo reply", count = 10 } } })
  return tracer.enrich(sample.result({
    sample.hop(1, { gate }, { rate_limit = { burst_sent = 16,
      burst_received = 1,
      sample_interval_s = 1.05, initial_sent = 10, initial_received = 7,
      shared = 0 } }),
    sample.hop(2, { named, other }, { received = 8, loss = 0.2,
      loss_low = 0.056682, loss_high = 0.50984 }),
    sample.silent(3),
    sample.hop(4, { target }),
  }, { started_ns = 1795274108541135313, elapsed_ns = 1012345600 }))
end

local function view(more)
  local out = { columns = fields.default_names(), max_silent = 5,
    version = "0.0.0", targets = 1, seen = {}, name = "www.example.com" }
  for key, value in pairs(more or {}) do
    out[key] = value
  end
  return out
end

local function part(value, seen)
  return type(value) == "function" and value(seen) or value or ""
end

local function document(name, more)
  local format, seen = formats.get(name), view(more)
  local text = part(format.head, seen) .. format.trace(result(), seen)
  if format.failure then
    text = text .. part(format.between, seen)
      .. format.failure("name not found", setmetatable({
        name = "nosuch.example" }, { __index = seen }))
  end
  return text .. part(format.tail, seen)
end

local EVENTS = {
  { kind = "sent", at_ns = 1000, ttl = 1, probe = 0, class = "counted" },
  { kind = "sent", at_ns = 2000, ttl = 2, probe = 1, class = "counted" },
  { kind = "sent", at_ns = 2500, ttl = 2, probe = 2, class = "test" },
  { kind = "reply", at_ns = 1501000, ttl = 1, probe = 0, class = "counted",
    from = "192.168.1.1", reply = "time-exceeded", rtt_ns = 1500000,
    type = 11, code = 0, reply_ttl = 64, target = false },
  { kind = "sent", at_ns = 5000000, ttl = 1, probe = 3, class = "counted" },
  { kind = "reply", at_ns = 6000000, ttl = 1, probe = 3, class = "counted",
    from = "62.20.1.2", reply = "unreachable", rtt_ns = 1000000,
    type = 3, code = 13, reply_ttl = 64, target = false },
  { kind = "sent", at_ns = 7000000, ttl = 2, probe = 4, class = "counted" },
  { kind = "timeout", at_ns = 2000002000, ttl = 2, probe = 1,
    class = "counted" },
  { kind = "sent", at_ns = 2000002000, ttl = 2, probe = 5,
    class = "counted" },
  { kind = "reply", at_ns = 2000002001, ttl = 2, probe = 5,
    class = "counted", from = "62.20.1.2", reply = "too-big", type = 3,
    code = 4, rtt_ns = 1000000, reply_ttl = 64, target = false },
  { kind = "send-error", at_ns = 2000002001, ttl = 2, probe = 4,
    class = "counted", error = "no buffer" },
}

local TRACE = { index = 1, name = "www.example.com",
  target = "93.184.216.34", options = { packets = 2, first_hop = 1,
    max_hops = 30, max_silent = 5, timeout = 5 },
  head = { target = "93.184.216.34", started_ns = 1795274108541135313,
    source = "192.168.1.10", protocol = "icmp", size = 64, packets = 2,
    first_hop = 1 } }

local function classic_view()
  local seen = classic.new(TRACE.options, function(address)
    return { name = address == "62.20.1.2" and "r2.example.net" or nil,
      asn = address == "62.20.1.2" and "AS3301" or nil,
      special = address == "192.168.1.1" and "private" or nil }, true
  end)
  local parts = { classic.title(TRACE, TRACE.options, { size = 64 }) }
  for _, event in ipairs(EVENTS) do
    seen:event(event)
    parts[#parts + 1] = seen:take(nil)
  end
  parts[#parts + 1] = seen:take(nil, { hops = { { ttl = 1 }, { ttl = 2 } } })
  return table.concat(parts)
end

check.case("classic_title_says_that_sizes_are_random", function()
  check.contains(classic.title(TRACE, TRACE.options, { size = 100,
    random_size = true }), "30 hops max, random packet sizes up to 100 bytes")
end)

-- One with single probes.
local function with_probes(name)
  local seen = probes.new()
  for _, event in ipairs(EVENTS) do
    seen:event(event)
  end
  return formats.get(name).trace(result(), view { probes = seen,
    options = TRACE.options })
end

local function event_lines()
  local parts = { stream.header "0.0.0", stream.start(TRACE) }
  for _, event in ipairs(EVENTS) do
    parts[#parts + 1] = stream.event(TRACE, event)
  end
  parts[#parts + 1] = stream.finish(TRACE, result())
  parts[#parts + 1] = stream.failure({ index = 2, name = "x" }, "no name")
  return table.concat(parts)
end

local TEXTS = {
  ["report.txt"] = function() return document "report" end,
  ["report.json"] = function() return document "json" end,
  ["report.csv"] = function() return document "csv" end,
  ["chosen.csv"] = function()
    return document("csv", { columns = { "hop", "host", "loss" },
      chosen = true })
  end,
  ["report.xml"] = function() return document "xml" end,
  ["report.md"] = function() return document "markdown" end,
  ["report.dot"] = function() return document "dot" end,
  ["many.dot"] = function() return document("dot", { targets = 2 }) end,
  ["report.mermaid"] = function() return document "mermaid" end,
  ["report.atlas"] = function() return with_probes "atlas" end,
  ["report.scamper-json"] = function()
    return with_probes "scamper-json"
  end,
  ["classic.txt"] = classic_view,
  ["events.ndjson"] = event_lines,
}

-- Samples whose names do not follow from that of the format. The page has a
-- test of its own, html_test.lua.
local FILES = { report = "report.txt", markdown = "report.md",
  html = "page.html" }

-- A run that was stopped before the sample: shows the responders of the first
-- probes, and no empty line.
check.case("classic_ended_before_its_sample_shows_what_is_known", function()
  local seen = classic.new(TRACE.options, function() return nil, true end)
  for i = 1, 5 do
    for ttl = 1, 2 do
      seen:event { kind = "sent", class = "test", ttl = ttl,
        at_ns = i * 1000000, probe = 2 * i + ttl }
    end
    seen:event { kind = "reply", class = "test", ttl = 1,
      at_ns = i * 1000000, probe = 2 * i + 1, rtt_ns = i * 1000000,
      from = "192.0.2.1", reply = "time-exceeded", type = 11, code = 0 }
  end
  check.equal(seen:take(nil), "")
  check.equal(seen:take(nil, { hops = { { ttl = 1 }, { ttl = 2 } } }),
    " 1  192.0.2.1  1.000 ms 2.000 ms 3.000 ms\n 2  *\n")
end)

for name, make in pairs(TEXTS) do
  check.stored(name .. "_is_as_it_was", FOLDER .. name, make)
end

-- Keys of the outermost object of a line; values in braces are cut out.
local function keys_of(line)
  local keys = {}
  for key in line:sub(2, -2):gsub("%b{}", "0"):gmatch '"([^"]*)":' do
    keys[#keys + 1] = key
  end
  return keys
end

-- RFC 8259 section 4: readers disagree about repeated names.
check.case("no_line_of_the_stream_repeats_a_key", function()
  local count = 0
  for line in event_lines():gmatch "[^\n]+" do
    local seen = {}
    for _, key in ipairs(keys_of(line)) do
      check.equal({ key, seen[key] }, { key })
      seen[key], count = true, count + 1
    end
  end
  check.equal(count > 40, true)
end)

check.case("every_format_has_a_sample", function()
  for _, name in ipairs(formats.names()) do
    local file = FILES[name] or "report." .. name
    check.equal(TEXTS[file] ~= nil or check.read(FOLDER .. file) ~= nil, true,
      ("%s in TEXTS of tests/unit/formats_test.lua"):format(file))
  end
end)

check.stored("the_schema_in_the_tree_is_that_of_the_field_table",
  "scripts/mtr-trace.schema.json", function()
    return dkjson.encode(schema.build(), { indent = true }) .. "\n"
  end)

check.finish()
