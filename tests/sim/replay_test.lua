-- SPDX-License-Identifier: BSD-2-Clause
-- What a run of random worlds recorded is replayed digit for digit, in every
-- format; and the same seed gives the same bytes.
local chance = require "sim.chance"
local check = require "check"
local driver = require "sim.driver"
local fields = require "mtrtrace.table.fields"
local formats = require "mtrtrace.report.formats"
local recording = require "sim.recording"
local replay = require "mtrtrace.recording.replay"
local stream = require "mtrtrace.recording.stream"
local tracer = require "mtrtrace.session.tracer"

local ok, core = pcall(require, "mtrtrace.core")
local has_dkjson, dkjson = pcall(require, "dkjson")
if not ok or not has_dkjson then
  print("skip replay - the engine or dkjson is missing")
  return
end

local lines_of = recording.lines
local function replayed(text)
  return recording.replay(core, dkjson.decode, text)
end

-- What shows single probes is rendered while they come in: interchange_test.
local FORMATS = {}
for _, name in ipairs(formats.names()) do
  FORMATS[#FORMATS + 1] = not formats.get(name).wants_events and name or nil
end

local function with_facts(result)
  for _, hop in ipairs(result.hops) do
    for i, responder in ipairs(hop.responders) do
      if i == 1 and hop.ttl % 2 == 0 then
        responder.name = ("r%d.example.net"):format(hop.ttl)
        responder.asn, responder.organization = "AS64500", "Example"
        responder.place = { latitude = 59.360001, longitude = -0.1 }
        responder.origins = { { asn = "AS64500", source = "irr" } }
      end
    end
  end
  return tracer.enrich(result)
end

local function run(seed)
  local w, options = chance.draw(seed)
  options.events = true
  local result, t = driver.trace(w, options, { seed = seed, limit_s = 200 })
  result.started_ns = 1795274108541135313
  return with_facts(result), t, options
end

local function part(value, view)
  return type(value) == "function" and value(view) or value or ""
end

local function rendered(result)
  local parts = {}
  for _, name in ipairs(FORMATS) do
    local format = formats.get(name)
    local view = { columns = fields.default_names(), max_silent = 5,
      targets = 1, seen = {}, name = "example.com", version = "test" }
    parts[#parts + 1] = part(format.head, view) .. format.trace(result, view)
      .. part(format.tail, view)
  end
  return table.concat(parts, "\n")
end

-- Raw answers are evidence for judges, and no part of the stream.
local function without_answers(hops)
  for _, hop in ipairs(hops) do
    for _, responder in ipairs(hop.responders) do
      responder.answers = nil
    end
  end
  return hops
end

local SEEDS = tonumber(arg[1]) or 60

check.case("a_replay_has_the_digits_of_the_run_in_every_format", function()
  for seed = 1, SEEDS do
    local result, t, options = run(seed)
    local again = replayed(lines_of(result, t, options))
    check.equal(without_answers(again.hops), without_answers(result.hops),
      "seed " .. seed)
    check.equal(rendered(again) == rendered(result), true, "seed " .. seed)
  end
end)

check.case("a_seed_gives_the_same_bytes_in_every_format", function()
  for seed = 1, 20 do
    local one, t, options = run(seed)
    local two, t2, options2 = run(seed)
    check.equal(rendered(one) == rendered(two), true, "seed " .. seed)
    check.equal(lines_of(one, t, options) == lines_of(two, t2, options2),
      true, "seed " .. seed)
  end
end)

-- ---- several flows --------------------------------------------------------

local FLOWS = 3

-- Traces of one world as the flows of one trace, and their events.
local function run_flows(seed)
  local w, options = chance.draw(seed)
  local lists, flows = {}, {}
  options.events = true
  for flow = 1, FLOWS do
    lists[flow] = driver.options(w, seed * 10 + flow, options)
  end
  local traces = driver.run(w, lists, { seed = seed, limit_s = 200 })
  for i, t in ipairs(traces) do
    t.result.flow, t.result.started_ns = i - 1, 1795274108541135313 + i
    for _, event in ipairs(t.stream) do
      event.flow = i - 1
    end
    flows[i] = t.result
  end
  return flows, traces, options
end

local function flow_lines(traces, trace, result)
  local parts = { stream.header "test", stream.start(trace) }
  for _, t in ipairs(traces) do
    for _, event in ipairs(t.stream) do
      parts[#parts + 1] = stream.event(trace, event)
    end
  end
  parts[#parts + 1] = stream.finish(trace, result)
  return table.concat(parts)
end

local function recorded_flows(seed)
  local flows, traces, options = run_flows(seed)
  local trace = { index = 1, name = "example.com", head = flows[1],
    flows = flows, options = { max_hops = options.max_hops or 30,
      max_silent = 5 } }
  local head = {}
  for key, value in pairs(flows[1]) do
    head[key] = value
  end
  head.hops, head.each_flow = {}, flows
  return flow_lines(traces, trace, head), flows, traces, trace
end

-- The simulation's engine numbers no flows; judges mark hops.
local function without_marks(hops)
  for _, hop in ipairs(without_answers(hops)) do
    hop.rate_limited, hop.better_beyond = nil, nil
    for _, list in ipairs { hop.responders, hop.runs } do
      for _, item in ipairs(list) do
        item.flow = nil
      end
    end
  end
  return hops
end

check.case("a_replay_has_the_digits_of_each_flow", function()
  for seed = 1, SEEDS // 6 do
    local text, flows, traces, trace = recorded_flows(seed)
    local one = replayed(text)
    check.equal(#one.flows, FLOWS, "seed " .. seed)
    local again = replayed(flow_lines(traces, trace, one))
    check.equal(rendered(again) == rendered(one), true, "seed " .. seed)
    for i, flow in ipairs(flows) do
      check.equal(without_marks(one.each_flow[i].hops),
        without_marks(flow.hops), "seed " .. seed)
    end
  end
end)

-- ---- garbage --------------------------------------------------------------

local function broken(text, number, change)
  local count = 0
  return (text:gsub("[^\n]+", function(line)
    count = count + 1
    return count == number and change(line) or line
  end))
end

-- Lines cut, doubled and with bytes changed: an error or a result, and
-- nothing that is read or written outside (this runs under ASan).
check.case("damaged_recordings_end_in_one_line_or_a_result", function()
  math.randomseed(7)
  local result, t, options = run(3)
  local texts = { lines_of(result, t, options), (recorded_flows(3)) }
  for i = 1, 300 do
    local text = texts[i % 2 + 1]
    local _, count = text:gsub("\n", "")
    local damaged = broken(text, math.random(2, count), function(line)
      local at, what = math.random(#line), math.random(4)
      if what == 1 then
        return line:sub(1, at)
      elseif what == 2 then
        return line .. "\n" .. line
      elseif what == 3 then
        return (line:gsub("%d+", function() return math.random(0, 70000) end))
      end
      return line:sub(1, at - 1) .. string.char(math.random(32, 126))
        .. line:sub(at + 1)
    end)
    local reader = replay.new(core, function(line)
      local fine, value = pcall(dkjson.decode, line, 1, nil, nil, nil)
      return fine and value or nil
    end)
    for line in damaged:gmatch "[^\n]+" do
      local good, answer = reader:line(line)
      if not good then
        check.equal(type(answer), "string")
        check.equal(answer:find "\n", nil)
        break
      elseif answer and answer.result then
        pcall(rendered, answer.result)
      end
    end
  end
end)

check.finish()
