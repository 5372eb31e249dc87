-- SPDX-License-Identifier: BSD-2-Clause

--- An output of the command: standard output or a file. Nothing is written
-- after the first error.
-- @module mtrtrace.report.out
local M = {}

local Out = { hook = function() end }
Out.__index = Out

local function note(self, ok, err)
  if not ok and not self.err then
    local text = tostring(err)
    -- A closed pipe is not reported: the reader closed it on purpose.
    self.closed_pipe = text:find("Broken pipe", 1, true) ~= nil
    self.err = ("%s: %s"):format(self.name, text)
  end
end

--- Writes a text, unless an earlier write failed.
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

--- Writes each text with a single write, so that killing the program leaves no
-- partial text.
function Out:unbuffered()
  self.file:setvbuf "no"
end

--- Flushes the output.
function Out:flush()
  if not self.err then
    local ok, err = self.file:flush()
    note(self, ok, err)
  end
end

--- Closes the output.
-- @treturn ?string an error, one sentence
-- @treturn boolean whether the error is only a closed pipe
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
