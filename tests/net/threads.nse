-- SPDX-License-Identifier: BSD-2-Clause
-- At the end of the run: how many threads Nmap has left. With threads.fail an
-- own request is started for each host, and the script dies before its end.
local stdnse = require "stdnse"

description = "For the tests of mtr-trace."
categories = { "safe" }

hostrule = function()
  return stdnse.get_script_args "threads.fail" ~= nil
end

postrule = function() return true end

local function count()
  for line in io.lines "/proc/self/status" do
    local number = line:match("^Threads:%s*(%d+)")
    if number then
      return number
    end
  end
end

action = function(host)
  if host then
    local request = assert(require("mtrtrace.http").start {
      url = "http://a.test/", address = host.ip, port = 8053,
    })
    stdnse.sleep(0.5)
    error("on purpose, request done: " .. tostring(request:done()))
  end
  stdnse.sleep(3) -- Nmap collects garbage every two seconds at most
  return count()
end
