-- SPDX-License-Identifier: BSD-2-Clause

--- A guess of the operating system for programs: its candidates and every
-- piece of evidence in raw form, keys in alphabetical order. Pure.
-- @module mtrtrace.report.os_table
local format = require "mtrtrace.base.format"

local M = {}

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- Lists stay lists; everything else gets its keys in order.
local function convert(value, new, number)
  if type(value) == "string" then
    return format.clean(value)
  elseif math.type(value) == "float" then
    return number(format.decimal(value))
  elseif math.type(value) == "integer" then
    return format.whole(value)
  elseif type(value) ~= "table" then
    return value
  elseif #value > 0 then
    local list = {}
    for i, item in ipairs(value) do
      list[i] = convert(item, new, number)
    end
    return list
  end
  local out = new()
  for _, key in ipairs(keys_of(value)) do
    out[key] = convert(value[key], new, number)
  end
  return out
end

local function some(list, new, number)
  return #list > 0 and convert(list, new, number) or nil
end

local function candidate_table(candidate, new, number)
  local out = new()
  out.name = format.clean(candidate.name)
  out.confidence = number(format.decimal(candidate.confidence + 0.0))
  return out
end

local function without_empty(facts)
  local out = {}
  for key, value in pairs(facts) do
    if type(value) ~= "table" or next(value) ~= nil then
      out[key] = value
    end
  end
  return out
end

--- The guess as ordered tables.
-- @tparam table guess of mtrtrace.os.judge
-- @tparam function new makes an empty table that keeps the order of its keys
-- @tparam function number what the caller wants for digits
-- @treturn table `label` ("unknown" without one), `confidence` where there
--   is a label, `candidates`, `evidence`, `conflicts`
function M.build(guess, new, number)
  local out = new()
  out.label = format.clean(guess.label) or "unknown"
  out.confidence = guess.label and guess.confidence
  local candidates = {}
  for i, candidate in ipairs(guess.candidates) do
    candidates[i] = candidate_table(candidate, new, number)
  end
  out.candidates = #candidates > 0 and candidates or nil
  out.evidence = convert(without_empty(guess.evidence), new, number)
  out.conflicts = some(guess.conflicts, new, number)
  return out
end

return M
