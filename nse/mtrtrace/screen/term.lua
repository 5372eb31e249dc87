-- SPDX-License-Identifier: BSD-2-Clause

--- The terminal: takes it over, reads its keys, knows its size, and gives it
-- back as it was. The only module of the screen that touches one.
-- @module mtrtrace.screen.term
local M = {}

local Term = {}
Term.__index = Term

-- Alternate screen, no cursor, no wrapping at the right edge; and back.
local ENTER = "\27[?1049h\27[?25l\27[?7l\27[2J"
local LEAVE = "\27[0m\27[?7h\27[?25h\27[?1049l"

local NORMAL, RAW = 0, 1

--- Writes bytes. A terminal that is gone ends the screen.
-- @tparam string bytes
function Term:write(bytes)
  if bytes == "" or self.gone then
    return
  end
  local ok = self.out:write(bytes)
  if not (ok and self.out:flush()) then
    self.gone = true
    self.calls.gone()
  end
end

--- How large it is.
-- @treturn integer columns
-- @treturn integer rows
function Term:size()
  local width, height = self.tty:get_winsize()
  if not width or width < 1 or height < 1 then
    return 80, 24
  end
  return width, height
end

local function enter(self)
  self.tty:set_mode(RAW)
  self.entered = true
  self:write(ENTER)
end

--- Gives the terminal back; harmless where that was done.
function Term:leave()
  if self.entered then
    self.entered = false
    self:write(LEAVE)
    self.tty:set_mode(NORMAL)
  end
end

--- Gives it back, stops the program, and takes it again when it goes on.
function Term:stop()
  self:leave()
  self.uv.kill(self.uv.os_getpid(), "sigstop")
  self:go_on()
end

--- Takes the terminal again, which others may have used.
function Term:go_on()
  self.tty:set_mode(NORMAL)
  enter(self)
  self.calls.redraw()
end

--- The key that stops programs: all that the shell started together.
function Term:stop_all()
  self.uv.kill(0, "sigtstp")
end

--- Gives it back for good.
function Term:close()
  self:leave()
  for _, handle in ipairs(self.handles) do
    if not handle:is_closing() then
      handle:close()
    end
  end
  self.handles = {}
end

local function on_signal(self, name, body)
  local handle = self.uv.new_signal()
  handle:start(name, self.calls.guard(body))
  self.handles[#self.handles + 1] = handle
end

-- Keys come from standard input, or from the terminal itself where that is
-- something else, such as a list of targets.
local function open_input(uv)
  if uv.guess_handle(0) == "tty" then
    return uv.new_tty(0, true)
  end
  local fd, err = uv.fs_open("/dev/tty", "r+", 0)
  if not fd then
    return nil, err
  end
  return uv.new_tty(fd, true)
end

--- Takes the terminal over.
-- @tparam table uv the module luv
-- @tparam table calls functions: keys(bytes), redraw(), gone(); and guard,
--   which makes of a function one that never raises
-- @tparam ?file out what is written to; standard output
-- @treturn ?table
-- @treturn ?string why not
function M.open(uv, calls, out)
  local tty, err = open_input(uv)
  if not tty then
    return nil, "cannot read keys: " .. tostring(err)
  end
  local self = setmetatable({ uv = uv, calls = calls, tty = tty,
    handles = { tty }, out = out or io.stdout }, Term)
  on_signal(self, "sigwinch", calls.redraw)
  on_signal(self, "sigquit", calls.gone)
  on_signal(self, "sigtstp", function() self:stop() end)
  on_signal(self, "sigcont", function() self:go_on() end)
  tty:read_start(calls.guard(function(read_err, bytes)
    if read_err or not bytes then
      self.gone = true
      calls.gone()
    else
      calls.keys(bytes)
    end
  end))
  enter(self)
  return self
end

--- Whether a screen can be shown at all.
-- @tparam table uv the module luv
-- @tparam function getenv
-- @treturn boolean
function M.is_usable(uv, getenv)
  local kind = getenv "TERM" or ""
  return uv.guess_handle(1) == "tty" and kind ~= "" and kind ~= "dumb"
end

return M
