-- SPDX-License-Identifier: BSD-2-Clause
--- A stand-in for luv with a terminal: keys are pressed and signals sent by
-- the test; what happens to the terminal is kept in order.
-- @module fake_uv
local M = {}

local function handle(more)
  local out = more or {}
  function out.is_closing() return out.closed or false end
  function out.close() out.closed = true end
  return out
end

--- Makes one.
-- @treturn table the module; `log`: what happened; `press(bytes)`,
--   `signal(name)`, `tick()`: all timers that run
-- @treturn table a file that keeps what is written
function M.new()
  local uv = { log = {}, signals = {}, timers = {}, size = { 80, 24 } }
  local function note(what)
    uv.log[#uv.log + 1] = what
  end
  function uv.guess_handle() return "tty" end
  function uv.os_getpid() return 7 end
  function uv.fs_lstat(path)
    local file = io.open(path)
    return file and file:close() and {} or nil
  end
  function uv.kill(pid, name) note(("kill %d %s"):format(pid, name)) end
  function uv.new_tty()
    local tty = handle()
    function tty.get_winsize() return uv.size[1], uv.size[2] end
    function tty.set_mode(_, mode) note("mode " .. mode) end
    function tty.read_start(_, body) uv.keyboard = body end
    uv.tty = tty
    return tty
  end
  function uv.new_signal()
    local signal = handle()
    function signal.start(_, name, body) uv.signals[name] = body end
    return signal
  end
  function uv.new_timer()
    local timer = handle()
    function timer.start(_, _, _, body) timer.body = body end
    function timer.is_active() return timer.body ~= nil end
    uv.timers[#uv.timers + 1] = timer
    return timer
  end
  function uv.press(bytes) uv.keyboard(nil, bytes) end
  function uv.signal(name) uv.signals[name]() end
  function uv.tick()
    for _, timer in ipairs(uv.timers) do
      local body = timer.body
      timer.body = nil
      if body then
        body()
      end
    end
  end
  local out = { written = {} }
  function out.write(self, bytes)
    if self.broken then
      return nil, "Input/output error"
    end
    self.written[#self.written + 1] = bytes
    for sequence, name in bytes:gmatch "\27%[%?(%d+)(%a)" do
      note(sequence .. name)
    end
    return self
  end
  function out.flush() return true end
  return uv, out
end

return M
