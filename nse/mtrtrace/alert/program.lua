-- SPDX-License-Identifier: BSD-2-Clause

--- Runs the program of --exec for each alert: arguments and a JSON object on
-- its standard input, never by way of a shell; few at once, few a minute. By
-- luv, which is handed in.
-- @module mtrtrace.alert.program
local M = {}

local Program = {}
Program.__index = Program

-- At once; started in so many seconds; waiting; and how long one may take.
local AT_ONCE, IN_A_MINUTE, MOST_WAITING = 4, 30, 64
local MINUTE_S, MOST_S = 60, 30

-- Until it is looked again whether one may start.
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
  -- Nothing that ends will look at them again.
  if #self.waiting > 0 and self.running == 0
    and not self.retry:is_active() then
    self.retry:start(RETRY_MS, 0, function() begin(self) end)
  end
end

--- Calls the program as soon as it may be.
-- @tparam {string,...} args
-- @tparam string text for its standard input
function Program:call(args, text)
  if #self.waiting >= MOST_WAITING then
    if not self.full then
      self.full = true
      self.complain(("--exec=%s: more alerts than it is started for, %d in a "
        .. "minute; the others are left out"):format(self.path, IN_A_MINUTE))
    end
    return
  end
  table.insert(self.waiting, { args = args, text = text })
  begin(self)
end

--- Waits for what runs, and for what may still be started.
function Program:close()
  local uv, until_s = self.uv, self.uv.hrtime() / 1e9 + MOST_S + 1
  while self.running > 0 and uv.hrtime() / 1e9 < until_s do
    uv.run "once"
  end
  if #self.waiting > 0 then
    self.complain(("--exec=%s: not started for %d alerts at the end")
      :format(self.path, #self.waiting))
  end
end

--- A program to call.
-- @tparam table uv the module luv
-- @tparam string path of it, or its name where PATH has it
-- @tparam function complain gets one sentence
-- @tparam boolean quiet whether what it prints is thrown away, else it goes
--   to standard error
-- @treturn table
function M.new(uv, path, complain, quiet)
  return setmetatable({ uv = uv, path = path, complain = complain,
    quiet = quiet, retry = uv.new_timer(),
    running = 0, waiting = {}, started = {} }, Program)
end

return M
