-- SPDX-License-Identifier: BSD-2-Clause
-- Runs beside the traces: sleeps 10 ms again and again, and says how late it
-- was woken at worst, and when.
local nmap = require "nmap"
local stdnse = require "stdnse"

description = "For the tests of mtr-trace."
categories = { "safe" }

local PAUSE_S = 0.01

prerule = function() return false end
hostrule = function(host)
  return host.ip == stdnse.get_script_args "heartbeat.host"
end

action = function()
  local seconds = tonumber(stdnse.get_script_args "heartbeat.seconds") or 3
  local began, worst, at, beats = nmap.clock(), 0, 0, 0
  local before = began
  while before - began < seconds do
    stdnse.sleep(PAUSE_S)
    local now = nmap.clock()
    local late = now - before - PAUSE_S
    if late > worst then
      worst, at = late, now - began
    end
    before, beats = now, beats + 1
  end
  return ("late by %d ms at worst, after %.2f s, %d beats"):format(
    math.ceil(worst * 1000), at, beats)
end
