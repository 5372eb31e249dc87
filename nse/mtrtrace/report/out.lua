-- SPDX-License-Identifier: BSD-2-Clause

--- Where the command writes: standard output or a file. The first error
-- stays, nothing is written behind it.
-- @module mtrtrace.report.out
local M = {}

local Out = { hook = function() end }
Out.__index = Out

local function note(self, ok, err)
  if not ok and not self.err then
    local text = tostring(err)
    -- Who reads no more knows why: nothing is said of it.
    self.closed_pipe = text:find("Broken pipe", 1, true) ~= nil
    self.err = ("%s: %s"):format(self.name, text)
  end
end

--- Writes a text, unless something went wrong before.
-- @tparam string text
function Out:write(text)
  if not self.err and text ~= "" then
    self.hook()
    local ok, err = self.file:write(text)
    note(self, ok, err)
  end
end

--- Calls a function before each write, where this is standard output.
-- @tparam function hook
function Out:before_output(hook)
  if self.file == io.stdout then
    self.hook = hook
  end
end

--- Hands on each text by one write, so that whoever ends the program leaves
-- no part of one.
function Out:unbuffered()
  self.file:setvbuf "no"
end

--- Hands on what was written so far.
function Out:flush()
  if not self.err then
    local ok, err = self.file:flush()
    note(self, ok, err)
  end
end

--- Ends the writing.
-- @treturn ?string what went wrong: one sentence
-- @treturn boolean whether it was just a reader that went away
function Out:close()
  self:flush()
  if self.file ~= io.stdout then
    local ok, err = self.file:close()
    note(self, ok, (tostring(err):gsub("^.-: ", "")))
  end
  return self.err, self.closed_pipe
end

--- Opens a file, or standard output where there is no name.
-- @tparam ?string path
-- @treturn ?table
-- @treturn ?string one sentence
function M.open(path)
  if not path then
    return setmetatable({ file = io.stdout, name = "standard output",
      closed_pipe = false }, Out)
  end
  local file, err = io.open(path, "w")
  if not file then
    return nil, err
  end
  return setmetatable({ file = file, name = path,
    closed_pipe = false }, Out)
end

return M
