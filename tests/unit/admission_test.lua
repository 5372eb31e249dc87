-- SPDX-License-Identifier: BSD-2-Clause
-- How many traces run at once on a host that keeps up, and on one that does
-- not.
local admission = require "mtrtrace.session.admission"
local check = require "check"

-- A host on a clock of its own; each trace takes a second, and those above
-- `capacity` make all late.
local function world(capacity)
  local self = { now = 0, timers = {}, running = 0, most = 0, begun = 0 }
  function self.after(seconds, body)
    self.timers[#self.timers + 1] = { at = self.now + seconds, body = body,
      place = #self.timers }
  end
  function self.spawn(body)
    coroutine.wrap(body)()
  end
  function self.sleep(seconds)
    local co = coroutine.running()
    self.after(seconds, function() coroutine.resume(co) end)
    coroutine.yield()
  end
  function self.lag()
    return self.running > capacity and 0.05 or 0
  end
  function self.run()
    while #self.timers > 0 do
      table.sort(self.timers, function(a, b)
        return a.at < b.at or a.at == b.at and a.place < b.place
      end)
      local timer = table.remove(self.timers, 1)
      self.now = timer.at
      timer.body()
    end
  end
  return self
end

local function run(count, most, capacity)
  local w, one = world(capacity), nil
  local function work()
    while w.begun < count do
      w.begun, w.running = w.begun + 1, w.running + 1
      w.most = math.max(w.most, w.running)
      w.sleep(1)
      w.running = w.running - 1
      if one:is_behind() then
        return
      end
    end
  end
  local setup = { most = most, work = work, lag = w.lag,
    is_left = function() return w.begun < count end }
  w.spawn(function() one = admission.start(w, setup) end)
  w.run()
  return w
end

check.case("all_run_at_once_where_the_host_keeps_up", function()
  local w = run(2000, 2000, math.huge)
  check.equal(w.begun, 2000)
  check.equal(w.most, 2000)
  check.equal(w.now < 2.5, true)
end)

check.case("no_more_than_the_limit_run", function()
  local w = run(300, 20, math.huge)
  check.equal(w.begun, 300)
  check.equal(w.most, 20)
end)

check.case("a_host_that_is_behind_begins_no_more", function()
  local w = run(5000, 5000, 400)
  check.equal(w.begun, 5000)
  check.equal(w.most <= 450, true)
  check.equal(w.now < 16, true)
end)

check.case("some_run_however_far_the_host_is_behind", function()
  local w = run(640, 640, -1)
  check.equal(w.begun, 640)
  check.equal(w.most >= 64, true)
  check.equal(w.most <= 114, true)
end)

check.case("one_target_needs_no_look_at_the_engine", function()
  local w = run(1, 32, math.huge)
  check.equal(w.begun, 1)
  check.equal(w.now, 1)
end)

check.finish()
