-- SPDX-License-Identifier: BSD-2-Clause

--- Reads the input of a comparison: a recording, JSON or XML of the command,
-- or Nmap's XML with results of the script.
-- @module mtrtrace.diff.load
local lines = require "mtrtrace.recording.lines"
local replay = require "mtrtrace.recording.replay"
local report = require "mtrtrace.report.json"
local samples = require "mtrtrace.diff.samples"
local snapshot = require "mtrtrace.diff.snapshot"
local structured = require "mtrtrace.report.structured"
local xml = require "mtrtrace.diff.xml"

local M = {}

-- Largest document, which is read as a whole (a recording is read line by
-- line), and the number of bytes from which the format is detected.
local MOST_BYTES, SNIFF = 1 << 28, 4096

local function new_table()
  return {}
end

-- ---- recordings -----------------------------------------------------------

local function take(traces, collected, record)
  local trace = record.trace
  if record.kind == "start" then
    collected[trace.index] = samples.new()
  elseif record.kind == "event" then
    collected[trace.index]:add(record.event)
  elseif record.kind == "finish" and record.error then
    traces[#traces + 1] = snapshot.of { name = trace.name,
      error = record.error }
  elseif record.kind == "finish" then
    traces[#traces + 1] = snapshot.of(structured.build(record.result,
      { name = trace.name }, new_table), collected[trace.index]:take())
    collected[trace.index] = nil
  end
end

local function recording(next_line, env)
  if not env.core then
    return nil, "recordings need the engine mtrtrace.core"
  end
  local reader, traces, collected = replay.new(env.core, env.decode), {}, {}
  local number = 0
  for line in next_line do
    number = number + 1
    local ok, record = reader:line(line)
    if not ok then
      return nil, ("line %d: %s"):format(number, record)
    elseif record and not pcall(take, traces, collected, record) then
      return nil, ("line %d: values that do not fit each other"):format(
        number)
    end
  end
  local missing = reader:missing()
  return not missing and traces or nil, missing
end

-- ---- documents ------------------------------------------------------------

local function of_list(list)
  local traces = {}
  for _, one in ipairs(list) do
    local ok, trace = pcall(snapshot.of, one)
    if not ok or not trace then
      return nil, "a trace in it lacks its target or its hops"
    end
    traces[#traces + 1] = trace
  end
  return traces
end

local function json(text, env)
  local document = env.decode(text)
  if type(document) ~= "table" or type(document.traces) ~= "table" then
    return nil, "no JSON of mtr-trace (expected an object with \"traces\")"
  elseif document.format_version ~= report.FORMAT then
    return nil, ("JSON with format_version %s, this program reads %d"):format(
      tostring(document.format_version), report.FORMAT)
  end
  return of_list(document.traces)
end

-- Converts an element of Nmap's structured output: <table> and <elem>, each
-- with a key or as an entry of a list.
local function of_nmap(node)
  local out = {}
  for _, child in ipairs(node) do
    local value = child.name == "elem" and child.text
      or child.name == "table" and of_nmap(child) or nil
    if value ~= nil then
      out[child.attr.key or #out + 1] = value
    end
  end
  return out
end

-- Elements of the command's XML that are lists; the entries of a list have
-- another name than the list.
local LISTS = { hops = true, responders = true, origins = true, flows = true,
  path = true, codes = true, verdicts = true, notes = true }

local function of_command(node)
  if #node == 0 then
    return LISTS[node.name] and {} or node.text
  end
  local out = {}
  for _, child in ipairs(node) do
    out[LISTS[node.name] and #out + 1 or child.name] = of_command(child)
  end
  return out
end

local function collect(node, found)
  for _, child in ipairs(node) do
    if child.name == "script" and child.attr.id == "mtr-trace" then
      found[#found + 1] = #child > 0 and of_nmap(child)
        or { error = child.attr.output or "no result" }
    elseif child.name == "trace" and node.name == "mtr-trace"
      or child.name == "failure" and node.name == "mtr-trace" then
      found[#found + 1] = of_command(child)
    else
      collect(child, found)
    end
  end
  return found
end

local function markup(text)
  local root, cut = xml.read(text)
  if not root or cut then
    return nil, cut
  end
  local found = collect(root, {})
  if #found == 0 then
    return nil, "no result of mtr-trace in it (nmap --script mtr-trace -oX)"
  end
  return of_list(found)
end

-- ---- files ----------------------------------------------------------------

local function whole(file, head)
  local rest = file:read(MOST_BYTES) or ""
  return #rest < MOST_BYTES and head .. rest or nil
end

local function read(file, env)
  local head, err = file:read(SNIFF)
  if not head then
    return nil, err or "the file is empty"
  elseif head:find '^%s*{[^\n]-"kind"%s*:' then
    return recording(lines.of(file, head), env)
  end
  local format = head:find "^[\239\187\191%s]*<" and markup
    or head:find "^[\239\187\191%s]*{" and json
  if not format then
    return nil, "neither a recording, JSON nor XML of mtr-trace or Nmap"
  end
  local text = whole(file, head)
  if not text then
    return nil, "larger than 256 MiB"
  end
  return format(text, env)
end

--- Reads a file.
-- @tparam string path
-- @tparam table env `core`: the module mtrtrace.core, which recordings need;
--   `decode`: from a text in JSON to a value, nil for a bad one; `open`: as
--   io.open where nil
-- @treturn ?{table,...} snapshots, see mtrtrace.diff.snapshot
-- @treturn ?string one sentence that begins with the path
function M.file(path, env)
  local file, err = (env.open or io.open)(path, "rb")
  if not file then
    return nil, err
  end
  local ok, traces, why = pcall(read, file, env)
  file:close()
  if not ok then
    return nil, ("%s: cannot be read"):format(path)
  elseif not traces or #traces == 0 then
    return nil, ("%s: %s"):format(path, why or "no trace is in it")
  end
  return traces
end

return M
