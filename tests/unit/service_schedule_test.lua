-- SPDX-License-Identifier: BSD-2-Clause
-- When the service traces each target, in virtual time.
local check = require "check"
local schedule = require "mtrtrace.service.schedule"

local case, equal = check.case, check.equal

-- A host whose clock is moved by its own loop.
local function new_host()
  local host, now, timers, order = {}, 0.0, {}, 0
  local function resume(co)
    local ok, err = coroutine.resume(co)
    if not ok then
      error(err, 0)
    end
  end
  function host.now()
    return now
  end
  function host.spawn(body)
    resume(coroutine.create(body))
  end
  function host.sleep(seconds)
    order = order + 1
    timers[#timers + 1] = { at = now + seconds, order = order,
      co = coroutine.running() }
    coroutine.yield()
  end
  function host.await(start)
    local co, done = coroutine.running(), false
    local waiting = false
    start(function()
      done = true
      if waiting then
        resume(co)
      end
    end)
    if not done then
      waiting = true
      coroutine.yield()
    end
  end
  -- Advances the clock to a time.
  function host.run(until_s)
    while #timers > 0 do
      table.sort(timers, function(a, b)
        return a.at < b.at or a.at == b.at and a.order < b.order
      end)
      if timers[1].at > until_s then
        break
      end
      local timer = table.remove(timers, 1)
      now = math.max(now, timer.at)
      resume(timer.co)
    end
    now = until_s
  end
  return host
end

-- A schedule whose traces take a given time; returns when each began.
local function new(settings)
  local self = { host = new_host(), began = {}, skipped = 0, most = 0,
    running = 0 }
  self.schedule = schedule.new { host = self.host,
    every_s = settings.every_s, parallel = settings.parallel or 1000,
    skipped = function() self.skipped = self.skipped + 1 end,
    trace = function(one)
      self.running = self.running + 1
      self.most = math.max(self.most, self.running)
      table.insert(self.began, ("%s@%.2f"):format(one.name, self.host.now()))
      self.host.sleep(one.takes or settings.takes or 1)
      self.running = self.running - 1
      return not one.fails
    end }
  return self
end

case("rounds_stay_where_they_are_and_targets_are_spread", function()
  local all = new { every_s = 60 }
  all.schedule:add { { name = "a" }, { name = "b" } }
  all.host.run(130)
  equal(all.began, { "a@0.00", "b@0.05", "a@60.00", "b@60.05", "a@120.00",
    "b@120.05" })
end)

case("many_targets_are_spread_over_the_round", function()
  local all = new { every_s = 10, takes = 0.1 }
  local list = {}
  for i = 1, 1000 do
    list[i] = { name = "x" }
  end
  all.schedule:add(list)
  all.host.run(9.99)
  equal(#all.began, 1000)
  equal(all.began[1000], "x@8.99")
  equal(all.most <= 12, true, all.most)
end)

case("a_trace_that_takes_too_long_misses_turns_that_are_counted", function()
  local all = new { every_s = 10, takes = 25 }
  all.schedule:add { { name = "a" } }
  all.host.run(70)
  equal(all.began, { "a@0.00", "a@25.00", "a@50.00" })
  equal(all.skipped, 3)
end)

case("without_a_pause_a_round_follows_the_other", function()
  local all = new { takes = 3 }
  all.schedule:add { { name = "a" } }
  all.host.run(10)
  equal(all.began, { "a@0.00", "a@3.00", "a@6.00", "a@9.00" })
end)

case("without_a_pause_a_target_that_fails_is_tried_again_later", function()
  local all = new { takes = 0 }
  all.schedule:add { { name = "a", fails = true } }
  all.host.run(25)
  equal(all.began, { "a@0.00", "a@10.00", "a@20.00" })
end)

case("no_more_traces_than_allowed_are_under_way", function()
  local all = new { every_s = 60, parallel = 2, takes = 5 }
  local list = {}
  for i = 1, 7 do
    list[i] = { name = tostring(i) }
  end
  all.schedule:add(list)
  all.host.run(59)
  equal({ #all.began, all.most }, { 7, 2 })
end)

case("a_target_that_is_gone_is_traced_no_more", function()
  local all = new { every_s = 10 }
  local one = { name = "a" }
  all.schedule:add { one }
  all.host.run(15)
  one.gone = true
  all.host.run(60)
  equal(#all.began, 2)
end)

case("stopping_lets_traces_end_and_begins_none", function()
  local all = new { every_s = 10, parallel = 1, takes = 5 }
  all.schedule:add { { name = "a" }, { name = "b" } }
  all.host.run(2)
  all.schedule:stop()
  equal(all.schedule:is_idle(), false)
  all.host.run(60)
  equal(all.schedule:is_idle(), true)
  equal(all.began, { "a@0.00" })
end)

check.finish()
