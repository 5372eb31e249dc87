-- SPDX-License-Identifier: BSD-2-Clause
-- Flat rows: every key in every line, types by the schema, sums that do not
-- count a hop twice, and a file that survives a full disk and rotation.
local check = require "check"
local columns = require "mtrtrace.rows.columns"
local lines = require "mtrtrace.rows.lines"
local make = require "mtrtrace.rows.make"
local rowfile = require "mtrtrace.cli.rowfile"
local rows = require "mtrtrace.cli.rows"
local sample = require "sample"
local tracer = require "mtrtrace.session.tracer"

local has_dkjson, dkjson = pcall(require, "dkjson")

local ABOUT = { vantage = "v1", labels = "team=web" }
local TRACE = { index = 1, name = "www.example.com" }

local function result()
  local target = sample.responder("93.184.216.34", { target = true,
    asn = "AS15133", name = "a\27b" })
  return tracer.enrich(sample.result({
    sample.hop(1, { sample.responder "192.168.1.1" }, { rate_limit = {
      burst_sent = 16, burst_received = 1, sample_interval_s = 1.05,
      initial_sent = 10, initial_received = 7, shared = 0 } }),
    sample.hop(2, { sample.responder "62.20.1.2",
      sample.responder("62.20.1.3", { received = 2 }) }),
    sample.silent(3), sample.hop(4, { target }),
  }, { started_ns = 1795274108541135313 }))
end

local function made(kind)
  if kind == "runs" then
    return { make.run(ABOUT, TRACE, result()),
      make.run(ABOUT, TRACE, nil, "name not found") }
  elseif kind == "hops" then
    return make.hops(ABOUT, TRACE, result())
  end
  local probes = make.probes(ABOUT, { index = 1, name = "x",
    head = result() })
  probes:take { kind = "sent", ttl = 1, probe = 7, at_ns = 5,
    class = "counted" }
  return { probes:take { kind = "reply", ttl = 1, probe = 7, at_ns = 9,
    class = "counted", rtt_ns = 4, from = "192.0.2.1", type = 11, code = 0,
    reply_ttl = 64, target = false } }
end

local TYPES = { string = "string", boolean = "boolean", integer = "number",
  number = "number" }

for _, kind in ipairs { "runs", "hops", "probes" } do
  check.case(kind .. "_have_every_key_of_its_type_in_every_line", function()
    for _, row in ipairs(made(kind)) do
      local line, at = lines.line(kind, row), 1
      check.equal(line:sub(-2), "}\n")
      for _, column in ipairs(columns.of(kind)) do
        local value = row[column[1]]
        at = select(2, line:find(('"%s":'):format(column[1]), at, true))
        check.equal(value == nil or type(value) == TYPES[column[2]], true,
          column[1])
        check.equal(column[2] ~= "integer" or value == nil
          or math.type(value) == "integer", true, column[1])
      end
    end
  end)
end

check.case("run_hop_and_probe_rows_of_a_trace_have_one_id", function()
  local run, hop = made "runs"[1], made "hops"[1]
  check.equal(run.run_id == hop.run_id and run.run_id < 1 << 48, true)
  check.equal(run.path_id == hop.path_id and run.path_id < 1 << 48, true)
  check.equal(run.time_s, 1795274108)
end)

-- Names in results change: what a result knows is in the rows.
check.case("what_a_result_knows_is_in_its_rows", function()
  local run, hops = made "runs"[1], made "hops"
  for _, key in ipairs { "source", "interface", "size", "packets", "reached",
    "ending", "target_ttl", "hop_count", "elapsed_s", "sent", "path_id",
    "target_sent", "target_received", "target_loss_percent", "target_best_ms",
    "target_p95_ms", "target_jitter_ms", "capture_drops" } do
    check.equal(run[key] ~= nil, true, key)
  end
  for _, key in ipairs { "ttl", "ip", "sent", "received", "loss_percent",
    "loss_low_percent", "late", "duplicates", "send_errors", "total_sent",
      "total_received",
    "replies", "last_ms", "avg_ms", "worst_ms", "reply_ttl" } do
    check.equal(hops[1][key] ~= nil, true, key)
  end
  check.equal({ hops[1].rate_limited, hops[2].rate_limited, hops[4].silent },
    { true, false, true })
end)

