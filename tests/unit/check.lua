-- SPDX-License-Identifier: BSD-2-Clause
--- Cases and comparisons for the Lua tests: one line per case on standard
-- output, "ok NAME" or "not ok NAME - why".
-- @module check
local M = {}

local failed = 0

-- What a message shows of a long text.
local AROUND = 60

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

local function named(what)
  return what and what .. ": " or ""
end

--- Raises unless two values show the same.
-- @param got what the code under test gave
-- @param want what is right
-- @tparam ?string what names the value in the message
function M.equal(got, want, what)
  local shown, expected = M.show(got), M.show(want)
  if shown ~= expected then
    error(("%sgot %s, want %s"):format(named(what), shown, expected), 0)
  end
end

--- Raises unless a text contains another.
-- @tparam ?string text
-- @tparam string part plain text
-- @tparam ?string what names the text in the message, which then does not
--   quote it: a page of the manual
function M.contains(text, part, what)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    error(("%s does not contain %s"):format(what or M.show(text),
      M.show(part)), 0)
  end
end

-- Where two texts part: the line, and what stands there in each.
local function parting(got, want)
  local at = 1
  while got:byte(at) == want:byte(at) do
    at = at + 1
  end
  local _, lines = got:sub(1, at - 1):gsub("\n", "")
  local from = math.max(at - AROUND, 1)
  return ("line %d: got %s, want %s"):format(lines + 1,
    M.show(got:sub(from, at + AROUND)), M.show(want:sub(from, at + AROUND)))
end

--- Raises unless a text is that of a file.
-- @tparam string got what the code under test made
-- @tparam string want the file's
-- @tparam string path names the file in the message
function M.same_text(got, want, path)
  if got ~= want then
    error(("%s, %s; if that is meant: tests/lua lua5.4 %s write, and read "
      .. "git diff"):format(path, parting(got, want), arg[0]), 0)
  end
end

--- Whether this test is to write its stored files anew.
-- @treturn boolean
function M.writes()
  return arg[1] == "write"
end

--- Reads a file of the tree.
-- @tparam string path
-- @treturn ?string nil where there is none
function M.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

--- Writes a file of the tree.
-- @tparam string path
-- @tparam string text
function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Runs a case: a text is that of a file of the tree. If the test was started
-- with the word "write", the file gets the text first.
-- @tparam string name situation and outcome
-- @tparam string path
-- @tparam function make gives the text
function M.stored(name, path, make)
  M.case(name, function()
    local text = make()
    if M.writes() then
      M.write(path, text)
    end
    M.same_text(text, M.read(path) or "", path)
  end)
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
