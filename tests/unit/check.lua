-- SPDX-License-Identifier: BSD-2-Clause
--- Cases and comparisons for the Lua tests: one line per case on standard
-- output, "ok NAME" or "not ok NAME - why".
-- @module check
local M = {}

local failed = 0

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

--- A value as one line of text, tables with their keys in order.
-- @param value anything without cycles
-- @treturn string
function M.show(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value)
      or tostring(value)
  end
  local parts = {}
  for i, key in ipairs(keys_of(value)) do
    parts[i] = ("%s=%s"):format(tostring(key), M.show(value[key]))
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- Raises unless two values show the same.
-- @param got what the code under test gave
-- @param want what is right
-- @tparam ?string what names the value in the message
function M.equal(got, want, what)
  local shown, expected = M.show(got), M.show(want)
  if shown ~= expected then
    error(("%sgot %s, want %s"):format(what and what .. ": " or "", shown,
      expected), 0)
  end
end

--- Raises unless a text contains another.
-- @tparam ?string text
-- @tparam string part plain text
function M.contains(text, part)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    error(("%s does not contain %s"):format(M.show(text), M.show(part)), 0)
  end
end

--- Runs one case.
-- @tparam string name situation and outcome
-- @tparam function body raises where the case fails
function M.case(name, body)
  local ok, err = pcall(body)
  if ok then
    print("ok " .. name)
  else
    failed = failed + 1
    print(("not ok %s - %s"):format(name, tostring(err):gsub("\n", "\\n")))
  end
end

--- Runs a case for each row.
-- @tparam {table,...} rows each with a `name`
-- @tparam function body gets the row
function M.rows(rows, body)
  for _, row in ipairs(rows) do
    M.case(row.name, function() body(row) end)
  end
end

--- Ends the program; its status says whether a case failed.
function M.finish()
  os.exit(failed == 0 and 0 or 1)
end

return M
