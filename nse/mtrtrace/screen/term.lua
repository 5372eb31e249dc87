-- SPDX-License-Identifier: BSD-2-Clause

--- The terminal: raw mode, keys, size, and restoring the former state. The
-- only module of the screen with terminal I/O.
-- @module mtrtrace.screen.term
local M = {}

local Term = {}
Term.__index = Term

-- Alternate screen, no cursor, no wrapping at the right edge; and back.
local ENTER = "\27[?1049h\27[?25l\27[?7l\27[2J"
local LEAVE = "\27[0m\27[?7h\27[?25h\27[?1049l"

local NORMAL, RAW = 0, 1

--- Writes bytes. A terminal that was closed ends the screen.
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

--- Returns the size of the terminal.
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

--- Restores the terminal; does nothing where the terminal is restored already.
function Term:leave()
  if self.entered then
    self.entered = false
    self:write(LEAVE)
    self.tty:set_mode(NORMAL)
  end
end

--- Restores the terminal, suspends the program, and takes the terminal over
-- again when the program continues.
function Term:stop()
  self:leave()
  self.uv.kill(self.uv.os_getpid(), "sigstop")
  self:go_on()
end

--- Takes over the terminal again; other programs may have changed it.
function Term:go_on()
  self.tty:set_mode(NORMAL)
  enter(self)
  self.calls.redraw()
end

--- Suspends the whole process group, as the terminal's suspend key does.
function Term:stop_all()
  self.uv.kill(0, "sigtstp")
end

--- Restores the terminal and closes its handles.
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

-- Opens the source of keys: standard input, or /dev/tty where standard input
-- is no terminal, such as a list of targets.
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

--- Takes over the terminal.
-- @tparam table uv the module luv
-- @tparam table calls functions: keys(bytes), redraw(), gone(); and guard,
--   which wraps a function so that it never raises an error
-- @tparam ?file out output; standard output where nil
-- @treturn ?table
-- @treturn ?string an error
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

--- Whether the terminal can show a screen.
-- @tparam table uv the module luv
-- @tparam function getenv
-- @treturn boolean
function M.is_usable(uv, getenv)
  local kind = getenv "TERM" or ""
  return uv.guess_handle(1) == "tty" and kind ~= "" and kind ~= "dumb"
end

return M
