-- SPDX-License-Identifier: BSD-2-Clause

--- Metrics as text: OpenMetrics 1.0 or Prometheus' text format 0.0.4. The
-- series of a target are formatted once per round, not per scrape. Pure.
-- @module mtrtrace.service.exposition
local families = require "mtrtrace.service.families"

local M = {}

local math_type, concat = math.type, table.concat

--- Content types of the two formats.
M.OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
M.PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

--- A label.
-- @tparam string name
-- @tparam string value any text
-- @treturn string such as 'team="web"'
function M.label(name, value)
  return name .. '="' .. value:gsub('[\\"\n]', ESCAPES) .. '"'
end

--- A number as text without loss of precision.
-- @tparam number value
-- @treturn string
function M.number(value)
  if math_type(value) == "integer" then
    return ("%d"):format(value)
  elseif value ~= value then
    return "NaN"
  elseif value == math.huge or value == -math.huge then
    return value > 0 and "+Inf" or "-Inf"
  end
  local short = ("%.15g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

--- A bound of a histogram as the value of the label le. It always has a
-- decimal point (OpenMetrics' canonical form), so that both formats have the
-- same series.
-- @tparam number bound seconds
-- @treturn string
function M.bound(bound)
  local text = M.number(bound)
  return text:find "[.e]" and text or text .. ".0"
end

local function line(out, name, labels, value)
  out[#out + 1] = labels == "" and name .. " " .. value .. "\n"
    or name .. "{" .. labels .. "} " .. value .. "\n"
end

local function joined(labels, more)
  return labels == "" and more or labels .. "," .. more
end

-- ---- values of each kind --------------------------------------------------

local WRITERS = {}

local function plain(out, row, labels, value)
  if type(value) ~= "table" then
    return line(out, families.series(row), labels, M.number(value))
  end
  for _, pair in ipairs(value) do -- one series per label value
    local more = pair[1] ~= "" and joined(labels, M.label(row.labels[1],
      pair[1])) or labels
    line(out, families.series(row), more, M.number(pair[2]))
  end
end

WRITERS.gauge, WRITERS.counter = plain, plain

function WRITERS.info(out, row, labels, value)
  local parts = {}
  for i, name in ipairs(row.labels) do
    parts[i] = M.label(name, value[name] or "")
  end
  line(out, families.series(row), joined(labels, concat(parts, ",")), "1")
end

function WRITERS.histogram(out, row, labels, value)
  local bucket = row.name .. "_bucket"
  for i, bound in ipairs(value.bounds) do
    line(out, bucket, labels .. ',le="' .. M.bound(bound) .. '"',
      M.number(value.counts[i]))
  end
  line(out, bucket, labels .. ',le="+Inf"', M.number(value.count))
  line(out, row.name .. "_sum", labels, M.number(value.sum_s))
  line(out, row.name .. "_count", labels, M.number(value.count))
end

-- ---- targets --------------------------------------------------------------

local function hop_chunk(row, target, only_target)
  local out = {}
  for _, hop in ipairs(target.hops) do
    if not only_target or hop.ttl == families.TARGET_TTL then
      WRITERS[row.type](out, row, target.labels .. ',ttl="' .. hop.ttl .. '"',
        hop.values[row.key])
    end
  end
  return concat(out)
end

--- The series of a target, a text for each family.
-- @tparam table target `labels`: text of the labels that all its series have;
--   `hops`: { ttl, values } in order; `values`
-- @tparam ?boolean only_target no series of hops before the target
-- @tparam ?function pack compresses the text of the hops once for all pages;
--   its value replaces the text
-- @treturn {string,...} in the order of the families; texts of families of the
--   process are empty
function M.chunks(target, only_target, pack)
  local chunks = {}
  for i, row in ipairs(families.all()) do
    local text = ""
    if row.level == "hop" then
      text = hop_chunk(row, target, only_target)
      text = pack and pack(text) or text
    elseif row.level == "target" then
      local out = {}
      WRITERS[row.type](out, row, target.labels, target.values[row.key])
      text = concat(out)
    end
    chunks[i] = text
  end
  return chunks
end

-- ---- the page -------------------------------------------------------------

local function escaped(text)
  return (text:gsub("\\", "\\\\"):gsub("\n", "\\n"))
end

-- The header of a family. Prometheus' format has no type "info", and names the
-- series instead of the family.
local function head(out, row, openmetrics)
  local name = openmetrics and row.name or families.series(row)
  local kind = not openmetrics and row.type == "info" and "gauge" or row.type
  out[#out + 1] = ("# HELP %s %s\n# TYPE %s %s\n"):format(name,
    escaped(row.about), name, kind)
  if openmetrics and row.unit then
    out[#out + 1] = ("# UNIT %s %s\n"):format(name, row.unit)
  end
end

--- The page.
-- @tparam {table,...} list chunks of each target, see `chunks`
-- @tparam ?table process values of the families of the process; nil to leave
--   these out
-- @tparam boolean openmetrics
-- @treturn {string,...} pieces of the page, which may be large
function M.page(list, process, openmetrics)
  local out = {}
  for i, row in ipairs(families.all()) do
    if row.level ~= "process" or process then
      head(out, row, openmetrics)
    end
    if row.level == "process" and process then
      WRITERS[row.type](out, row, "", process[row.key])
    else
      for _, chunks in ipairs(list) do
        out[#out + 1] = chunks[i]
      end
    end
  end
  out[#out + 1] = openmetrics and "# EOF\n" or nil
  return out
end

-- ---- which format ---------------------------------------------------------

local function quality(parameters)
  return tonumber(parameters:match ";%s*q=([%d.]+)") or 1
end

--- Whether a client prefers OpenMetrics.
-- @tparam string accept value of its header field Accept
-- @treturn boolean
function M.wants_openmetrics(accept)
  local best, plain_text = 0, 0
  for part in accept:lower():gmatch "[^,]+" do
    local kind, parameters = part:match "^%s*([^%s;]+)(.*)$"
    if kind == "application/openmetrics-text" then
      local version = parameters:match ";%s*version=([%d.]+)"
      best = (version == nil or version:find "^1%.0" or version == "0.0.1")
        and math.max(best, quality(parameters)) or best
    elseif kind == "text/plain" then
      plain_text = math.max(plain_text, quality(parameters))
    end
  end
  return best > 0 and best >= plain_text
end

--- Whether a client accepts gzip.
-- @tparam string accepted value of its header field Accept-Encoding
-- @treturn boolean
function M.wants_gzip(accepted)
  for part in accepted:lower():gmatch "[^,]+" do
    local name, parameters = part:match "^%s*([^%s;]+)(.*)$"
    if name == "gzip" or name == "*" then
      return quality(parameters) > 0
    end
  end
  return false
end

return M
