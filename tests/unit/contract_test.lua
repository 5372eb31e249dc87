-- SPDX-License-Identifier: BSD-2-Clause
-- The keys and types that programs rely on: of JSON, rows and comparisons, and
-- the names of columns. They are frozen: golden/contract.txt has each that
-- there ever was since the first release, and `contract_test.lua write` adds
-- to it and takes nothing away. What is gone or has another type is a case
-- that fails here.
local check = require "check"
local dkjson = require "dkjson"
local diff_report = require "mtrtrace.diff.report"
local fields = require "mtrtrace.table.fields"
local rows = require "mtrtrace.rows.lines"
local schema = require "mtrtrace.report.schema"

local PATH = "tests/unit/golden/contract.txt"

-- Types of a value as "integer" or "integer,null".
local function types_of(node)
  local kind = node.type or node.const ~= nil and "const" or "any"
  return type(kind) == "table" and table.concat(kind, ",") or kind
end

local function add(lines, path, node)
  if node.anyOf then
    for i, one in ipairs(node.anyOf) do
      add(lines, ("%s#%d"):format(path, i), one)
    end
    return
  end
  lines[#lines + 1] = path .. " " .. types_of(node)
  for key, one in pairs(node.properties or {}) do
    add(lines, path .. "." .. key, one)
  end
  if node.items then
    add(lines, path .. "[]", node.items)
  end
end

-- By way of text: what is ordered for a writer is a plain table for a reader.
local function plain(node)
  return dkjson.decode(dkjson.encode(node))
end

local function contract()
  local lines = {}
  add(lines, "json", plain(schema.build()))
  add(lines, "diff", plain(diff_report.schema()))
  for _, kind in ipairs { "runs", "hops", "probes" } do
    add(lines, "rows." .. kind, plain(rows.schema(kind)))
  end
  for _, field in ipairs(fields.all()) do
    lines[#lines + 1] = "column." .. field.name .. " " .. field.key
  end
  table.sort(lines)
  return lines
end

local function stored()
  local lines = {}
  for line in io.lines(PATH) do
    lines[#lines + 1] = line
  end
  return lines
end

local function missing(from, list)
  local known, out = {}, {}
  for _, line in ipairs(list) do
    known[line] = true
  end
  for _, line in ipairs(from) do
    out[#out + 1] = not known[line] and line or nil
  end
  return out
end

if check.writes() then
  local lines = stored()
  local added = missing(contract(), lines)
  table.move(added, 1, #added, #lines + 1, lines)
  table.sort(lines)
  local file = assert(io.open(PATH, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end

check.case("no_key_is_gone_and_none_has_another_type", function()
  check.equal(missing(stored(), contract()), {},
    "in " .. PATH .. ", whose keys are frozen")
end)

check.case("every_key_is_in_the_contract", function()
  check.equal(missing(contract(), stored()), {},
    "tests/lua lua5.4 tests/unit/contract_test.lua write")
end)

check.case("a_key_that_goes_or_changes_its_type_is_seen", function()
  local was = { "json.a integer", "json.b string,null" }
  check.equal(missing(was, { "json.a integer" }), { "json.b string,null" })
  check.equal(missing(was, { "json.a number", "json.b string,null" }),
    { "json.a integer" })
end)

check.finish()
