-- SPDX-License-Identifier: BSD-2-Clause
-- Bodies that wait together in luv's loop.
local check = require "check"

local ok, uv = pcall(require, "luv")
if not ok then
  print("skip host_uv - luv is not installed")
  return check.finish()
end
local host_uv = require "mtrtrace.host.uv"

local COUNT = 300

check.case("bodies_that_wait_together_go_on_each_once_its_test_holds",
  function()
    local looks, order, failed = {}, {}, nil
    local host = host_uv.new(uv, { failed = function(text)
      failed = text
    end })
    for i = 1, COUNT do
      looks[i] = 0
      host.spawn(function()
        host.await_all(function()
          looks[i] = looks[i] + 1
          return looks[i] > i % 3
        end, 0.001)
        order[#order + 1] = i
      end)
    end
    uv.run()
    check.equal({ #order, failed }, { COUNT, nil })
    for i = 1, COUNT do
      check.equal(looks[i], i % 3 + 1, "body " .. i)
    end
  end)

check.case("a_body_may_wait_again_and_the_loop_ends_with_the_last",
  function()
    local host, rounds = host_uv.new(uv), 0
    host.spawn(function()
      for _ = 1, 3 do
        host.await_all(function() return true end, 0.001)
        rounds = rounds + 1
      end
    end)
    uv.run()
    check.equal(rounds, 3)
  end)

check.finish()
