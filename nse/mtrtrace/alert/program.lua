-- SPDX-License-Identifier: BSD-2-Clause

--- Runs the program of --exec for each alert. The program gets the alert as
-- arguments and as a JSON object on its standard input, without a shell. The
-- number of processes at a time and per minute is limited.
-- @module mtrtrace.alert.program
local M = {}

local Program = {}
Program.__index = Program

-- Limits on processes: at the same time, started per minute, alerts waiting
-- for a process, and the run time after which a process is killed.
local AT_ONCE, IN_A_MINUTE, MOST_WAITING = 4, 30, 64
local MINUTE_S, MOST_S = 60, 30

-- Delay before the limit per minute is checked again.
local RETRY_MS = 1000

local begin

local function ended(self, job)
  if job.done then
    return
  end
  job.done = true
  self.running = self.running - 1
  for _, handle in ipairs { job.timer, job.input, job.process } do
    if not handle:is_closing() then
      handle:close()
    end
  end
  begin(self)
end

local function spawn(self, call)
  local uv, job = self.uv, {}
  job.input, job.timer = uv.new_pipe(), uv.new_timer()
  local why
  job.process, why = uv.spawn(self.path, { args = call.args,
    stdio = self.quiet and { job.input } or { job.input, 2, 2 } },
    function() ended(self, job) end)
  if not job.process then
    job.input:close()
    job.timer:close()
    self.complain(("--exec=%s: %s"):format(self.path, tostring(why)))
    return
  end
  self.running = self.running + 1
  job.input:write(call.text, function()
    if not job.input:is_closing() then
      job.input:close()
    end
  end)
  job.timer:start(MOST_S * 1000, 0, function()
    job.process:kill "sigkill"
  end)
end

local function may_start(self)
  local now, kept = self.uv.hrtime() / 1e9, {}
  for _, at in ipairs(self.started) do
    kept[#kept + 1] = now - at < MINUTE_S and at or nil
  end
  self.started = kept
  return self.running < AT_ONCE and #kept < IN_A_MINUTE
end

function begin(self)
  while #self.waiting > 0 and may_start(self) do
    self.started[#self.started + 1] = self.uv.hrtime() / 1e9
    spawn(self, table.remove(self.waiting, 1))
  end
  -- Only the end of a process starts waiting alerts; without one, a timer
  -- does.
  if #self.waiting > 0 and self.running == 0
    and not self.retry:is_active() then
    self.retry:start(RETRY_MS, 0, function() begin(self) end)
  end
end

--- Runs the program, now or as soon as the limits allow.
-- @tparam {string,...} args
-- @tparam string text for its standard input
function Program:call(args, text)
  if #self.waiting >= MOST_WAITING then
    if not self.full then
      self.full = true
      self.complain(("--exec=%s: too many alerts, at most %d processes a "
        .. "minute; the other alerts are skipped"):format(self.path,
        IN_A_MINUTE))
    end
    return
  end
  table.insert(self.waiting, { args = args, text = text })
  begin(self)
end

--- Waits for running processes and for those that may still be started.
function Program:close()
  local uv, until_s = self.uv, self.uv.hrtime() / 1e9 + MOST_S + 1
  while self.running > 0 and uv.hrtime() / 1e9 < until_s do
    uv.run "once"
  end
  if #self.waiting > 0 then
    self.complain(("--exec=%s: not run for %d alerts: time is up")
      :format(self.path, #self.waiting))
  end
end

local function is_executable(uv, path)
  local stat = uv.fs_stat(path)
  return stat and stat.type == "file" and uv.fs_access(path, "X") or false
end

--- Returns whether a program can be found and run by this process.
-- @tparam table uv the module luv
-- @tparam string path of the program, or a name that is looked up in PATH
-- @treturn boolean
function M.is_runnable(uv, path)
  if path:find("/", 1, true) then
    return is_executable(uv, path)
  end
  for folder in (uv.os_getenv "PATH" or ""):gmatch "[^:]+" do
    if is_executable(uv, folder .. "/" .. path) then
      return true
    end
  end
  return false
end

--- Returns a runner of the program.
-- @tparam table uv the module luv
-- @tparam string path of the program, or a name that is looked up in PATH
-- @tparam function complain called with an error, one sentence
-- @tparam boolean quiet whether the program's output is discarded; else the
--   output goes to standard error
-- @treturn table
function M.new(uv, path, complain, quiet)
  return setmetatable({ uv = uv, path = path, complain = complain,
    quiet = quiet, retry = uv.new_timer(),
    running = 0, waiting = {}, started = {} }, Program)
end

return M
