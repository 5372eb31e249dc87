-- SPDX-License-Identifier: BSD-2-Clause
-- Runs beside the trace: holds a connection to the target that gets no answer,
-- so that Nmap's loop always has an event pending.
local nmap = require "nmap"
local stdnse = require "stdnse"

description = "For the tests of mtr-trace."
categories = { "safe" }

hostrule = function() return true end

action = function(host)
  local seconds = tonumber(stdnse.get_script_args "beside.seconds") or 3
  local socket = nmap.new_socket()
  socket:set_timeout(seconds * 1000)
  local connected = socket:connect(host, 80)
  local ok, why = socket:receive()
  socket:close()
  return ("connected %s, received %s %s"):format(tostring(connected),
    tostring(ok), why)
end