check.case("counts_of_a_hop_are_in_one_row_that_is_first", function()
  local first, ips = {}, {}
  for i, row in ipairs(made "hops") do
    first[i], ips[i] = row.first, row.ip or "-"
  end
  check.equal(first, { true, true, false, true, true })
  check.equal(ips, { "192.168.1.1", "62.20.1.2", "62.20.1.3", "-",
    "93.184.216.34" })
end)

check.case("what_was_not_traced_is_a_run_with_an_error", function()
  local row = made "runs"[2]
  check.equal({ row.error, row.reached, row.target },
    { "name not found", false, nil })
end)

check.case("control_characters_do_not_get_into_rows", function()
  local text = lines.line("hops", made "hops"[5])
  check.equal(text:find "\27", nil)
end)

-- The contract: a change only adds.
if has_dkjson then
  for _, kind in ipairs { "runs", "hops", "probes" } do
    check.stored(kind .. "_have_the_schema_they_had",
      ("tests/unit/golden/rows.%s.schema.json"):format(kind), function()
        return dkjson.encode(lines.schema(kind), { indent = true }) .. "\n"
      end)
  end
end

check.case("options_that_do_not_fit_are_refused", function()
  check.equal(rows.refusal { rows_to = "x" }, "--rows-to goes with --rows")
  check.equal(rows.refusal { rows = "hops", rows_size = 5000 },
    "--rows-size goes with --rows-to")
  check.equal(rows.refusal { rows = "hops", labels = "x" }, nil)
end)

-- ---- the file -------------------------------------------------------------

-- A disk with room for so many bytes.
local function disk(room)
  local uv = { files = {}, writes = 0, room = room }
  function uv.fs_open(path)
    uv.files[path] = uv.files[path] or ""
    return { path = path }
  end
  function uv.fs_fstat(fd) return { size = #uv.files[fd.path] } end
  function uv.fs_stat(path) return uv.files[path] and {} end
  function uv.fs_close() end
  function uv.fs_write(fd, text)
    local part = text:sub(1, uv.room)
    uv.writes, uv.room = uv.writes + 1, uv.room - #part
    if part == "" then
      return nil, "ENOSPC: no space left on device"
    end
    uv.files[fd.path] = uv.files[fd.path] .. part
    return #part
  end
  function uv.fs_ftruncate(fd, size)
    uv.files[fd.path] = uv.files[fd.path]:sub(1, size)
  end
  function uv.fs_rename(from, to)
    uv.files[from], uv.files[to] = nil, uv.files[from]
  end
  return uv
end

local function opened(uv, most)
  local said = {}
  return rowfile.open(uv, "f", most, function(t) said[#said + 1] = t end),
    said
end

check.case("each_line_is_one_write", function()
  local uv = disk(1000)
  local file = opened(uv)
  file:write "aaa\n"
  file:write "bbb\n"
  check.equal({ uv.writes, uv.files.f, file:close() }, { 2, "aaa\nbbb\n" })
end)

check.case("a_full_disk_has_no_part_of_a_line_and_is_said_once", function()
  local uv = disk(6)
  local file, said = opened(uv)
  for _, line in ipairs { "aaa\n", "bbb\n", "ccc\n" } do
    file:write(line)
  end
  check.equal({ uv.files.f, #said }, { "aaa\n", 1 })
  check.contains(said[1], "--rows-to=f: no space left")
  uv.room = 100
  file:write "ddd\n"
  check.equal(uv.files.f, "aaa\nbbb\nccc\nddd\n")
  check.equal(file:close(), nil)
end)

check.case("what_could_not_be_written_is_counted", function()
  local file = opened(disk(0))
  file:write "aaa\n"
  check.equal(file:close(), "--rows-to=f: 1 rows could not be written")
end)

check.case("a_file_that_grows_too_large_gets_another_name", function()
  local uv = disk(1000)
  local file = opened(uv, 8)
  for _ = 1, 5 do
    file:write "aaa\n"
  end
  local count = 0
  for path, text in pairs(uv.files) do
    count = count + 1
    check.equal(text, path == "f" and "aaa\n" or "aaa\naaa\n")
  end
  check.equal(count, 3)
end)

check.case("a_file_that_was_renamed_is_opened_again", function()
  local uv = disk(1000)
  local file = opened(uv)
  file:write "aaa\n"
  uv.fs_rename("f", "f.1")
  file:reopen()
  file:write "bbb\n"
  check.equal({ uv.files.f, uv.files["f.1"] }, { "bbb\n", "aaa\n" })
end)

check.finish()
