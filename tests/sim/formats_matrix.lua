-- SPDX-License-Identifier: BSD-2-Clause
-- formats_matrix.lua FOLDER: writes every format of a matrix of simulated
-- runs to files CASE.FORMAT, for the strict readers of readers_test.sh: one
-- flow and several, paths, path MTU, silence, unreachables, time to first
-- byte, failures, hostile names; and all of them in one document.
local build = require "sim.build"
local core = require "sim.core"
local fields = require "mtrtrace.table.fields"
local formats = require "mtrtrace.report.formats"
local geojson = require "mtrtrace.report.geojson"
local probes = require "mtrtrace.report.probes"
local stream = require "mtrtrace.recording.stream"

local FOLDER = assert(arg[1], "a folder is expected")

-- ---- worlds ---------------------------------------------------------------

local function node(address, more)
  local new = { address = address, link = { delay_ms = 1 } }
  for key, value in pairs(more or {}) do
    new[key] = value
  end
  return new
end

local function forked(more, balance)
  return build.line(2, {
    nodes = { a = node("10.1.1.1", more), b = node("10.2.1.1"),
      c = node("10.3.1.1"), host = more },
    path = { "r1", { balance = balance or "flow", { "a" }, { "b" }, { "c" } },
      "r2", "host" } })
end

local NARROW = { r3 = { link = { delay_ms = 1, mtu = 1400 } } }

local HIDDEN = { r3 = NARROW.r3, r2 = { black_hole = true } }

local NAT = { r2 = { nat = { target_port = 5001, restore = "none" } } }

local EXTENSIONS = { r2 = { extension = {
  labels = { { label = 24001, tc = 1, ttl = 1 }, { label = 16, ttl = 255 } },
  interfaces = { { role = 0, index = 7, name = "=xe\u{202e}\27[1m\xf6",
    mtu = 9000 } },
  unknown = { { class = 9, type = 1, bytes = "\10\254" } } } } }

local SILENT = { answers = 0 }

-- ---- hostile words --------------------------------------------------------

local EVIL = {
  "=HYPERLINK(\"http://x\";\"y\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1",
  "\r\n=1", "\u{ff1d}1+1", "\u{200b}=1", "'; DROP TABLE hops; --",
  "\"><script>alert(1)</script><img src=x onerror=alert(1)>",
  "]]>&amp;<!-- -->\0\27[2J\u{202e}\u{2028}\u{feff}", "end",
  "a|b\\|c`d`*e*_f_[g](h)<i>~~j~~$k$ #l#", "Link\u{f6}ping", "Troms\xf8",
  "\u{6771}\u{4eac}\u{30bf}", "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
  "\u{5d0}\u{5d1} \u{627}\u{644}", "\xc3\x28\xff\xfe\xf0\x9f", "",
  ("x"):rep(5000), "graph TD; a-->b", "#35;quot;\"|\"", "\"]; b [label=\"x",
  "\\", "\\\"", "%s %d %%", "$(name)$[name]", "\u{fffe}\u{d7ff}\u{10ffff}",
}

local NAMED = { "name", "asn", "organization", "prefix", "registry",
  "country", "source" }

