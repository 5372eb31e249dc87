-- SPDX-License-Identifier: BSD-2-Clause
-- Two runs of the engine through the same simulated path are compared through
-- every format that a run is kept in: nothing differs. Silent, rate-limited
-- and balanced hops, loss, NAT, late replies are in the worlds.
local chance = require "sim.chance"
local check = require "check"
local compare = require "mtrtrace.diff.compare"
local driver = require "sim.driver"
local formats = require "mtrtrace.report.formats"
local load = require "mtrtrace.diff.load"
local recording = require "sim.recording"
local structured = require "mtrtrace.report.structured"
local ordered = require "mtrtrace.base.ordered"
local tracer = require "mtrtrace.session.tracer"

local ok, core = pcall(require, "mtrtrace.core")
local has_dkjson, dkjson = pcall(require, "dkjson")
if not ok or not has_dkjson then
  print("skip diff_files - the engine or dkjson is missing")
  return
end

local ENV = { core = core, decode = function(text)
  return (dkjson.decode(text, 1, nil, nil, nil))
end }

local function escape(text)
  return (tostring(text):gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;",
    [">"] = "&gt;" }))
end

-- As Nmap writes what a script returns.
local function nmap_table(value, key)
  local attribute = type(key) == "string" and (' key="%s"'):format(key) or ""
  if type(value) ~= "table" then
    return ("<elem%s>%s</elem>\n"):format(attribute, escape(value))
  end
  local parts = {}
  for _, name in ipairs(ordered.keys(value) or {}) do
    parts[#parts + 1] = nmap_table(value[name], name)
  end
  for i, item in ipairs(ordered.keys(value) and {} or value) do
    parts[#parts + 1] = nmap_table(item, i)
  end
  return ("<table%s>\n%s</table>\n"):format(attribute, table.concat(parts))
end

local function nmap_xml(result)
  local body = nmap_table(structured.build(result, {}, ordered.new))
  return '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
    .. '<?xml-stylesheet href="x.xsl" type="text/xsl"?>\n<!-- a > b -->\n'
    .. '<nmaprun><host><address addr="10.99.0.2" addrtype="ipv4"/>\n'
    .. '<hostscript><script id="mtr-trace" output="&#xa;  x &lt; &gt;">'
    .. body:gsub("^<table>\n", ""):gsub("</table>\n$", "")
    .. "</script></hostscript></host></nmaprun>\n"
end

local function document(name)
  return function(result)
    local format, view = formats.get(name), { version = "0.0.0",
      name = "example.com" }
    return format.head(view) .. format.trace(result, view) .. format.tail
  end
end

local KEPT = { recording = recording.lines, json = document "json",
  xml = document "xml", nmap = nmap_xml }

-- Balancers hash alike in both runs, as routers do.
local function with_salt(path, salt)
  for _, item in ipairs(path) do
    if type(item) == "table" then
      item.salt = item.balance and salt or nil
      with_salt(item, salt)
    end
  end
end

-- The same world, met with another seed for what chance decides.
local function run(world_seed, seed)
  local w, options = chance.draw(world_seed)
  options.events, w.changes = true, nil
  with_salt(w.path, world_seed)
  local result, t = driver.trace(w, options, { seed = seed, limit_s = 200 })
  result.started_ns = 1795274108541135313
  return tracer.enrich(result), t, options
end

local function read(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local traces, err = load.file(path, ENV)
  os.remove(path)
  return assert(traces, err)
end

local function texts(report)
  local out = {}
  for _, d in ipairs(report.targets[1].differences) do
    out[#out + 1] = d.text
  end
  return table.concat(out, " ")
end

local function kept(world_seed, seed)
  local result, t, options = run(world_seed, seed)
  local out = {}
  for name, write in pairs(KEPT) do
    out[name] = read(write(result, t, options))
    out[name][1].name = nil -- Nmap's has none
  end
  return out
end

local SEEDS = tonumber(arg[1]) or 12

check.case("two_runs_through_one_world_are_the_same_in_all_formats",
  function()
    local list, count = {}, 0
    for seed = 1, SEEDS do
      local one, two = kept(seed, 2 * seed), kept(seed, 2 * seed + 1)
      for before in pairs(KEPT) do
        for after in pairs(KEPT) do
          local report = compare.run(one[before], two[after])
          count = count + 1
          list[#list + 1] = report.differs and ("world %d, %s, %s: %s")
            :format(seed, before, after, texts(report)) or nil
        end
      end
    end
    check.equal(#list, 0, table.concat(list, "\n"))
    check.equal(count, 16 * SEEDS)
  end)

-- A run and itself, whichever way it is kept.
check.case("a_run_does_not_differ_from_itself_in_another_format", function()
  for seed = 1, SEEDS do
    local one = kept(seed, seed)
    for before in pairs(KEPT) do
      for after in pairs(KEPT) do
        local report = compare.run(one[before], one[after])
        local target = report.targets[1]
        check.equal(texts(report), "", ("%d %s %s"):format(seed, before,
          after))
        check.equal(#target.remarks, 0)
        check.equal(target.path_id_before, target.path_id_after)
      end
    end
  end
end)

check.finish()
