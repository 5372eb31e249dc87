-- SPDX-License-Identifier: BSD-2-Clause

--- The file of --rows-to, with a new file by size or on demand. Each line is
-- one write, so that killing the program leaves no partial line. Rows that
-- cannot be written are kept for later, up to a bound, and reported once; a
-- failure never ends a run. Uses luv, which is passed in.
-- @module mtrtrace.cli.rowfile
local M = {}

local File = {}
File.__index = File

-- Largest number of lines kept while the disk is full.
local MOST_WAITING = 100000

local function complain(self, err)
  if not self.complained then
    self.complained = true
    self.say(("--rows-to=%s: %s; tracing goes on, %d rows are kept for later")
      :format(self.path, err, MOST_WAITING))
  end
end

local function open(self)
  local err
  self.fd, err = self.uv.fs_open(self.path, "a", tonumber("644", 8))
  if self.fd then
    local stat = self.uv.fs_fstat(self.fd)
    self.size = stat and stat.size or 0
  end
  return self.fd, err
end

local function shut(self)
  if self.fd then
    self.uv.fs_close(self.fd)
    self.fd = nil
  end
end

-- Returns an unused file name that sorts by time.
local function other_name(self)
  local stamp = os.date("!%Y%m%dT%H%M%SZ")
  for i = 0, 9999 do
    local name = ("%s.%s%s"):format(self.path, stamp,
      i > 0 and ("-%d"):format(i) or "")
    if not self.uv.fs_stat(name) then
      return name
    end
  end
end

-- Writes a whole line or nothing: a partial write on a full disk is truncated.
local function put(self, line)
  if not self.fd and not open(self) then
    return nil, "it cannot be opened"
  end
  local count, err = self.uv.fs_write(self.fd, line, -1)
  if count == #line then
    self.size = self.size + count
    return true
  elseif count and count > 0 then
    self.uv.fs_ftruncate(self.fd, self.size)
  end
  return nil, err and tostring(err):match "^%u+: ([^:]+)" or "no space left"
end

local function drain(self)
  local done = 0
  for i = 1, #self.waiting do
    local ok, err = put(self, self.waiting[i])
    if not ok then
      complain(self, err)
      break
    end
    done = i
  end
  if done > 0 then
    self.waiting = table.move(self.waiting, done + 1, #self.waiting, 1, {})
  end
end

--- Writes a line.
-- @tparam string line with its line feed
function File:write(line)
  if self.most and self.size > 0 and self.size + #line > self.most then
    self:rotate()
  end
  if #self.waiting < MOST_WAITING then
    self.waiting[#self.waiting + 1] = line
  else
    self.lost = self.lost + 1
  end
  drain(self)
end

function File:flush() -- luacheck: no self
end

--- Renames the file and continues in a new one.
function File:rotate()
  local name = other_name(self)
  shut(self)
  if name then
    self.uv.fs_rename(self.path, name)
  end
  open(self)
end

--- Opens the file again by its name, after an external program renamed it.
function File:reopen()
  shut(self)
  open(self)
  drain(self)
end

--- Closes the file.
-- @treturn ?string an error on rows that could not be written, one sentence
function File:close()
  drain(self)
  shut(self)
  local missing = #self.waiting + self.lost
  return missing > 0 and ("--rows-to=%s: %d rows could not be written")
    :format(self.path, missing) or nil
end

--- Opens a file to append to.
-- @tparam table uv the module luv
-- @tparam string path
-- @tparam ?integer most bytes of a file; nil for any number
-- @tparam function say gets one sentence
-- @treturn ?table
-- @treturn ?string one sentence
function M.open(uv, path, most, say)
  if not uv then
    return nil, "--rows-to needs the Lua module luv (Debian: lua-luv)"
  end
  local self = setmetatable({ uv = uv, path = path, most = most, say = say,
    waiting = {}, lost = 0, size = 0 }, File)
  local fd, err = open(self)
  if not fd then
    return nil, ("%s: %s"):format(path,
      tostring(err):match "^%u+: ([^:]+)" or tostring(err))
  end
  return self
end

return M