local function tell_evil(responder, n)
  local function word(i)
    return EVIL[(n + i) % #EVIL + 1]
  end
  for i, key in ipairs(NAMED) do
    responder[key] = word(i)
  end
  responder.origins = { { asn = "AS1", source = word(8),
    organization = word(9), prefix = word(10) } }
  responder.place = { country = word(11), region = word(12), city = word(13),
    latitude = -33.9, longitude = -0.000001 }
  responder.os = { label = word(14), doubtful = true, confidence = "low",
    line = word(15), candidates = { { name = word(16), confidence = 0.25 } },
    conflicts = { word(17) }, evidence = { text = word(18), large = 1 << 60,
      empty = {}, list = { word(19) }, map = { a = word(20) } } }
end

local function with_evil(result)
  local n = 0
  for _, hop in ipairs(result.hops) do
    for _, responder in ipairs(hop.responders) do
      tell_evil(responder, n)
      n = n + 7
    end
  end
  result.interface, result.send_error = EVIL[10], EVIL[11]
  result.ttfb = { outcome = "measured", ttfb_ms = 12.5, tcp_ms = 1.5,
    tls_ms = 8.0, wait_ms = 3.0, scheme = "https", port = 8443, status = 302,
    location = EVIL[10], asked = 1, count = 1, misses = {}, url = EVIL[1],
    certificate = EVIL[11], unverified = true, method = "GET",
    address = "10.9.0.2", protocol = "HTTP/2" }
  return result
end

local function with_failure(result)
  result.ttfb = { outcome = "failed", failure = "timeout", phase = "tls",
    asked = 3, timeout = 10.0, port = 443, scheme = "https", misses = {} }
  return result
end

-- ---- the matrix -----------------------------------------------------------

-- Options are those of mtrtrace.session.tracer.
local CASES = {
  { name = "one_flow", world = build.line(4) },
  { name = "ipv6_tcp", world = build.line(3, { version = 6 }),
    options = { protocol = "tcp", port = 443 } },
  { name = "rate_limiting", world = build.line(3, { nodes = {
    r2 = { rate_limit = "linux4" } } }) },
  { name = "silent_hops", world = build.line(5, { nodes = { r2 = SILENT,
    r3 = SILENT } }), change = with_failure },
  { name = "unreached", world = build.line(3, { host = SILENT }) },
  { name = "nothing_answers", world = build.line(2, { each = SILENT,
    host = SILENT }) },
  { name = "unreachable", world = build.line(3, { nodes = {
    r2 = { reject = { type = 3, code = 13 } } } }) },
  { name = "lossy", world = build.line(3, { nodes = {
    r2 = { link = { delay_ms = 1, loss = 0.3 } } } }) },
  { name = "flows", world = forked(), options = { flows = 6,
    protocol = "udp" } },
  { name = "flows_unreached", world = forked { answers = 0 },
    options = { flows = 4, protocol = "udp" } },
  { name = "flows_per_packet", world = forked(nil, "packet"),
    options = { flows = 3 } },
  { name = "paths", world = forked(), options = { paths = 95,
    protocol = "udp", pmtu = true } },
  { name = "pmtu", world = build.line(4, { nodes = NARROW }),
    options = { pmtu = true } },
  { name = "pmtu_black_hole", world = build.line(4, { nodes = HIDDEN }),
    options = { pmtu = true } },
  { name = "nat", world = build.line(3, { nodes = NAT }),
    options = { protocol = "udp" } },
  { name = "extensions", world = build.line(3, { nodes = EXTENSIONS }),
    options = { protocol = "udp" } },
  { name = "hostile", world = forked(), options = { flows = 6,
    protocol = "udp" }, change = with_evil, called = EVIL[10] },
  { name = "hostile_line", world = build.line(28), change = with_evil,
    called = EVIL[1] },
}

local STARTED_NS = 1795274108541135313

-- What shows single probes is told of them.
local function reader_of(seen)
  return {
    begin = function(trace, _, search)
      local flows
      for i, flow in ipairs(trace.flows and trace:flows() or {}) do
        flows = flows or {}
        flows[i] = flow.flow
      end
      seen.probes, seen.searched = probes.new(flows), search ~= nil
    end,
    events = function(list)
      for _, event in ipairs(list) do
        seen.probes:event(event)
      end
    end,
  }
end

local function run(case, seen)
  local options = { packets = 5, events = true }
  for key, value in pairs(case.options or {}) do
    options[key] = value
  end
  seen.options = options
  local result = core.run(case.world, options, { limit_s = 600,
    reader = reader_of(seen) })
  result.started_ns = STARTED_NS
  for i, flow in ipairs(result.each_flow or {}) do
    flow.started_ns = STARTED_NS + i
  end
  return case.change and case.change(result) or result
end

-- ---- documents ------------------------------------------------------------

local function part(value, view)
  return type(value) == "function" and value(view) or value or ""
end

-- Traces are { name, result } or { name, err }.
local function document(kind, traces)
  local format = formats.get(kind)
  local view = { columns = fields.default_names(), max_silent = 5,
    version = "test", targets = #traces, seen = {}, evidence = true }
  local parts, texts = { part(format.head, view) }, {}
  for _, trace in ipairs(traces) do
    local own = setmetatable({ name = trace.name }, { __index = view })
    for key, value in pairs(trace.seen or {}) do
      own[key] = value
    end
    if trace.result then
      texts[#texts + 1] = format.trace(trace.result, own)
    elseif format.failure then
      texts[#texts + 1] = format.failure(trace.err, own)
    end
  end
  parts[2] = table.concat(texts, part(format.between, view))
  parts[3] = part(format.tail, view)
  return table.concat(parts)
end

local function lines(traces)
  local parts = { stream.header "test" }
  for i, trace in ipairs(traces) do
    local own = { index = i, name = trace.name, head = trace.result,
      flows = trace.result and trace.result.each_flow,
      options = { max_hops = 30, max_silent = 5 } }
    parts[#parts + 1] = trace.result and stream.start(own)
    parts[#parts + 1] = trace.result and stream.finish(own, trace.result)
      or stream.failure(own, trace.err)
  end
  return table.concat(parts)
end

local function write(name, text)
  local file = assert(io.open(FOLDER .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

local function results_of(traces)
  local list = {}
  for _, trace in ipairs(traces) do
    list[#list + 1] = trace.result
  end
  return list
end

local function write_all(name, traces)
  for _, kind in ipairs(formats.names()) do
    write(name .. "." .. kind, document(kind, traces))
  end
  write(name .. ".ndjson", lines(traces))
  write(name .. ".geojson", geojson.render(results_of(traces)))
end

local all = {}
for _, case in ipairs(CASES) do
  local trace = { name = case.called or "www.example.com", seen = {} }
  trace.result = run(case, trace.seen)
  all[#all + 1] = trace
  write_all(case.name, { trace })
end
all[#all + 1] = { name = EVIL[1], err = EVIL[10] }
write_all("failed", { all[#all] })
write_all("all", all)
